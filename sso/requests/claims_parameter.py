"""The ``claims`` parameter: single claims asked for, some of them needed.

What is unknown, or not open to the client, is not an error: the client sees what it got. What is
needed and cannot be had is one: a certain person, a certain level of sign-in.

Spec: OIDC Core §5.5; A-44.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sso.accounts.assurance import ACR_VALUES
from sso.clients.limits import allowed_scopes
from sso.errors import (
    INVALID_REQUEST,
    LOGIN_REQUIRED,
    UNMET_AUTHENTICATION_REQUIREMENTS,
    OAuthError,
)
from sso.tokens.claims import SCOPE_OF

if TYPE_CHECKING:
    from sso.storage.clients import Client

_MAX_CHARS: Final = 4_096
_MEMBERS: Final = ("id_token", "userinfo")
Wishes = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class ClaimsAsked:
    """What the parameter comes to: claims to give, a person, levels of sign-in."""

    id_token: list[str]
    userinfo: list[str]
    sub: str | None
    needed_acrs: list[str]
    wished_acrs: list[str]


NOTHING: Final = ClaimsAsked([], [], None, [], [])


def read_claims(value: str | None, client: Client) -> ClaimsAsked:
    """Return what *value* asks for, as far as *client* may have it.

    Raises:
        OAuthError: ``invalid_request`` where it is not as OIDC Core §5.5 has it;
            ``unmet_authentication_requirements`` or ``login_required`` where what is needed cannot
            be.
    """
    if value is None:
        return NOTHING
    asked = _parsed(value)
    id_token, userinfo = (asked.get(name, {}) for name in _MEMBERS)
    acr = id_token.get("acr", {})
    acrs = _values(acr)
    needed = acrs if acr.get("essential") is True else []
    if needed and not set(needed) & set(ACR_VALUES):
        raise OAuthError(UNMET_AUTHENTICATION_REQUIREMENTS, "no such acr is known here")
    return ClaimsAsked(
        id_token=_open_to(client, id_token),
        userinfo=_open_to(client, userinfo),
        sub=_person(id_token, userinfo),
        needed_acrs=needed,
        wished_acrs=[] if needed else acrs,
    )


def _parsed(value: str) -> dict[str, Wishes]:
    try:
        if len(value) > _MAX_CHARS:
            raise _malformed("is too long")
        document = json.loads(value, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _malformed("is not JSON, or repeats a member") from error
    if not isinstance(document, dict):
        raise _malformed("must be an object")
    return {name: _wishes(document[name]) for name in _MEMBERS if name in document}


def _wishes(member: object) -> Wishes:
    if not isinstance(member, dict):
        raise _malformed("must hold objects")
    for wish in member.values():
        if wish is not None and not isinstance(wish, dict):
            raise _malformed("must ask for each claim by null or an object")
    return {name: wish or {} for name, wish in member.items()}


def _open_to(client: Client, wishes: Wishes) -> list[str]:
    allowed = allowed_scopes(client)
    return [name for name, scope in SCOPE_OF.items() if name in wishes and scope in allowed]


def _person(*asked: Wishes) -> str | None:
    """Return the one subject that is asked for (OIDC Core §5.5.1)."""
    named = {sub for wishes in asked for sub in _values(wishes.get("sub", {}))}
    if len(named) > 1:
        raise OAuthError(LOGIN_REQUIRED, "claims names more than one person")
    return named.pop() if named else None


def _values(wish: dict[str, Any]) -> list[str]:
    """Return the values that *wish* would take, in order."""
    values = wish.get("values", [])
    given = [*([wish["value"]] if "value" in wish else []), *_list(values)]
    if not all(isinstance(each, str) for each in given):
        return []
    return list(dict.fromkeys(given))


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _malformed(what: str) -> OAuthError:
    return OAuthError(INVALID_REQUEST, f"claims {what}")
