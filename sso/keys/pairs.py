"""Key pairs as rows: made, published before they sign, kept until their last token has expired.

Whoever changes the set holds the turn of the keys meanwhile, so that of several processes that
find a key missing or too old exactly one makes the next.

Spec: OIDC Core §10.1.1; A-35.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import or_, select

from sso.storage.audit import record
from sso.storage.keys import SigningKey
from sso.storage.turns import KEYS, hold_turn

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.keys.ring import KeyRing

RS256: Final = "RS256"
ES256: Final = "ES256"
# The first is for whoever names none.
ALGORITHMS: Final = (RS256, ES256)
# Every node has seen a new key before the first token under it is met.
PUBLISH_LEAD_S: Final = 600
_RSA_BITS: Final = 2_048
_PURPOSE: Final = "signing key"


class KeyPairs:
    """Makes rows and opens them."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def living(self, session: Session) -> list[SigningKey]:
        """Return what is published just now, those of the first algorithm first."""
        query = (
            select(SigningKey)
            .where(or_(SigningKey.expires_at.is_(None), SigningKey.expires_at > self._clock()))
            .order_by(SigningKey.signs_from, SigningKey.kid)
        )
        rows = [row for row in session.scalars(query) if row.algorithm in ALGORITHMS]
        return sorted(rows, key=lambda row: ALGORITHMS.index(row.algorithm))

    def complete(self, session: Session) -> list[SigningKey]:
        """Return what is published, with a key made for each algorithm that had none."""
        hold_turn(session, KEYS)
        there = {row.algorithm for row in self.living(session)}
        for algorithm in ALGORITHMS:
            if algorithm not in there:
                session.add(self._new(algorithm, signs_from=self._clock()))
        session.flush()
        return self.living(session)

    def rotate(self, session: Session, algorithm: str, *, keep_s: int, lead_s: int) -> str:
        """Publish a new key that signs after *lead_s*, and return its ``kid``.

        Older ones stay published until *keep_s* after that: by then the last token that they
        signed has expired. No validation fails on the way.
        """
        hold_turn(session, KEYS)
        starts = self._clock() + timedelta(seconds=lead_s)
        for old in self.living(session):
            if old.algorithm == algorithm and old.expires_at is None:
                old.expires_at = starts + timedelta(seconds=keep_s)
        row = self._new(algorithm, signs_from=starts)
        session.add(row)
        record(session, self._clock(), "keys.rotated", f"key:{row.kid}", algorithm=algorithm)
        return row.kid

    def rotate_old(self, session: Session, *, older_than_s: int, keep_s: int) -> list[str]:
        """Rotate each algorithm whose newest key is too old; return the new ``kid`` values."""
        hold_turn(session, KEYS)
        newest: dict[str, datetime] = {}
        for row in self.living(session):
            newest[row.algorithm] = max(row.created_at, newest.get(row.algorithm, row.created_at))
        oldest_good = self._clock() - timedelta(seconds=older_than_s)
        return [
            self.rotate(session, algorithm, keep_s=keep_s, lead_s=PUBLISH_LEAD_S)
            for algorithm, made_at in newest.items()
            if made_at <= oldest_good
        ]

    def reseal(self, session: Session) -> int:
        """Seal every private key under the newest of the server's keys; return how many."""
        hold_turn(session, KEYS)
        rows = list(session.scalars(select(SigningKey)))
        for row in rows:
            row.sealed_private_key = self._ring.seal(
                _PURPOSE, self._ring.open(_PURPOSE, row.sealed_private_key)
            )
        return len(rows)

    def open(self, row: SigningKey) -> RSAKey | ECKey:
        """Return the private key of *row*.

        Raises:
            Unsealable: it was sealed under a key that the ring no longer has.
        """
        pem = self._ring.open(_PURPOSE, row.sealed_private_key)
        return RSAKey.import_key(pem) if row.algorithm == RS256 else ECKey.import_key(pem)

    def _new(self, algorithm: str, *, signs_from: datetime) -> SigningKey:
        key: RSAKey | ECKey
        if algorithm == RS256:
            key = RSAKey.generate_key(_RSA_BITS, auto_kid=True)
        else:
            key = ECKey.generate_key("P-256", auto_kid=True)
        kid = key.thumbprint()
        public = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": algorithm}
        return SigningKey(
            kid=kid,
            algorithm=algorithm,
            public_jwk=public,
            sealed_private_key=self._ring.seal(_PURPOSE, key.as_pem(private=True)),
            created_at=self._clock(),
            signs_from=signs_from,
            expires_at=None,
        )
