"""Telling people: what other rooms call beside `record()`, and who watches what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, tuple_
from sqlalchemy.exc import IntegrityError

from workbench.database import db
from workbench.journal import Channel
from workbench.journal.recording import attach
from workbench.notifications.model import Notification, Reason, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from workbench.journal import Event

# One change writes at most so many inbox rows: a thing that thousands watch stays quick to change.
FAN_OUT_MAX = 500


def notify(
    event: Event,
    told: Mapping[Reason, Iterable[int]],
    *,
    watched: Sequence[tuple[str, str]] = (),
    readers_among: Callable[[Collection[int]], Collection[int]] | None = None,
    personally: bool = False,
) -> None:
    """Put *event*, just recorded, into inboxes, in the transaction at hand.

    Nobody is told twice, nobody of what they did themselves, and at most `FAN_OUT_MAX` people.

    Args:
        event: what `record()` returned.
        told: the pks of people by reason.
        watched: the things (kind, public id) whose watchers are told.
        readers_among: of these pks, those who may see it; asked once, and only where there is
            somebody to tell. None: not asked here, only when the inbox is read.
        personally: told even to those who cannot see the place it happened in, such as somebody
            whose application was refused.
    """
    why: dict[int, Reason] = {}
    for reason in Reason:
        for pk in told.get(reason, ()):
            why.setdefault(pk, reason)
    for pk in _watchers_of(watched):
        why.setdefault(pk, Reason.WATCH)
    chosen = [pk for pk in why if pk != event.actor_pk]
    if readers_among is not None and chosen:
        readers = readers_among(chosen)
        chosen = [pk for pk in chosen if pk in readers]
    attach(
        event,
        [
            Notification(
                user_pk=pk,
                channel=Channel.person(pk).number if personally else event.channel,
                reason=why[pk].value,
            )
            for pk in chosen[:FAN_OUT_MAX]
        ],
    )


def watch(user_pk: int, kind: str, subject_id: str) -> None:
    """Let the person *user_pk* be told of the thing from now on; in the transaction at hand."""
    if _own(user_pk, kind, subject_id) is not None:
        return
    try:
        with db.session.begin_nested():
            db.session.add(Watch(user_pk=user_pk, kind=kind, subject_id=subject_id))
    except IntegrityError:  # a second click at the same moment
        return


def unwatch(user_pk: int, kind: str, subject_id: str) -> None:
    """Let the person *user_pk* be told of it no longer; in the transaction at hand."""
    db.session.execute(
        delete(Watch).where(
            Watch.user_pk == user_pk, Watch.kind == kind, Watch.subject_id == subject_id
        )
    )


def forget(kind: str, subject_ids: Collection[str]) -> None:
    """Drop every watch of things that are gone for good; in the transaction at hand."""
    db.session.execute(delete(Watch).where(Watch.kind == kind, Watch.subject_id.in_(subject_ids)))


def is_watching(user_pk: int, kind: str, subject_id: str) -> bool:
    """Return whether the person *user_pk* watches the thing."""
    return _own(user_pk, kind, subject_id) is not None


def _own(user_pk: int, kind: str, subject_id: str) -> int | None:
    return db.session.scalars(
        select(Watch.pk).where(
            Watch.user_pk == user_pk, Watch.kind == kind, Watch.subject_id == subject_id
        )
    ).one_or_none()


def _watchers_of(things: Sequence[tuple[str, str]]) -> Sequence[int]:
    if not things:
        return []
    query = select(Watch.user_pk).where(tuple_(Watch.kind, Watch.subject_id).in_(things))
    return db.session.scalars(query.order_by(Watch.user_pk).limit(FAN_OUT_MAX)).all()
