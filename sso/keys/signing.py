"""Sign tokens, and read back what we signed.

Algorithms are pinned by the key and never taken from a token's header; a token is read only as
the type it was issued as.

Spec: RFC 8725 §3; A-31, A-33, A-35.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from sqlalchemy import or_, select

from httpkit.problems import Unavailable
from sso.storage.audit import record
from sso.storage.keys import SigningKey

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.storage.engine import Storage

ALGORITHM: Final = "RS256"
MAX_TOKEN_CHARS: Final = 8_192
# Every node has seen a new key before the first token under it is met.
PUBLISH_LEAD_S: Final = 600
_RELOAD_AFTER_S: Final = 60
_RSA_BITS: Final = 2_048
_PURPOSE = "signing key"


class TokenUnreadable(Exception):  # noqa: N818 - a finding, not an error of ours
    """What was given is not a token of ours of the wanted type. The message is for the log."""


@dataclass(frozen=True)
class _Pair:
    key: RSAKey
    public_jwk: dict[str, Any]
    kid: str
    signs_from: datetime


class SigningKeys:
    """The key pairs of this server, in memory and never older than a minute.

    An outage of the database is not noticed here once the keys are loaded.
    """

    def __init__(self, storage: Storage, ring: KeyRing, clock: Clock) -> None:
        self._storage = storage
        self._ring = ring
        self._clock = clock
        self._lock = threading.Lock()
        self._pairs: list[_Pair] = []
        self._loaded_at = float("-inf")

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """Return the JWK Set (RFC 7517 §5): public halves alone."""
        return {"keys": [pair.public_jwk for pair in self._current()]}

    def sign(self, claims: dict[str, Any], *, typ: str) -> str:
        """Return *claims* as a compact JWS under the key that signs just now.

        Raises:
            Unavailable: no key was ever loaded and the database does not answer.
        """
        now = self._clock()
        pair = max((p for p in self._current() if p.signs_from <= now), key=lambda p: p.signs_from)
        header = {"alg": ALGORITHM, "kid": pair.kid, "typ": typ}
        return jwt.encode(header, claims, pair.key, algorithms=[ALGORITHM])

    def read(self, token: str, *, typ: str) -> dict[str, Any]:
        """Return the claims of a *token* that we signed as *typ*; times are the caller's matter.

        Raises:
            TokenUnreadable: foreign, changed, of another type, or no token at all.
        """
        if len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise TokenUnreadable("too long or not ASCII")
        try:
            kid = jws.extract_compact(token.encode()).headers().get("kid")
            pair = next((p for p in self._current() if p.kid == kid), None)
            if pair is None:
                raise TokenUnreadable("signed by no key of ours")
            read = jwt.decode(token, pair.key, algorithms=[ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise TokenUnreadable(f"no valid JWS: {type(error).__name__}") from error
        if read.header.get("typ") != typ:
            raise TokenUnreadable(f"is not of type {typ}")
        return read.claims

    def ensure(self) -> None:
        """Load the keys and make the first one where there is none.

        Raises:
            Unavailable: the database does not answer, or has no tables yet.
        """
        self._current()

    def _current(self) -> list[_Pair]:
        if self._pairs and time.monotonic() - self._loaded_at < _RELOAD_AFTER_S:
            return self._pairs
        with self._lock:
            if not self._pairs or time.monotonic() - self._loaded_at >= _RELOAD_AFTER_S:
                self._reload()
        return self._pairs

    def _reload(self) -> None:
        try:
            with self._storage.reading() as session:
                rows = _living(session, self._clock())
            if not rows:
                rows = self._storage.write(self._first_key)
            self._pairs = [self._open(row) for row in rows]
        except Unavailable:
            if not self._pairs:
                raise
            # What is in memory stays good: keys outlive every token that they signed.
        self._loaded_at = time.monotonic()

    def _first_key(self, session: Session) -> list[SigningKey]:
        rows = _living(session, self._clock())
        if not rows:
            session.add(self._new_row(signs_from=self._clock()))
            session.flush()
            rows = _living(session, self._clock())
        return rows

    def rotate(self, *, keep_s: int, lead_s: int = PUBLISH_LEAD_S) -> str:
        """Publish a new key that signs after *lead_s*, and return its ``kid``.

        Older keys stay published until *keep_s* after that: by then the last token that they
        signed has expired. No validation fails on the way.
        """
        starts = self._clock() + timedelta(seconds=lead_s)

        def work(session: Session) -> str:
            for old in _living(session, self._clock()):
                if old.expires_at is None:
                    old.expires_at = starts + timedelta(seconds=keep_s)
            row = self._new_row(signs_from=starts)
            session.add(row)
            record(session, self._clock(), "keys.rotated", f"key:{row.kid}")
            return row.kid

        kid = self._storage.write(work)
        self._loaded_at = float("-inf")
        return kid

    def _new_row(self, *, signs_from: datetime) -> SigningKey:
        key = RSAKey.generate_key(_RSA_BITS, auto_kid=True)
        kid = key.thumbprint()
        public = {
            **key.as_dict(private=False),
            "kid": kid,
            "use": "sig",
            "alg": ALGORITHM,
        }
        return SigningKey(
            kid=kid,
            algorithm=ALGORITHM,
            public_jwk=public,
            sealed_private_key=self._ring.seal(_PURPOSE, key.as_pem(private=True)),
            created_at=self._clock(),
            signs_from=signs_from,
            expires_at=None,
        )

    def _open(self, row: SigningKey) -> _Pair:
        pem = self._ring.open(_PURPOSE, row.sealed_private_key)
        return _Pair(RSAKey.import_key(pem), row.public_jwk, row.kid, row.signs_from)


def _living(session: Session, now: datetime) -> list[SigningKey]:
    query = select(SigningKey).where(
        or_(SigningKey.expires_at.is_(None), SigningKey.expires_at > now)
    )
    return list(session.scalars(query.order_by(SigningKey.signs_from)))
