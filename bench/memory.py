"""P-7: what one session costs Redis. Run it by itself: ``python -m bench.memory``.

Sessions as a sign-in makes them, each of another person, with JWTs of the usual claims and the size
that P-7 names. Counted: everything that Redis holds for them, indexes and its own tables too.
"""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import AccessToken, Device, SessionRecord, TokenSet
from bff.sessions.store import SessionStore
from tests.support.stores import Store, redis_binary, started, valkey_binary

if TYPE_CHECKING:
    import redis

SESSIONS = 5000
TOKEN_BYTES = 3072
ISSUER = "https://sso.example.com"
SCOPE = "openid profile email offline_access users:read"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0"
_HASH_LIMITS = {"as it comes": "64", "hash-max-listpack-value 8192": "8192"}


def main() -> None:
    """Print the table."""
    for name, binary in (("Valkey", valkey_binary()), ("Redis", redis_binary())):
        for setting, limit in _HASH_LIMITS.items():
            with (
                tempfile.TemporaryDirectory() as folder,
                started(Store(binary, Path(folder))) as store,
                connect(store.url) as client,
            ):
                client.config_set("hash-max-listpack-value", limit)
                token_bytes, held = _measure(client)
            more = held - token_bytes
            print(f"{name}, {setting}: {held:.0f} B a session, {token_bytes:.0f} of them tokens")
            print(f"    {more:.0f} B more than its tokens")


def _measure(client: redis.Redis) -> tuple[float, float]:
    """Return the bytes of a session's tokens, and of all that Redis holds for it."""
    codec = SessionCodec(KeyRing(["k" * 32]))
    store = SessionStore(client, codec, idle_ttl_s=1800, absolute_ttl_s=28800)
    _sign_in(store)  # tables and scripts that are there once
    before = _used(client)
    token_bytes = sum(_sign_in(store) for _n in range(SESSIONS))
    return token_bytes / SESSIONS, (_used(client) - before) / SESSIONS


def _used(client: redis.Redis) -> int:
    info: Any = client.info("memory")
    return int(info["used_memory"])


def _sign_in(store: SessionStore) -> int:
    now, sub, sid = time.time(), secrets.token_hex(12), secrets.token_urlsafe(16)
    person = {"name": "Ada Lovelace", "preferred_username": "ada", "email": "ada@example.com"}
    identity: dict[str, Any] = {
        "iss": ISSUER,
        "sub": sub,
        "aud": secrets.token_hex(12),
        "sid": sid,
        **person,
    }
    identity |= {"nonce": secrets.token_urlsafe(32), "iat": int(now), "exp": int(now) + 3600}
    id_token, refresh_token = _jwt(identity), secrets.token_urlsafe(32)
    room = TOKEN_BYTES - len(id_token) - len(refresh_token)
    access_token = _jwt({"iss": ISSUER, "sub": sub, "scope": SCOPE}, room)
    record = SessionRecord("sso", ISSUER, sub, now, now, now + 28800, sid=sid, claims=person)
    access = AccessToken(access_token, now + 3600, scope=SCOPE)
    tokens = TokenSet(1, "sso", sub, {"": access}, refresh_token, id_token)
    store.create(record, tokens, Device(ip="192.0.2.1", user_agent=BROWSER))
    return len(access_token) + len(refresh_token) + len(id_token)


def _jwt(claims: dict[str, Any], room: int = 0) -> str:
    """Return what looks like a JWT under RSA, of *room* characters where that is more."""
    head = {"alg": "RS256", "typ": "JWT", "kid": secrets.token_urlsafe(16)}
    plain = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
    signed = f"{plain}.{_base64url(secrets.token_bytes(256))}"
    return signed + secrets.token_hex(room)[: max(0, room - len(signed))]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    main()
