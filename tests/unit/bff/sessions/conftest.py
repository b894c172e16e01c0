"""A store of sessions over a real Valkey, and the values that tests put into it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from bff.sessions.store import SessionStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

KEY = "the-server-key-of-these-tests-0123456789"
OLDER_KEY = "the-key-before-the-last-rotation-0123456"
ISSUER = "https://sso.example.com"
IDLE_S = 600
ABSOLUTE_S = 3600


def record_of(sub: str = "ada", *, sid: str | None = "sid-of-ada") -> SessionRecord:
    """Return the record of somebody who signed in just now."""
    now = time.time()
    return SessionRecord(
        provider="sso",
        iss=ISSUER,
        sub=sub,
        created_at=now,
        authenticated_at=now,
        absolute_expires_at=now + ABSOLUTE_S,
        sid=sid,
        claims={"name": "Ada Lovelace", "email": "ada@example.com"},
    )


def tokens_of(sub: str = "ada", *, generation: int = 1) -> TokenSet:
    """Return a token set whose every token is easy to find in a dump."""
    access = AccessToken(f"access-token-{generation}-of-{sub}", time.time() + 600)
    return TokenSet(
        generation, "sso", sub, {"": access}, f"refresh-token-of-{sub}", f"id-token-of-{sub}"
    )


class Desk:
    """A store, and beside it a client that looks at what is really there."""

    def __init__(
        self,
        url: str,
        *,
        keys: Sequence[str] = (KEY,),
        idle_ttl_s: int = IDLE_S,
        absolute_ttl_s: int = ABSOLUTE_S,
    ) -> None:
        self.url = url
        self.client: redis.Redis = connect(url)
        self.codec = SessionCodec(KeyRing(keys))
        self.store = SessionStore(
            self.client, self.codec, idle_ttl_s=idle_ttl_s, absolute_ttl_s=absolute_ttl_s
        )

    def sign_in(self, sub: str = "ada", *, sid: str | None = "sid-of-ada") -> Ticket:
        """Return the ticket of a new session."""
        device = Device(ip="192.0.2.7", user_agent="a browser")
        return self.store.create(record_of(sub, sid=sid), tokens_of(sub), device)


@pytest.fixture
def desk(valkey_url: str) -> Desk:
    return Desk(valkey_url)
