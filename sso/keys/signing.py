"""Sign tokens, and read back what we signed.

Algorithms are pinned by the key and never taken from a token's header; a token is read only as
the type it was issued as.

Spec: RFC 8725 §3; A-31, A-33, A-35.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError

from httpkit.problems import Unavailable
from sso.keys.pairs import ALGORITHMS, PUBLISH_LEAD_S, RS256, KeyPairs

if TYPE_CHECKING:
    from datetime import datetime

    from joserfc.jwk import ECKey, RSAKey

    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.storage.engine import Storage
    from sso.storage.keys import SigningKey

MAX_TOKEN_CHARS: Final = 8_192
_RELOAD_AFTER_S: Final = 60


class TokenUnreadable(Exception):  # noqa: N818 - a finding, not an error of ours
    """What was given is not a token of ours of the wanted type. The message is for the log."""


@dataclass(frozen=True)
class _Pair:
    key: RSAKey | ECKey
    algorithm: str
    public_jwk: dict[str, Any]
    kid: str
    signs_from: datetime


class SigningKeys:
    """The key pairs of this server, in memory and never older than a minute.

    An outage of the database is not noticed here once the keys are loaded.
    """

    def __init__(self, storage: Storage, ring: KeyRing, clock: Clock) -> None:
        self._storage = storage
        self._rows = KeyPairs(ring, clock)
        self._clock = clock
        self._lock = threading.Lock()
        self._pairs: list[_Pair] = []
        self._loaded_at = float("-inf")

    def published(self) -> dict[str, list[dict[str, Any]]]:
        """Return the JWK Set (RFC 7517 §5): public halves alone."""
        return {"keys": [pair.public_jwk for pair in self._current()]}

    def sign(self, claims: dict[str, Any], *, typ: str, algorithm: str | None = None) -> str:
        """Return *claims* as a compact JWS under the key of *algorithm* that signs just now.

        Raises:
            Unavailable: no key was ever loaded and the database does not answer.
        """
        now, algorithm = self._clock(), algorithm or RS256
        of_it = [pair for pair in self._current() if pair.algorithm == algorithm]
        # The first key of all signs at once, also where this clock is behind its maker's.
        signing = [pair for pair in of_it if pair.signs_from <= now] or of_it[:1]
        pair = max(signing, key=lambda p: p.signs_from)
        header = {"alg": pair.algorithm, "kid": pair.kid, "typ": typ}
        return jwt.encode(header, claims, pair.key, algorithms=[pair.algorithm])

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
            read = jwt.decode(token, pair.key, algorithms=[pair.algorithm])
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
        # One looks; the others go on with what there is, however long a sick database takes.
        if not self._lock.acquire(blocking=not self._pairs):
            return self._pairs
        try:
            if not self._pairs or time.monotonic() - self._loaded_at >= _RELOAD_AFTER_S:
                self._reload()
        finally:
            self._lock.release()
        return self._pairs

    def _reload(self) -> None:
        try:
            with self._storage.reading() as session:
                rows = self._rows.living(session)
            if {row.algorithm for row in rows} != set(ALGORITHMS):
                rows = self._storage.write(self._rows.complete)
            self._pairs = [self._open(row) for row in rows]
        except Unavailable:
            if not self._pairs:
                raise
            # What is in memory stays good: keys outlive every token that they signed.
        self._loaded_at = time.monotonic()

    def _open(self, row: SigningKey) -> _Pair:
        known = next((pair for pair in self._pairs if pair.kid == row.kid), None)
        key = known.key if known is not None else self._rows.open(row)
        return _Pair(key, row.algorithm, row.public_jwk, row.kid, row.signs_from)

    def rotate(self, *, keep_s: int, algorithm: str = RS256, lead_s: int = PUBLISH_LEAD_S) -> str:
        """Publish a new key of *algorithm* that signs after *lead_s*, and return its ``kid``.

        Older ones stay published until *keep_s* after that.
        """
        kid = self._storage.write(
            lambda s: self._rows.rotate(s, algorithm, keep_s=keep_s, lead_s=lead_s)
        )
        self._loaded_at = float("-inf")
        return kid

    def rotate_old(self, *, older_than_s: int, keep_s: int) -> list[str]:
        """Rotate what is too old, unless another process does; return the new ``kid`` values."""
        kids = self._storage.write(
            lambda s: self._rows.rotate_old(s, older_than_s=older_than_s, keep_s=keep_s)
        )
        if kids:
            self._loaded_at = float("-inf")
        return kids

    def algorithm_of(self, kid: str) -> str | None:
        """Return the algorithm of a published key, or None where there is none of the id."""
        return next((pair.algorithm for pair in self._current() if pair.kid == kid), None)

    def reseal(self) -> int:
        """Seal the private keys under the newest of the server's keys; return how many."""
        return self._storage.write(self._rows.reseal)
