"""The parameters of a protocol request: parsed once, each at most once, empty is absent.

Spec: OAuth 2.1 §3.1 and §3.2; A-01, A-16.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from sso.errors import INVALID_REQUEST, OAuthError

if TYPE_CHECKING:
    from flask import Request

Parameters = Mapping[str, str]

MAX_BODY_BYTES: Final = 64 * 1024
_MAX_FIELDS: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


class RepeatedError(OAuthError):
    """A parameter was given more than once: two readers could each take another."""

    def __init__(self, name: str) -> None:
        super().__init__(INVALID_REQUEST, f"the parameter {name[:40]} is repeated")


def once_each(pairs: Iterable[tuple[str, str]]) -> Parameters:
    """Return *pairs* as a mapping.

    Raises:
        RepeatedError: a name stands there twice, empty or not.
    """
    seen: dict[str, str] = {}
    for name, value in pairs:
        if name in seen:
            raise RepeatedError(name)
        seen[name] = value
    return {name: value for name, value in seen.items() if value}


def from_query(request: Request) -> Parameters:
    """Return the parameters of the address."""
    return once_each(_decoded(request.query_string))


def from_body(request: Request) -> Parameters:
    """Return the parameters of a form or JSON body; none may stand in the address.

    Raises:
        OAuthError: ``invalid_request``: of another type, malformed, repeated or in the address.
    """
    if request.query_string:
        raise OAuthError(INVALID_REQUEST, "parameters belong into the body, not the address")
    if request.mimetype == _JSON:
        return from_json(request.get_data(cache=True))
    if request.mimetype == _FORM or not request.content_length:
        return once_each(_decoded(request.get_data(cache=True)))
    raise OAuthError(INVALID_REQUEST, f"the body must be {_FORM} or {_JSON}")


def from_form(request: Request) -> Parameters:
    """Return the parameters of a form body; what the address carries is not read."""
    if request.mimetype != _FORM:
        raise OAuthError(INVALID_REQUEST, f"the body must be {_FORM}")
    return once_each(_decoded(request.get_data(cache=True)))


def from_json(body: bytes) -> Parameters:
    """Return the members of a JSON object of strings (whole numbers are read as their digits).

    Raises:
        OAuthError: ``invalid_request``: no such object, or a member is repeated.
    """
    try:
        members = json.loads(body, object_pairs_hook=_Members)
    except (ValueError, RecursionError) as error:
        raise OAuthError(INVALID_REQUEST, "the body is not JSON") from error
    if not isinstance(members, _Members):
        raise OAuthError(INVALID_REQUEST, "the body must be a JSON object")
    return once_each((name, _text(name, value)) for name, value in members)


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in order, repeated ones still there."""


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    if not isinstance(value, str):
        raise OAuthError(INVALID_REQUEST, f"the member {name[:40]} must be a string")
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise OAuthError(INVALID_REQUEST, f"the member {name[:40]} is not text")
    return value


def _decoded(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            encoding="utf-8",
            errors="strict",
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise OAuthError(INVALID_REQUEST, "the parameters cannot be read") from error


def space_separated(value: str) -> list[str]:
    """Return the distinct members of a space-delimited list, in the order given."""
    return list(dict.fromkeys(part for part in value.split(" ") if part))
