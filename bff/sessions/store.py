"""The session store: the only writer of session keys.

One Redis hash a session: ``r`` sealed record and its revision ``v``, ``t`` sealed token set and
its generation ``g``, ``d`` sealed device, ``i`` idle time, ``a`` absolute end, ``s`` last seen.
A write names the state that it replaces; a write to a session that no longer exists is refused,
so that a logout can never be undone by a slow request.

Spec: ASVS 7.2 to 7.4; RFC 10017 §6.1.2.
"""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

import msgspec

from bff.problems import Unavailable
from bff.sessions import scripts
from bff.sessions.codec import Unreadable
from bff.sessions.connect import script, store_errors
from bff.sessions.index import SessionIndex
from bff.sessions.model import ListedSession, Session, Ticket, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import redis

    from bff.sessions.codec import SessionCodec
    from bff.sessions.index import Entry
    from bff.sessions.model import Device, SessionRecord, TokenSet

_TOUCH_INTERVAL_MS: Final = 60_000
_DEVICE_FIELD = "d"


class Written(Enum):
    """How a compare-and-set write ended."""

    DONE = 1
    OVERTAKEN = 0
    GONE = -1


class SessionStore:
    """Creates, loads, replaces and deletes sessions."""

    def __init__(
        self,
        client: redis.Redis,
        codec: SessionCodec,
        *,
        idle_ttl_s: int,
        absolute_ttl_s: int,
        observe: Callable[[str, str, float], None] = lambda _operation, _outcome, _seconds: None,
    ) -> None:
        """Join the parts.

        Args:
            client: of `connect`.
            codec: seals what is written and opens what is read.
            idle_ttl_s: how long a session lives unused.
            absolute_ttl_s: how long it lives at most.
            observe: told each operation, how it came out, and its time in seconds.
        """
        self._redis = client
        self._codec = codec
        self._idle_ms = idle_ttl_s * 1000
        self._absolute_ms = absolute_ttl_s * 1000
        # A short idle time slides more often: whoever works must not be taken for idle.
        self._touch_interval_ms = min(_TOUCH_INTERVAL_MS, self._idle_ms // 4)
        self._observe = observe
        self._create = script(client, scripts.CREATE)
        self._replace = script(client, scripts.REPLACE)
        self._touch = script(client, scripts.TOUCH)
        self._swap_script = script(client, scripts.RESEAL)
        self._end = script(client, scripts.END)
        self._index = SessionIndex(client, codec.ring, absolute_ms=self._absolute_ms)

    def create(self, record: SessionRecord, tokens: TokenSet, device: Device) -> Ticket:
        """Store a new session and return its ticket.

        The index comes first: a session that no back-channel logout could find must not exist,
        while an entry that points at nothing heals itself.

        Raises:
            Unavailable: nothing was created, or an index entry that points at nothing.
        """
        ticket = Ticket.new()
        device = msgspec.structs.replace(
            device, provider=record.provider, created_at=record.created_at
        )
        with self._asking("create"):
            self._index.enter(ticket.digest, record)
            self._create(
                keys=[ticket.key],
                args=[
                    self._codec.seal_record(ticket, record),
                    self._codec.seal_tokens(ticket, tokens),
                    tokens.generation,
                    self._codec.seal_device(ticket.digest, device),
                    self._idle_ms,
                    self._absolute_ms,
                ],
            )
        return ticket

    def load(self, ticket: Ticket) -> Session | None:
        """Return the session of *ticket*, or None: expired, ended, never there, or not ours."""
        try:
            with self._asking("load"):
                pipeline = self._redis.pipeline(transaction=False)
                pipeline.hmget(ticket.key, "r", "t", "v")
                pipeline.pttl(ticket.key)
                (record, tokens, revision), ttl_ms = pipeline.execute()
            if record is None or tokens is None or not (revision or b"").isdigit():
                return None
            return Session(
                ticket=ticket,
                record=self._codec.open_record(ticket, record),
                tokens=self._codec.open_tokens(ticket, tokens),
                revision=int(revision),
                expires_in_s=max(0, ttl_ms // 1000),
            )
        except Unreadable:
            return None

    def load_tokens(self, ticket: Ticket) -> TokenSet | None:
        """Return the token set alone, or None where there is no such session."""
        try:
            with self._asking("load"):
                sealed = cast("bytes | None", self._redis.hget(ticket.key, "t"))
            return None if sealed is None else self._codec.open_tokens(ticket, sealed)
        except Unreadable:
            return None

    def replace_tokens(self, ticket: Ticket, tokens: TokenSet) -> Written:
        """Store *tokens*, whose generation is one above the set that it replaces."""
        sealed = self._codec.seal_tokens(ticket, tokens)
        return self._compare_and_set(
            ticket, "t", sealed, "g", tokens.generation - 1, change="refreshed"
        )

    def replace_record(self, ticket: Ticket, record: SessionRecord, revision: int) -> Written:
        """Store *record* in the place of the one loaded as *revision*."""
        sealed = self._codec.seal_record(ticket, record)
        return self._compare_and_set(ticket, "r", sealed, "v", revision)

    def touch(self, ticket: Ticket) -> bool:
        """Slide the idle expiry, at most once in a while; return whether the session lives.

        A session in use under a key that is no longer the newest is sealed anew here, so that an
        operator may drop the old key once every session has been used or has ended.
        """
        with suppress(Unreadable):
            with self._asking("touch"):
                touched = self._touch(keys=[ticket.key], args=[self._touch_interval_ms])
            heads = cast("list[bytes]", touched)
            if not all(self._codec.ring.is_current(head) for head in heads):
                self._reseal(ticket)
            return bool(heads)
        return False

    def delete(self, ticket: Ticket, record: SessionRecord) -> bool:
        """End the session; return whether this call did it.

        The index entries go after the session: an entry that points at nothing does no harm.
        """
        ended = self.delete_by_digest(ticket.digest)
        with suppress(Unavailable), self._asking("delete"):
            self._index.drop(ticket.digest, record)
        return ended

    def delete_by_digest(self, digest: str) -> bool:
        """End the session named *digest* without its ticket; return whether this call did it."""
        with self._asking("delete"):
            return bool(self._end(keys=[key_of(digest)], args=[digest]))

    def sessions_of_subject(self, iss: str, sub: str) -> list[ListedSession]:
        """Return the living sessions of one person, newest first, however old their keys."""
        return self._listed(self._found(self._index.of_subject, iss, sub))

    def surplus_of_subject(self, iss: str, sub: str, most: int) -> list[ListedSession]:
        """Return the living sessions of one person beyond the newest *most*.

        In the order of the server's clock, so that all nodes find the same ones.
        """
        entries = self._found(self._index.of_subject, iss, sub)
        begun = {entry.digest: entry.score for entry in entries}
        living = self._listed(entries)
        newest = sorted(living, key=lambda one: (begun[one.digest], one.digest))[::-1]
        return newest[most:]

    def sessions_of_provider_session(self, iss: str, sid: str) -> list[ListedSession]:
        """Return the sessions that came of one sign-in at the provider."""
        return self._listed(self._found(self._index.of_sign_in, iss, sid))

    def expires_in_ms(self, digest: str) -> int | None:
        """Return what is left of the session named *digest*, or None where it is gone."""
        with self._asking("look_up"):
            left_ms = self._redis.pttl(key_of(digest))
        return left_ms if left_ms >= 0 else None

    def ping(self) -> None:
        """Return when Redis answers; raises `Unavailable`."""
        with self._asking("ping"):
            self._redis.ping()

    def _reseal(self, ticket: Ticket) -> None:
        with self._asking("reseal"):
            fields = self._redis.hmget(ticket.key, "r", "t", _DEVICE_FIELD)
        record, tokens, device = cast("list[bytes | None]", fields)
        with suppress(Unreadable):
            if record is not None and not self._codec.ring.is_current(record):
                opened = self._codec.open_record(ticket, record)
                # Before the record: once no record names the old key, it may be dropped, and a
                # session that no back-channel logout could find then must not exist.
                with self._asking("index"):
                    self._index.enter(ticket.digest, opened)
                if device is not None and not self._codec.ring.is_current(device):
                    plain = self._codec.open_device(ticket.digest, device)
                    sealed = self._codec.seal_device(ticket.digest, plain)
                    self._swap(ticket, _DEVICE_FIELD, device, sealed)
                self._swap(ticket, "r", record, self._codec.seal_record(ticket, opened))
            if tokens is not None and not self._codec.ring.is_current(tokens):
                sealed = self._codec.seal_tokens(ticket, self._codec.open_tokens(ticket, tokens))
                self._swap(ticket, "t", tokens, sealed)

    def _swap(self, ticket: Ticket, field: str, replaced: bytes, sealed: bytes) -> None:
        with self._asking("reseal"):
            self._swap_script(keys=[ticket.key], args=[field, replaced, sealed])

    @contextmanager
    def _asking(self, operation: str) -> Iterator[None]:
        started_at, outcome = time.perf_counter(), "unavailable"
        try:
            with store_errors():
                yield
            outcome = "ok"
        finally:
            self._observe(operation, outcome, time.perf_counter() - started_at)

    def _compare_and_set(
        self,
        ticket: Ticket,
        field: str,
        sealed: bytes,
        counter: str,
        replaced: int,
        *,
        change: str = "",
    ) -> Written:
        with self._asking("replace"):
            outcome = self._replace(
                keys=[ticket.key],
                args=[field, sealed, counter, replaced, ticket.digest, change],
            )
        return Written(int(cast("int", outcome)))

    def _found(self, find: Callable[[str, str], list[Entry]], iss: str, value: str) -> list[Entry]:
        with self._asking("list"):
            return find(iss, value)

    def _listed(self, entries: Sequence[Entry]) -> list[ListedSession]:
        """Return the living sessions of *entries*, newest first; the others are dropped."""
        digests = list(dict.fromkeys(entry.digest for entry in entries))
        with self._asking("list"):
            pipeline = self._redis.pipeline(transaction=False)
            for digest in digests:
                pipeline.hmget(key_of(digest), _DEVICE_FIELD, "s")
            # A key that holds something foreign answers with an error of its own.
            described = zip(digests, pipeline.execute(raise_on_error=False), strict=True)
            found = [self._described(digest, fields) for digest, fields in described]
            living = [session for session in found if session is not None]
            alive = {session.digest for session in living}
            self._index.heal(entry for entry in entries if entry.digest not in alive)
        return sorted(living, key=lambda session: -session.device.created_at)

    def _described(
        self, digest: str, fields: list[bytes | None] | redis.RedisError
    ) -> ListedSession | None:
        try:
            with store_errors():
                if not isinstance(fields, list):
                    raise fields
            device, seen_ms = fields
            if device is None or seen_ms is None or not seen_ms.isdigit():
                return None
            return ListedSession(
                digest, self._codec.open_device(digest, device), int(seen_ms) / 1000
            )
        except Unreadable:
            return None
