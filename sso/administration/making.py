"""What an administrator may make, by a page or a program: people, clients, invitations.

Spec: A-60; ASVS 6.4.1; S-109.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from sso.accounts.invitations import DEFAULT_TTL_S, InvitationInvalid
from sso.accounts.users import NewUser, NewUserInvalid
from sso.clients.registration import (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    NewClient,
    NewClientInvalid,
)
from sso.errors import INVALID_REQUEST, OAuthError
from sso.storage.digests import new_secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from sso.accounts.invitations import Invitations
    from sso.accounts.recovery import Recovery
    from sso.accounts.users import Users
    from sso.clients.registry import Clients

Record = dict[str, Any]


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON body; what it does not name is refused, so that nobody believes it was heard."""


class _NewUser(_Body, frozen=True):
    username: str
    email: str
    password: str | None = None
    admin: bool = False
    email_verified: bool = False

    def __repr__(self) -> str:
        return "_NewUser([masked])"


class _NewClient(_Body, frozen=True):
    name: str
    redirect_uris: list[str] = []
    post_logout_redirect_uris: list[str] = []
    backchannel_logout_uri: str | None = None
    public: bool = False
    first_party: bool = False
    scope: str = ""
    grant_types: tuple[str, ...] = (AUTHORIZATION_CODE, REFRESH_TOKEN)
    response_modes: list[str] = []
    audiences: list[str] = []
    introspects: list[str] = []
    opaque: bool = False
    id_token_alg: str | None = None
    access_token_alg: str | None = None
    pkce_required: bool = True
    jwks: dict[str, Any] | None = None
    code_ttl_s: int | None = None
    access_token_ttl_s: int | None = None
    refresh_token_ttl_s: int | None = None


class _NewInvitation(_Body, frozen=True):
    uses: int = 1
    expires_in_s: int = DEFAULT_TTL_S
    note: str = ""


B = TypeVar("B", bound=_Body)


class Making:
    """Makes one object of a kind."""

    def __init__(
        self, users: Users, clients: Clients, invitations: Invitations, recovery: Recovery
    ) -> None:
        self._users = users
        self._clients = clients
        self.invitations = invitations
        self._recovery = recovery
        self._kinds: dict[str, Callable[[bytes], Record]] = {
            "users": self._user,
            "clients": self._client,
            "invitations": self._invitation,
        }

    def make(self, kind: str, body: bytes) -> Record | None:
        """Return what was made of *body*, secrets once; None where the *kind* cannot be made.

        Raises:
            OAuthError: ``invalid_request``, with what is wrong; nothing was written.
        """
        maker = self._kinds.get(kind)
        try:
            return maker(body) if maker else None
        except NewUserInvalid as invalid:
            raise _refused(
                "; ".join(f"{f}: {code}" for f, code in invalid.faults.items())
            ) from None
        except NewClientInvalid as invalid:
            raise _refused(str(invalid)) from None
        except InvitationInvalid as invalid:
            raise _refused(str(invalid)) from None

    def _user(self, body: bytes) -> Record:
        asked = _read(body, _NewUser)
        # Without one the account opens to nobody until its owner has chosen one by the letter.
        password = new_secret() if asked.password is None else asked.password
        made = self._users.create(
            NewUser(
                asked.username,
                asked.email,
                password,
                is_admin=asked.admin,
                email_verified=asked.email_verified,
            ),
            also=None if asked.password is not None else self._recovery.invite(asked.email),
        )
        return {"id": made.sub, "username": made.username}

    def _client(self, body: bytes) -> Record:
        asked = _read(body, _NewClient)
        made = self._clients.create(NewClient(**msgspec.structs.asdict(asked)))
        secret = {"client_secret": made.client_secret} if made.client_secret else {}
        return {"id": made.client.client_id, "client_id": made.client.client_id, **secret}

    def _invitation(self, body: bytes) -> Record:
        asked = _read(body, _NewInvitation)
        made = self.invitations.create(uses=asked.uses, ttl_s=asked.expires_in_s, note=asked.note)
        return {"id": made.id, "link": made.link}


def _read(body: bytes, shape: type[B]) -> B:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refused(f"the body does not fit: {str(error)[:200]}") from None


def _refused(words: str) -> OAuthError:
    return OAuthError(INVALID_REQUEST, words)
