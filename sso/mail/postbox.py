"""Where letters wait: rows that are written with what gives rise to them, and sent once.

A lease on each row keeps two processes from sending the same letter; a crash between sending and
forgetting sends one twice, which is better than never.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from sqlalchemy import delete, event, select, update

from httpkit import events
from httpkit.i18n import current_language
from httpkit.problems import Unavailable
from sso.keys.ring import Unsealable
from sso.mail.letters import Letter
from sso.mail.transports import NotSent
from sso.storage.digests import new_id
from sso.storage.mail import OutgoingLetter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.orm import Session

    from sso.clock import Clock
    from sso.keys.ring import KeyRing
    from sso.mail.letters import Writer
    from sso.mail.transports import Transport
    from sso.storage.engine import Storage

SENT: Final = "mail.sent"
NOT_SENT: Final = "mail.not_sent"
GIVEN_UP: Final = "mail.given_up"
_PURPOSE: Final = "letter"
_NOTICE_TTL_S: Final = 2 * 86_400
_LEASE_S: Final = 120
_POLL_S: Final = 5.0
_BATCH: Final = 20
# Seconds to wait after each failure, the last one again and again until the letter is of no use.
_PATIENCE_S: Final = (2, 10, 60, 300, 900)


class Postbox:
    """Takes letters in. ``waiting`` is set once there is one to send."""

    def __init__(self, storage: Storage, ring: KeyRing, clock: Clock) -> None:
        self._storage = storage
        self._ring = ring
        self._clock = clock
        self.waiting = threading.Event()

    def add(
        self,
        session: Session,
        kind: str,
        to: str,
        *,
        ttl_s: int = _NOTICE_TTL_S,
        language: str | None = None,
        **facts: str,
    ) -> None:
        """Put a letter down in the caller's transaction; after *ttl_s* it is of no use.

        Its language is that of the page at hand unless given.
        """
        now = self._clock()
        letter = Letter(kind, to, language or current_language().code, facts)
        row = OutgoingLetter(
            id=new_id(),
            kind=kind,
            sealed=self._ring.seal(_PURPOSE, msgspec.json.encode(letter)),
            attempts=0,
            next_attempt_at=now,
            created_at=now,
            expires_at=now + timedelta(seconds=ttl_s),
        )
        session.add(row)
        event.listen(session, "after_commit", lambda _session: self.waiting.set(), once=True)

    def due(self) -> list[OutgoingLetter]:
        """Return letters whose turn it is."""
        query = (
            select(OutgoingLetter)
            .where(OutgoingLetter.next_attempt_at <= self._clock())
            .order_by(OutgoingLetter.next_attempt_at)
            .limit(_BATCH)
        )
        with self._storage.reading() as session:
            return list(session.scalars(query))

    def claim(self, row: OutgoingLetter) -> bool:
        """Return whether the letter is the caller's to send for two minutes."""
        claiming = (
            update(OutgoingLetter)
            .where(
                OutgoingLetter.id == row.id,
                OutgoingLetter.next_attempt_at == row.next_attempt_at,
            )
            .values(
                next_attempt_at=self._clock() + timedelta(seconds=_LEASE_S),
                attempts=row.attempts + 1,
            )
            .execution_options(synchronize_session=False)
        )
        return self._storage.write(lambda s: bool(s.execute(claiming).rowcount == 1))  # type: ignore[attr-defined]

    def open(self, row: OutgoingLetter) -> Letter | None:
        """Return the letter; None where its key is gone or it came too late."""
        if row.expires_at <= self._clock():
            return None
        try:
            return msgspec.json.decode(self._ring.open(_PURPOSE, row.sealed), type=Letter)
        except (Unsealable, msgspec.DecodeError):
            return None

    def forget(self, row: OutgoingLetter) -> None:
        """Drop the letter."""
        self._storage.write(lambda session: _forget(session, row.id))

    def answer(self, row: OutgoingLetter, work: Callable[[Session], None]) -> None:
        """Do *work* and drop the letter that asked for it, in one transaction."""

        def both(session: Session) -> None:
            work(session)
            _forget(session, row.id)

        self._storage.write(both)

    def postpone(self, row: OutgoingLetter) -> None:
        """Let the letter wait, longer each time."""
        wait_s = _PATIENCE_S[min(row.attempts, len(_PATIENCE_S) - 1)]
        later = (
            update(OutgoingLetter)
            .where(OutgoingLetter.id == row.id)
            .values(next_attempt_at=self._clock() + timedelta(seconds=wait_s))
        )
        self._storage.write(lambda session: session.execute(later))


class Postman:
    """Empties the postbox."""

    def __init__(
        self,
        postbox: Postbox,
        writer: Writer,
        transport: Transport,
        clock: Clock,
        errands: Mapping[str, Callable[[Session, Letter], None]],
    ) -> None:
        """Take the parts; an errand is a row that no letter is written of yet, by its kind."""
        self._postbox = postbox
        self._writer = writer
        self._transport = transport
        self._clock = clock
        self._errands = errands

    def start(self) -> threading.Thread:
        """Go round in a thread of its own for the life of this process."""
        thread = threading.Thread(target=self._run, name="mail", daemon=True)
        thread.start()
        return thread

    def deliver_due(self) -> int:
        """Send every letter whose turn it is; return how many were tried."""
        tried = 0
        for row in self._postbox.due():
            if self._postbox.claim(row):
                self._deliver(row)
                tried += 1
        return tried

    def _run(self) -> None:
        while True:
            self._postbox.waiting.wait(_POLL_S)
            self._postbox.waiting.clear()
            try:
                while self.deliver_due():
                    pass
            except Unavailable:
                continue  # the rows are still there when the database is back
            except Exception as error:  # noqa: BLE001 - the outermost edge of this thread
                events.log_bug(error)

    def _deliver(self, row: OutgoingLetter) -> None:
        log = events.get_logger().bind(kind=row.kind, attempt=row.attempts + 1)
        letter = self._postbox.open(row)
        if letter is None:
            log.warning(GIVEN_UP, hint="too late, or sealed under a key that is gone")
            self._postbox.forget(row)
            return
        if errand := self._errands.get(row.kind):
            self._postbox.answer(row, lambda session: errand(session, letter))
            return
        try:
            self._transport.send(self._writer.write(letter, at=self._clock()))
        except NotSent as fault:
            log.warning(GIVEN_UP if fault.for_good else NOT_SENT, hint=str(fault))
            if fault.for_good:
                self._postbox.forget(row)
            else:
                self._postbox.postpone(row)
            return
        log.info(SENT)
        self._postbox.forget(row)


def _forget(session: Session, id_: str) -> None:
    session.execute(delete(OutgoingLetter).where(OutgoingLetter.id == id_))
