"""Writing: `record()` notes an event, the commit that follows gives it its number.

The numbers' lock is taken after everything else of the transaction has been written, in whichever
order its room called: it is held for the length of one insert and the commit, and since nothing is
locked behind it, it can be part of no deadlock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import event, select, update

from workbench.database import db
from workbench.journal.channels import Channel
from workbench.journal.model import TITLE_LENGTH, Event, JournalHead

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session, SessionTransaction

    from workbench.journal.verbs import Verb

_NOTED = "journal noted"
_MARKS = "journal marks"


class Attached(Protocol):
    """A row of another room that names the event it came from."""

    event_pk: Any


def record(
    verb: Verb,
    *,
    actor: int | None,
    team: int | None,
    subject_kind: str,
    subject_id: str,
    title: str,
    project: int | None = None,
    group: int | None = None,
    detail: str | None = None,
    admins_only: bool = False,
) -> Event:
    """Return the event that the transaction at hand adds when it commits; it never commits itself.

    Args:
        verb: what was done.
        actor: the person's pk; None where no person did it.
        team: the team's pk; None makes it the actor's own affair, which nobody else is shown.
        subject_kind: the kind of thing it was done to, `document` for instance.
        subject_id: its public id.
        title: what it is called now.
        project: the project's pk; the event is then shown to those who may see the project.
        group: the pk of the group it belongs to: the subject's, else the actor's in that team.
        detail: one more word.
        admins_only: shown to the team's owner and admins only.
    """
    noted = Event(
        channel=_channel(actor, team, project, admins_only=admins_only).number,
        team_pk=team,
        actor_pk=actor,
        group_pk=group,
        verb=verb.value,
        subject_kind=subject_kind,
        subject_id=subject_id,
        title=title[:TITLE_LENGTH],
        detail=detail[:TITLE_LENGTH] if detail else None,
        created_at=datetime.now(UTC).replace(tzinfo=None, microsecond=0),
    )
    session = db.session()
    if not session.in_transaction():
        session.begin()  # without one, a roll-back would not be told to us
    session.info.setdefault(_NOTED, []).append((noted, []))
    return noted


def attach(noted: Event, rows: Iterable[Attached]) -> None:
    """Add *rows* to the transaction that *noted* is part of, with its number in `event_pk`.

    Raises:
        LookupError: *noted* is not of the transaction at hand.
    """
    for each, attached in db.session().info.get(_NOTED, ()):
        if each is noted:
            attached.extend(rows)
            return
    raise LookupError("the event belongs to no open transaction")


def _channel(
    actor: int | None, team: int | None, project: int | None, *, admins_only: bool
) -> Channel:
    if project is not None:
        return Channel.project(project)
    if team is not None:
        return Channel.team_admins(team) if admins_only else Channel.team(team)
    if actor is None:
        raise ValueError("an event needs a team or a person")
    return Channel.person(actor)


def _number(session: Session) -> None:
    """Give what was noted its numbers, last of all."""
    if session.in_nested_transaction():
        return
    noted: list[tuple[Event, list[Attached]]] = session.info.pop(_NOTED, [])
    if not noted:
        return
    session.flush()
    session.execute(
        update(JournalHead)
        .values(last=JournalHead.last + len(noted))
        .execution_options(synchronize_session=False)
    )
    last = session.execute(select(JournalHead.last)).scalar_one()
    for pk, (each, attached) in enumerate(noted, last - len(noted) + 1):
        each.pk = pk
        session.add(each)
        for row in attached:
            row.event_pk = pk
            session.add(row)


def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        noted = session.info.get(_NOTED, [])
        session.info.setdefault(_MARKS, {})[transaction] = len(noted)


def _forget_since_savepoint(session: Session, transaction: SessionTransaction) -> None:
    kept = session.info.get(_MARKS, {}).get(transaction)
    if kept is not None:
        del session.info.get(_NOTED, [])[kept:]


def _forget(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_NOTED, None)
        session.info.pop(_MARKS, None)


event.listen(db.session, "before_commit", _number)
event.listen(db.session, "after_transaction_create", _mark)
event.listen(db.session, "after_soft_rollback", _forget_since_savepoint)
event.listen(db.session, "after_transaction_end", _forget)
