"""The daily e-mail: what lies unread in the inbox and was in no letter yet, to whoever wants it.

Run by a timer. Each person is taken on by one run at a time and at most once in `_PAUSE`; a letter
that could not leave is tried again by the next run, and tells of the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from httpkit import events as log
from workbench.database import db, outages_named, start_over
from workbench.kit.clock import utc_now
from workbench.kit.transactions import write
from workbench.notifications import inbox
from workbench.notifications.mail import NotSent
from workbench.notifications.model import MailDigest
from workbench.notifications.words import WORDS, Words
from workbench.users.people import email_of, people_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from workbench.journal import Channel
    from workbench.notifications.inbox import Item
    from workbench.notifications.mail import Transport

NOT_SENT = "digest.not_sent"
# A little less than a day, so that a timer of a day never skips one.
_PAUSE = timedelta(hours=20)
_PEOPLE_A_PAGE = 100
_ITEMS_A_LETTER = 50


@dataclass(frozen=True, slots=True)
class Sender:
    """What a letter needs besides its contents."""

    transport: Transport
    address: str
    front_end_url: str
    channels_of: Callable[[int], Collection[Channel]]


@dataclass(slots=True)
class Outcome:
    """How many letters left, and how many could not."""

    sent: int = 0
    failed: int = 0


def send_all(sender: Sender) -> Outcome:
    """Send every letter that is due.

    Raises:
        Unavailable: the database gave no answer; what was sent is noted.
    """
    outcome = Outcome()
    for user_pk in _due():
        claimed = _claim(user_pk)
        if claimed is None:
            continue
        told_until, before = claimed
        try:
            newest = _send_one(user_pk, told_until, sender)
        except NotSent as reason:
            log.get_logger().warning(NOT_SENT, reason=str(reason))
            _note(user_pk, claimed_at=before)
            outcome.failed += 1
            continue
        if newest is None:
            _note(user_pk, claimed_at=before)  # nothing to tell: the next run looks again
        else:
            _note(user_pk, told_until=newest)
            outcome.sent += 1
    return outcome


def _due() -> Iterator[int]:
    """Yield the pks of those who want letters, a page at a time."""
    after = 0
    while True:
        query = select(MailDigest.user_pk).where(MailDigest.wanted, MailDigest.user_pk > after)
        with outages_named():
            found = db.session.scalars(
                query.order_by(MailDigest.user_pk).limit(_PEOPLE_A_PAGE)
            ).all()
        if not found:
            return
        yield from found
        after = found[-1]


def _claim(user_pk: int) -> tuple[int, datetime | None] | None:
    """Return how far the person was told and when they were last taken on; None: not due."""
    now = utc_now()

    def work() -> tuple[int, datetime | None] | None:
        row = db.session.scalars(
            select(MailDigest)
            .where(
                MailDigest.user_pk == user_pk,
                MailDigest.wanted,
                or_(MailDigest.claimed_at.is_(None), MailDigest.claimed_at <= now - _PAUSE),
            )
            .with_for_update()
        ).one_or_none()
        if row is None:
            return None
        before, row.claimed_at = row.claimed_at, now
        return row.told_until, before

    return write(work)


def _note(user_pk: int, **values: object) -> None:
    write(
        lambda: db.session.execute(
            update(MailDigest)
            .where(MailDigest.user_pk == user_pk)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
    )


def _send_one(user_pk: int, told_until: int, sender: Sender) -> int | None:
    """Send the person's letter; return the number of the newest event in it, None without one."""
    with outages_named():
        visible = sender.channels_of(user_pk)
        items = inbox.unread_since(user_pk, visible, told_until, limit=_ITEMS_A_LETTER + 1)
        address = email_of(user_pk)
        people = people_of(item.event.actor_pk for item in items)
        names = {pk: person.name or person.username for pk, person in people.items()}
        start_over()  # nothing is held while the mail server takes its time
    if not items or address is None:
        return None
    letter = EmailMessage()
    letter["Subject"] = " / ".join(words.subject.format(count=_count(items)) for words in WORDS)
    letter["From"] = sender.address
    letter["To"] = address
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=sender.address.rpartition("@")[2].rstrip(">"))
    letter["Auto-Submitted"] = "auto-generated"
    link = f"{sender.front_end_url.rstrip('/')}/inbox"
    letter.set_content("\n\n\n".join(_body(items, names, words, link) for words in WORDS))
    sender.transport.send(letter)
    return items[0].event.pk


def _body(items: Sequence[Item], names: dict[int, str | None], words: Words, link: str) -> str:
    lines = [words.greeting, ""]
    for item in items[:_ITEMS_A_LETTER]:
        who = names.get(item.event.actor_pk or 0) or words.somebody
        said = words.reasons[item.notification.reason]
        lines.append(f"· {said.format(who=who)}: {item.event.title}")
    if len(items) > _ITEMS_A_LETTER:
        lines.append(words.more)
    return "\n".join([*lines, "", link, "", words.why])


def _count(items: Sequence[Item]) -> str:
    return f"{_ITEMS_A_LETTER}+" if len(items) > _ITEMS_A_LETTER else str(len(items))
