"""The values of a session: the ticket that the browser holds, and what lies behind it.

Every value here is immutable. What is secret masks its `repr`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NAME_BYTES = 16
_SHARE_BYTES = 16
# As many bits as the name itself has; every digit is stored three times a session.
_DIGEST_DIGITS = 32
# The last of the 43 carries four bits; any other last character would spell the same ticket twice.
_CANONICAL = re.compile(rb"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
SCHEMA_VERSION = 1
DEFAULT_AUDIENCE = ""
BEARER = "Bearer"


class Opener(NamedTuple):
    """A cipher and the token sets that it opens: those of *ring* which begin with *head*."""

    ring: object
    head: bytes
    cipher: AESGCM


class Ticket:
    """256 random bits: half names the session, half is its key share.

    Redis sees only a digest of the first half and never the second, so that a dump of Redis opens
    no session even together with the server's keys.

    Attributes:
        digest: the session's name in Redis: 128 bits of the SHA-256 of the first half, hexadecimal.
        key_share: the half that only the browser keeps (16 bytes).
        opener: the codec's: what it made of the share when it last opened a value with it.
    """

    # Made for every call: no lazily computed property is worth the lock that guards it.
    __slots__ = ("_public_id", "_raw", "digest", "key_share", "opener")

    def __init__(self, raw: bytes) -> None:
        """Wrap 32 bytes; use `new` or `parse` instead."""
        self._raw = raw
        self._public_id: str | None = None
        self.opener: Opener | None = None
        self.key_share = raw[_NAME_BYTES:]
        self.digest = hashlib.sha256(raw[:_NAME_BYTES]).hexdigest()[:_DIGEST_DIGITS]

    @classmethod
    def new(cls) -> Ticket:
        """Return a fresh ticket from the system's CSPRNG (ASVS 7.2.3)."""
        return cls(secrets.token_bytes(_NAME_BYTES + _SHARE_BYTES))

    @classmethod
    def parse(cls, value: bytes) -> Ticket | None:
        """Return the ticket that *value* spells, or None where it spells none.

        Only the canonical spelling counts: one ticket, one cookie value.
        """
        if not _CANONICAL.fullmatch(value):
            return None
        return cls(binascii.a2b_base64(value.translate(_TO_STANDARD) + b"="))

    def encode(self) -> str:
        """Return the cookie value: 43 characters of base64url."""
        return base64.urlsafe_b64encode(self._raw).rstrip(b"=").decode()

    @property
    def key(self) -> str:
        """The Redis key; the braces keep all of a session in one cluster slot."""
        return key_of(self.digest)

    @property
    def public_id(self) -> str:
        """The name that pages, lists and logout links use: tells neither key nor share."""
        if self._public_id is None:
            self._public_id = public_id_of(self.digest)
        return self._public_id

    @property
    def fingerprint(self) -> str:
        """Twelve digits for the log; enough to follow a session, too few to name it."""
        return self.public_id[:12]

    def __repr__(self) -> str:
        return f"Ticket({self.fingerprint}…)"


def key_of(digest: str) -> str:
    """Return the Redis key of the session named *digest*."""
    return f"session:{{{digest}}}"


def public_id_of(digest: str) -> str:
    """Return the public id of the session named *digest*: 32 hexadecimal digits."""
    return hashlib.sha256(b"cloakroom public id" + digest.encode()).hexdigest()[:32]


class AccessToken(msgspec.Struct, frozen=True, array_like=True):
    """An access token for one audience; *expires_at* is in Unix seconds by this host's clock."""

    value: str
    expires_at: float
    lifetime_s: float = 3600.0
    scope: str = ""
    token_type: str = BEARER

    @property
    def issued_at(self) -> float:
        """When it was asked for, in Unix seconds."""
        return self.expires_at - self.lifetime_s

    def __repr__(self) -> str:
        return f"AccessToken(expires_at={self.expires_at})"


class BoundToken(msgspec.Struct, frozen=True):
    """An access token, and the private key that it is bound to where its type is DPoP."""

    token: AccessToken
    proof_key: bytes | None = None

    def __repr__(self) -> str:
        return f"BoundToken({self.token!r})"


class TokenSet(msgspec.Struct, frozen=True, array_like=True):
    """What the provider gave, and how often it has been replaced.

    *generation* grows by one with every replacement; a write names the generation it replaces.
    *proof_key* is the private key that tokens of the type DPoP are bound to (RFC 9449).
    """

    generation: int
    provider: str
    sub: str
    access_tokens: dict[str, AccessToken]
    refresh_token: str | None = None
    id_token: str | None = None
    proof_key: bytes | None = None

    def access_token(self, audience: str = DEFAULT_AUDIENCE) -> AccessToken | None:
        """Return the token held for *audience*, expired or not."""
        return self.access_tokens.get(audience)

    def bound_token(self, audience: str = DEFAULT_AUDIENCE) -> BoundToken:
        """Return the token held for *audience*, with its key; `KeyError` where none is held."""
        token = self.access_tokens[audience]
        return BoundToken(token, None if token.token_type == BEARER else self.proof_key)

    def __repr__(self) -> str:
        return f"TokenSet(generation={self.generation}, provider={self.provider!r})"


class SessionRecord(msgspec.Struct, frozen=True, array_like=True):
    """Who signed in, where and when; instants are Unix seconds.

    Stored by place and not by name, as every value here: fields are only ever added at the end,
    each with a default, so that the release before and the release after read each other's.
    """

    provider: str
    iss: str
    sub: str
    created_at: float
    authenticated_at: float
    absolute_expires_at: float
    sid: str | None = None
    claims: dict[str, Any] = {}
    flask: dict[str, Any] = {}
    version: int = SCHEMA_VERSION

    def __repr__(self) -> str:
        # Claims are personal data; a traceback or a log line is no place for them.
        return f"SessionRecord(provider={self.provider!r}, created_at={self.created_at})"


class Device(msgspec.Struct, frozen=True, array_like=True):
    """Where a session was made: shown by "my sessions" to the same person's other sessions."""

    ip: str = ""
    user_agent: str = ""
    provider: str = ""
    created_at: float = 0.0


class ListedSession(msgspec.Struct, frozen=True):
    """A session seen from outside, without its ticket; *last_seen_at* in Unix seconds."""

    digest: str
    device: Device
    last_seen_at: float

    @property
    def public_id(self) -> str:
        """The name that pages and administrators use."""
        return public_id_of(self.digest)


class Session(msgspec.Struct, frozen=True):
    """A session as the control plane loads it; *revision* names the record's state for a write."""

    ticket: Ticket
    record: SessionRecord
    tokens: TokenSet
    revision: int
    expires_in_s: int
