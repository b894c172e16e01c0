"""What time does: the trash empties, uploads that nobody goes on with are forgotten.

Everything here can be repeated, and stopped anywhere: rows go first, in the same transaction a
note of each blob that nothing points at any more, and the blobs after the commit.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from httpkit import events
from workbench.database import db, outages_named, start_over
from workbench.journal import Verb, record
from workbench.kit.clock import utc_now
from workbench.kit.transactions import write
from workbench.problems import Unavailable
from workbench.projects.model import Content, DoomedBlob, Node, Part, Project, TrashEntry
from workbench.projects.trash import doom_contents, erase_entry, erase_nodes, erase_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.projects.limits import Limits
    from workbench.projects.storage import Storage

TIDYING_FAILED = "projects.tidying_failed"
_BATCH = 100
_NODES = 500  # of a project that is taken apart, in one transaction
_STEPS_AT_ONCE = 5
_ORPHAN_AGE = timedelta(days=1)  # no request takes that long between its blob and its row


@dataclass(frozen=True, slots=True)
class Swept:
    """How much went."""

    entries: int
    projects: int
    uploads: int
    blobs: int


def sweep(storage: Storage, limits: Limits, now: Callable[[], datetime] = utc_now) -> Swept:
    """Delete everything whose time is over.

    Raises:
        Unavailable: database or storage is silent; the rest goes with the next sweep.
    """
    old = now() - timedelta(seconds=limits.trash_retention_s)
    stale = now() - timedelta(seconds=limits.upload_ttl_s)
    entries = _until_none(lambda: write(lambda: _erase_entry(old)))
    _until_none(lambda: write(lambda: _erase_project(old)))
    projects = 0
    while (whole := write(_take_apart)) is not None:
        projects += whole
    uploads = _until_none(lambda: write(lambda: _forget_uploads(stale)))
    blobs = delete_doomed(storage) + _delete_orphans(storage, now() - _ORPHAN_AGE)
    return Swept(entries, projects, uploads, blobs)


class Tidier:
    """Does a little of it now and then beside other work, where no timer does it all."""

    def __init__(
        self,
        storage: Storage,
        limits: Limits,
        *,
        besides: Callable[[], object] | None = None,
        pause_s: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Tidy at most once in *pause_s*; *clock* is in seconds from anywhere.

        *besides* is what other rooms have to forget, a little of it.
        """
        self._besides = besides
        self._storage = storage
        self._limits = limits
        self._pause_s = pause_s
        self._clock = clock
        self._again_at_s = 0.0
        self._lock = threading.Lock()

    def now_and_then(self) -> None:
        """Delete one batch of what is over; never fails, for the work beside it stands."""
        with self._lock:
            if self._clock() < self._again_at_s:
                return
            self._again_at_s = self._clock() + self._pause_s
        old = utc_now() - timedelta(seconds=self._limits.trash_retention_s)
        stale = utc_now() - timedelta(seconds=self._limits.upload_ttl_s)
        self._tidy(
            partial(_erase_entry, old),
            partial(_erase_project, old),
            _take_apart,
            partial(_forget_uploads, stale),
            besides=self._besides,
        )

    def soon(self) -> None:
        """Take apart what was just deleted for good, the most of it at once; never fails."""
        self._tidy(*[_take_apart] * _STEPS_AT_ONCE)

    def _tidy(
        self, *steps: Callable[[], object], besides: Callable[[], object] | None = None
    ) -> None:
        try:
            for step in steps:
                write(step)
            if besides is not None:
                besides()
            delete_doomed(self._storage)
        except Unavailable as outage:
            events.get_logger().warning(TIDYING_FAILED, reason=outage.hint)


def delete_doomed(storage: Storage) -> int:
    """Delete the blobs that committed transactions gave up; return how many."""
    count = 0
    while True:
        with outages_named():
            doomed = db.session.execute(
                select(DoomedBlob.pk, DoomedBlob.key).order_by(DoomedBlob.pk).limit(_BATCH)
            ).all()
            start_over()
        if not doomed:
            return count
        for row in doomed:
            storage.delete(row.key)
        done = delete(DoomedBlob).where(DoomedBlob.pk.in_([row.pk for row in doomed]))
        write(partial(db.session.execute, done))
        count += len(doomed)


def _until_none(step: Callable[[], int]) -> int:
    count = 0
    while done := step():
        count += done
    return count


def _erase_entry(before: datetime) -> int:
    """Erase the oldest entry of the trash that is older than *before*; return 1, or 0 for none."""
    query = select(TrashEntry.pk, TrashEntry.project_pk).where(TrashEntry.trashed_at < before)
    oldest = db.session.execute(query.order_by(TrashEntry.trashed_at).limit(1)).one_or_none()
    if oldest is None:
        return 0
    project = db.session.scalars(
        select(Project).where(Project.pk == oldest.project_pk).with_for_update()
    ).one_or_none()
    entry = db.session.get(TrashEntry, oldest.pk)
    if project is None or entry is None:  # somebody took it back, or erased it, while we waited
        return 1
    node = db.session.get_one(Node, entry.node_pk)
    record(
        Verb.NODE_DELETED,
        actor=None,
        team=project.team_pk,
        project=project.pk,
        subject_kind=node.kind,
        subject_id=node.id,
        title=node.name,
    )
    erase_entry(entry)
    return 1


def _erase_project(before: datetime) -> int:
    """Erase a project that was deleted earlier than *before*; return 1, or 0 for none."""
    query = select(Project).where(Project.deleted_at < before, Project.erased_at.is_(None))
    project = db.session.scalars(query.limit(1).with_for_update()).one_or_none()
    if project is None:
        return 0
    erase_project(project, actor=None)
    return 1


def _take_apart() -> bool | None:
    """Delete one batch of what an erased project holds; return whether that was all, None of none.

    So that no transaction is as long as a project is large.
    """
    query = select(Project.pk).where(Project.erased_at.is_not(None)).order_by(Project.erased_at)
    pk = db.session.scalars(query.limit(1).with_for_update(skip_locked=True)).one_or_none()
    if pk is None:
        return None
    nodes = select(Node.pk).where(Node.project_pk == pk).order_by(Node.pk).limit(_NODES)
    if pks := db.session.scalars(nodes).all():
        erase_nodes(pks)
        return False
    uploads = select(Content.pk).where(Content.project_pk == pk)
    doom_contents(db.session.scalars(uploads).all())
    db.session.execute(delete(Project).where(Project.pk == pk))
    return True


def _forget_uploads(before: datetime) -> int:
    query = select(Content.pk).where(Content.node_pk.is_(None), Content.touched_at < before)
    pks = db.session.scalars(query.limit(_BATCH).with_for_update(skip_locked=True)).all()
    doom_contents(pks)
    return len(pks)


def _delete_orphans(storage: Storage, before: datetime) -> int:
    """Delete blobs whose row was never committed."""
    count = 0
    batch: list[str] = []
    for key in storage.keys(older_than=before):
        batch.append(key)
        if len(batch) == _BATCH:
            count += _delete_unknown(storage, batch)
            batch = []
    return count + _delete_unknown(storage, batch)


def _delete_unknown(storage: Storage, keys: list[str]) -> int:
    if not keys:
        return 0
    with outages_named():
        known = set(db.session.scalars(select(Part.key).where(Part.key.in_(keys))).all())
        start_over()
    for key in keys:
        if key not in known:
            storage.delete(key)
    return len(set(keys) - known)
