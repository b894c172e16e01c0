"""Retries that do nothing twice: `Idempotency-Key` on whatever creates.

The key is taken in the transaction of the change itself, so that it is known exactly when the
change stands. Of two requests at once the second waits at the unique digest, then gets the first
one's answer. The stored answer is sealed under the client's key, of which only a digest is kept: an
invitation's code, shown once, is not in the database either.

Spec: draft-ietf-httpapi-idempotency-key-header §2.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import request
from sqlalchemy import BigInteger, DateTime, Index, Integer, LargeBinary, String, delete, select
from sqlalchemy.dialects.mysql import MEDIUMBLOB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from workbench.database import Base, db, outages_named
from workbench.kit.answers import Answer
from workbench.kit.clock import utc_now
from workbench.kit.transactions import write
from workbench.problems import BAD_REQUEST, IDEMPOTENCY_KEY_REUSED, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response
    from sqlalchemy import Delete

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
_WELL_FORMED = re.compile(r"[\x21-\x7e]{1,255}")
_DIGEST_LENGTH = 64
_NONCE_BYTES = 12
_TIDY_EVERY = 50
_TIDY_ROWS = 200


class IdempotencyKey(Base):
    """A key that a change was made under, and the answer that its retries get.

    Attributes:
        digest: of the caller and the key.
        request: digest of method, path and body; the same key for another request is a mistake.
        answer: sealed under the key itself.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_expires_at", "expires_at"),)

    pk: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    digest: Mapped[str] = mapped_column(String(_DIGEST_LENGTH), unique=True)
    request: Mapped[str] = mapped_column(String(_DIGEST_LENGTH))
    answer: Mapped[bytes] = mapped_column(LargeBinary().with_variant(MEDIUMBLOB(), "mysql"))
    expires_at: Mapped[datetime] = mapped_column(DateTime)


class _AlreadyTaken(Exception):  # noqa: N818 - an outcome
    """Somebody made a change under this key."""


def once(owner: str, work: Callable[[], Answer]) -> Response:
    """Return the answer of *work*, done in one transaction and at most once a key of *owner*.

    *owner* is the caller's public id. Without the header *work* is simply done. A refusal is not
    kept: a retry is judged anew.

    Raises:
        Refused: the key is malformed (400) or was used for another request (422).
        Unavailable: the database gave no answer; retry with the same key.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return write(work).response()
    if not _WELL_FORMED.fullmatch(key):
        raise Refused(BAD_REQUEST, detail=f"{HEADER}: write 1 to 255 visible ASCII characters")
    seal = _Seal(owner, key)
    try:
        answer, row = write(lambda: _work_under(seal, work))
    except _AlreadyTaken:
        return _answer_of(seal, work)
    if row % _TIDY_EVERY == 0:
        _tidy()
    return answer.response()


def _work_under(seal: _Seal, work: Callable[[], Answer]) -> tuple[Answer, int]:
    row = IdempotencyKey(
        digest=seal.digest,
        request=_request_digest(),
        answer=b"",
        expires_at=utc_now() + KEPT_FOR,
    )
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError:
        raise _AlreadyTaken from None
    answer = work()
    row.answer = seal.close(answer)
    db.session.flush()
    return answer, row.pk


def _answer_of(seal: _Seal, work: Callable[[], Answer]) -> Response:
    with outages_named():
        row = db.session.scalars(
            select(IdempotencyKey).where(IdempotencyKey.digest == seal.digest)
        ).one_or_none()
    if row is None or row.expires_at <= utc_now():
        write(lambda: db.session.execute(_expired(seal.digest)))
        return once(seal.owner, work)
    if row.request != _request_digest():
        raise Refused(IDEMPOTENCY_KEY_REUSED, detail=f"{HEADER}: write a new one for each request")
    return seal.open(row.answer).response()


def _expired(digest: str) -> Delete:
    return delete(IdempotencyKey).where(
        IdempotencyKey.digest == digest, IdempotencyKey.expires_at <= utc_now()
    )


def _tidy() -> None:
    """Delete some of what is too old; a key's own row is enough to keep the table small."""

    def work() -> None:
        old = select(IdempotencyKey.pk).where(IdempotencyKey.expires_at <= utc_now())
        rows = db.session.scalars(old.order_by(IdempotencyKey.expires_at).limit(_TIDY_ROWS)).all()
        db.session.execute(delete(IdempotencyKey).where(IdempotencyKey.pk.in_(rows)))

    write(work)


def _request_digest() -> str:
    told = hashlib.sha256()
    told.update(f"{request.method} {request.full_path}\n".encode())
    told.update(request.get_data())
    return told.hexdigest()


class _Seal:
    """Seals answers under a client's key."""

    def __init__(self, owner: str, key: str) -> None:
        self.owner = owner
        named = f"{owner}\n{key}".encode()
        self.digest = hashlib.sha256(b"name\n" + named).hexdigest()
        self._box = AESGCM(hashlib.sha256(b"seal\n" + named).digest())

    def close(self, answer: Answer) -> bytes:
        """Return *answer* as it is stored."""
        plain = json.dumps([answer.document, answer.status, dict(answer.headers)])
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._box.encrypt(nonce, plain.encode(), self.digest.encode())

    def open(self, sealed: bytes) -> Answer:
        """Return what `close` was given."""
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            document, status, headers = json.loads(
                self._box.decrypt(nonce, rest, self.digest.encode())
            )
        except InvalidTag as error:
            raise AssertionError("two keys of one digest") from error
        return Answer(document, status, headers)
