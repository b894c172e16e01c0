"""What can be registered of a client, and what is wrong with the rest.

Spec: OAuth 2.1 §2; A-02 to A-04, A-15, A-21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sso.clients import redirect_uris
from sso.clients.assertions import key_set_fault
from sso.clients.limits import RESPONSE_MODES
from sso.keys.pairs import ALGORITHMS as SIGNING_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AUTH_SECRET: Final = "client_secret"
AUTH_NONE: Final = "none"
OPAQUE: Final = "opaque"
JWT: Final = "jwt"
AUTH_KEY: Final = "private_key_jwt"
AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"
CLIENT_CREDENTIALS: Final = "client_credentials"
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
GRANT_TYPES: Final = (
    AUTHORIZATION_CODE,
    REFRESH_TOKEN,
    CLIENT_CREDENTIALS,
    DEVICE_CODE,
    TOKEN_EXCHANGE,
)
# What a client does of its own right, so that nobody has it who cannot prove who they are.
_OF_ITS_OWN: Final = frozenset({CLIENT_CREDENTIALS, TOKEN_EXCHANGE})
MAX_NAME: Final = 120
# A signing key outlives what it signed by this much, so nothing may live longer.
MAX_ACCESS_TOKEN_S: Final = 86_400


class NewClientInvalid(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The client cannot be registered.

    Attributes:
        faults: one line each, in words.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class NewClient:
    """What is registered of a client; None and empty mean the server's own defaults."""

    name: str
    redirect_uris: Sequence[str] = ()
    post_logout_redirect_uris: Sequence[str] = ()
    backchannel_logout_uri: str | None = None
    frontchannel_logout_uri: str | None = None
    public: bool = False
    first_party: bool = False
    scope: str = ""
    grant_types: Sequence[str] = (AUTHORIZATION_CODE, REFRESH_TOKEN)
    response_modes: Sequence[str] = ()
    audiences: Sequence[str] = ()
    introspects: Sequence[str] = ()
    opaque: bool = False
    id_token_alg: str | None = None
    access_token_alg: str | None = None
    pkce_required: bool = True
    par_required: bool = False
    dpop_required: bool = False
    jwks: Mapping[str, Any] | None = None
    code_ttl_s: int | None = None
    access_token_ttl_s: int | None = None
    refresh_token_ttl_s: int | None = None
    owner_sub: str | None = None


def auth_method_of(new: NewClient) -> str:
    """Return the one way in which *new* will prove itself."""
    if new.public:
        return AUTH_NONE
    return AUTH_KEY if new.jwks is not None else AUTH_SECRET


def registration_faults(new: NewClient) -> list[str]:
    """Return in words everything that is wrong with *new*, one line each."""
    return [*_own_faults(new), *_address_faults(new), *_limit_faults(new)]


def _own_faults(new: NewClient) -> list[str]:
    faults = []
    if not new.name.strip() or len(new.name) > MAX_NAME or not new.name.isprintable():
        faults.append(f"name: must have 1 to {MAX_NAME} printable characters")
    if new.jwks is not None and (fault := key_set_fault(new.jwks)):
        faults.append(f"keys: {fault}")
    if {new.id_token_alg, new.access_token_alg} - {None, *SIGNING_ALGORITHMS}:
        faults.append(f"tokens are signed by {' or '.join(SIGNING_ALGORITHMS)} alone")
    if new.public and (new.jwks is not None or _OF_ITS_OWN & set(new.grant_types)):
        faults.append("a public client has no keys and acts for nobody but its person")
    return faults


def _address_faults(new: NewClient) -> list[str]:
    faults = []
    if AUTHORIZATION_CODE in new.grant_types and not new.redirect_uris:
        faults.append("redirect URI: at least one is needed")
    uris = [*new.redirect_uris, *new.post_logout_redirect_uris]
    if new.backchannel_logout_uri:
        uris.append(new.backchannel_logout_uri)
        if not new.backchannel_logout_uri.startswith(("https://", "http://")):
            faults.append("back-channel logout URI: must be https")
    if front := new.frontchannel_logout_uri:
        uris.append(front)
        if not redirect_uris.is_of_same_origin(front, new.redirect_uris):
            faults.append("front-channel logout URI: must be of a redirect URI's own origin")
    found = [(uri, redirect_uris.registration_fault(uri)) for uri in uris]
    return faults + [f"{uri[:200]}: {fault}" for uri, fault in found if fault]


def _limit_faults(new: NewClient) -> list[str]:
    known = (
        ("grant type", new.grant_types, GRANT_TYPES),
        ("response mode", new.response_modes, RESPONSE_MODES),
    )
    faults = [
        f"{kind} {each[:80]}: is not one of this server"
        for kind, given, served in known
        for each in given
        if each not in served
    ]
    lifetimes = (
        ("code lifetime", new.code_ttl_s),
        ("access-token lifetime", new.access_token_ttl_s),
        ("refresh-token lifetime", new.refresh_token_ttl_s),
    )
    if new.access_token_ttl_s is not None and new.access_token_ttl_s > MAX_ACCESS_TOKEN_S:
        faults.append(f"access-token lifetime: must be {MAX_ACCESS_TOKEN_S} s or less")
    return faults + [
        f"{name}: must be one second or more"
        for name, ttl_s in lifetimes
        if ttl_s is not None and ttl_s < 1
    ]
