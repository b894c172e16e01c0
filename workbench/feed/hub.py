"""The one reader of the journal in this process, and the streams that it fills.

However many streams are open, the database is asked once a round whether there is anything new.
Whom an event may be shown to is asked anew for each round that has something for them, so that
somebody who was removed is sent nothing that happened since.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from httpkit import events as log
from workbench.database import outages_named
from workbench.feed import sight
from workbench.feed.items import items
from workbench.feed.stream import FEED, INBOX, Message, Position, Stream
from workbench.journal import Channel, forgetting, reading
from workbench.notifications import inbox
from workbench.notifications.views import Surroundings, told_items
from workbench.problems import STREAMS_TAKEN, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from flask import Flask

    from workbench.journal import Event
    from workbench.notifications.inbox import Item

POLL_FAILED = "feed.poll_failed"
_POLL_S = 0.3
_PAUSE_AFTER_FAILURE_S = 2.0
_BATCH = 200
_SIGHT_MAX_AGE_S = 10.0
_STREAMS_A_PERSON = 6
_RETRY_AFTER_S = 5
# Whoever missed more than this reads the feed anew.
REPLAY_MAX = 300
# After these, somebody may see what they could not see before.
_OPENING = ("team.", "member.", "project.")


class Hub:
    """Fills streams from the journal; its thread lives only while there are streams."""

    def __init__(self, app: Flask, around: Surroundings, *, streams_max: int) -> None:
        """Serve at most *streams_max* streams at once."""
        self._app = app
        self._around = around
        self._streams_max = streams_max
        self._streams: list[Stream] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen = 0
        self._stopped = False
        self._channels: dict[int, frozenset[Channel]] = {}
        self._channels_at = 0.0

    def join(self, stream: Stream, head: int) -> int:
        """Take *stream* in; return the number behind which the hub fills it.

        *head* is the journal's newest number, just read. What lies between the stream's own
        position and the number returned is the caller's to send.

        Raises:
            Unavailable: there are as many streams as this process serves.
        """
        with self._lock:
            own = [each for each in self._streams if each.user_pk == stream.user_pk]
            if len(own) >= _STREAMS_A_PERSON:  # the newest wins: an old page may be gone unnoticed
                own[0].end()
                self._streams.remove(own[0])
            if self._stopped or len(self._streams) >= self._streams_max:
                raise Unavailable(
                    STREAMS_TAKEN, hint="every stream is taken", retry_after_s=_RETRY_AFTER_S
                )
            if self._thread is None:
                self._seen = head
                self._channels_at = 0.0
                self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
                self._thread.start()
            start = max(self._seen, head)
            stream.position = max(stream.position, Position(start, FEED))
            self._streams.append(stream)
            return start

    def leave(self, stream: Stream) -> None:
        """Forget *stream*; forgetting twice is forgetting once."""
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)

    def stop(self) -> None:
        """End every stream, for good: the process is about to end. Safe in a signal handler."""
        self._stopped = True
        self._wake.set()

    def wait_until_idle(self, within_s: float) -> bool:
        """Return whether the thread ended within *within_s*; who closes the database waits."""
        thread = self._thread
        if thread is not None:
            thread.join(within_s)
        return thread is None or not thread.is_alive()

    def missed(
        self, user_pk: int, after: Position, until: int, *, with_inbox: bool
    ) -> list[Message] | None:
        """Return what *user_pk* was not sent behind *after*, up to *until*.

        None: too much, or some of it is so old that nobody can tell it any more.
        """
        if forgetting.is_forgotten(after.number + (after.part == FEED), until):
            return None
        first = after.number - 1  # of an event whose first part was sent, the second is missing
        visible = sight.channels_of(user_pk)
        found = reading.newest(visible, limit=REPLAY_MAX, after=first, before=until + 1)
        letters = inbox.of_events([user_pk], first, until, limit=REPLAY_MAX) if with_inbox else []
        if REPLAY_MAX in {len(found), len(letters)}:
            return None
        told = self._inbox_messages({user_pk: visible}, letters)
        merged = [*_feed_messages(found, visible), *told.get(user_pk, [])]
        return sorted((m for m in merged if m.position > after), key=lambda m: m.position)

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopped:
                    for stream in self._streams:
                        stream.end()
                    self._streams.clear()
                if not self._streams:
                    self._thread = None
                    return
            try:
                with self._app.app_context(), outages_named():
                    more = self._round()
                pause_s = 0.0 if more else _POLL_S
            except (Unavailable, SQLAlchemyError) as reason:
                # Streams stay open: a change that stood is told of when the database answers.
                log.get_logger().warning(POLL_FAILED, reason=type(reason).__name__)
                pause_s = _PAUSE_AFTER_FAILURE_S
            except Exception as bug:  # noqa: BLE001 - the edge of a thread: the next round may do
                log.log_bug(bug)
                pause_s = _PAUSE_AFTER_FAILURE_S
            self._wake.wait(pause_s)

    def _round(self) -> bool:
        """Send what is new; return whether there may be more at once."""
        head = reading.head()
        if head <= self._seen:
            return False
        with self._lock:  # at once: whoever joins from here on begins behind this round
            after, until = self._seen, min(head, self._seen + _BATCH)
            streams = list(self._streams)
            self._seen = until
        try:
            self._deliver(reading.between(after, until), streams, after, until)
        except BaseException:
            self._seen = after  # again in the next round; a stream takes nothing twice
            raise
        return until < head

    def _deliver(
        self, found: Sequence[Event], streams: Sequence[Stream], after: int, until: int
    ) -> None:
        people = {stream.user_pk for stream in streams}
        told = inbox.of_events(people, after, until)
        concerned = self._concerned(found, people) | {item.notification.user_pk for item in told}
        visible = {pk: sight.channels_of(pk) for pk in concerned}
        self._channels |= visible
        letters = self._inbox_messages(visible, told)
        for stream in streams:
            channels = visible.get(stream.user_pk)
            if channels is not None:
                messages = [*letters.get(stream.user_pk, []), *_feed_messages(found, channels)]
                for message in sorted(messages, key=lambda message: message.position):
                    stream.put(message)

    def _concerned(self, found: Sequence[Event], people: set[int]) -> set[int]:
        """Return those of *people* who may have to be sent some of *found*."""
        now = time.monotonic()
        if now - self._channels_at > _SIGHT_MAX_AGE_S or any(
            event.verb.startswith(_OPENING) for event in found
        ):
            self._channels_at = now
            self._channels = {pk: each for pk, each in self._channels.items() if pk in people}
            return set(people)
        touched = {Channel(event.channel) for event in found}
        return {pk for pk in people if pk not in self._channels or touched & self._channels[pk]}

    def _inbox_messages(
        self, visible: dict[int, frozenset[Channel]], found: Sequence[Item]
    ) -> dict[int, list[Message]]:
        shown = [
            item
            for item in found
            if Channel(item.notification.channel) in visible[item.notification.user_pk]
        ]
        owners = {item.notification.user_pk for item in shown}
        unread = {pk: inbox.unread_of(pk, visible[pk]) for pk in owners}
        messages: dict[int, list[Message]] = {}
        for item, told in zip(shown, told_items(shown, self._around), strict=True):
            owner = item.notification.user_pk
            position = Position(item.event.pk, INBOX)
            data = {"unread": unread[owner], "item": told}
            messages.setdefault(owner, []).append(Message(position, "inbox", data))
        return messages


def _feed_messages(found: Sequence[Event], visible: Collection[Channel]) -> list[Message]:
    shown = [event for event in found if Channel(event.channel) in visible]
    return [
        Message(Position(event.pk, FEED), "feed", item)
        for event, item in zip(shown, items(shown), strict=True)
    ]
