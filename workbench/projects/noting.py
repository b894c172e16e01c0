"""Every change becomes an event of the same transaction; this is how the room spells them.

Whoever watches the thing or its project is told of it, and whoever a text names, as long as they
may see the project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.journal import Verb, record
from workbench.notifications import mentions
from workbench.notifications.model import Reason
from workbench.notifications.watching import notify
from workbench.projects.membership import readers_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from workbench.journal import Event
    from workbench.projects.access import Access
    from workbench.projects.model import Node, Project
    from workbench.users.people import Person

# Of no interest to somebody who waits for news of a thing.
_QUIET = frozenset({Verb.NODE_MOVED, Verb.COMMENT_EDITED, Verb.COMMENT_DELETED})


def note_project(verb: Verb, access: Access, *, detail: str | None = None) -> Event:
    """Add the event that something was done to the project itself."""
    project = access.project
    event = _recorded(verb, access, ("project", project.id), project.name, detail)
    notify(
        event,
        {},
        watched=[("project", access.project.id)],
        readers_among=lambda pks: readers_of(access.project.pk, pks),
    )
    return event


def note_erased(project: Project, *, actor: int | None) -> None:
    """Add the event that *project* is gone for good, which the team's owner and admins are shown.

    The project's own events are shown to nobody any more. *actor* is None where time did it.
    """
    record(
        Verb.PROJECT_ERASED,
        actor=actor,
        team=project.team_pk,
        subject_kind="project",
        subject_id=project.id,
        title=project.name,
        admins_only=True,
    )


def note_person(
    verb: Verb, access: Access, whom: Person, *, detail: str | None = None, gone: bool = False
) -> Event:
    """Add the event that *whom* came, went or is something else in the project now.

    They are told of it; *gone*: although they see the project no longer.
    """
    name = whom.name or whom.username or ""
    event = _recorded(verb, access, ("user", whom.id), name, detail)
    notify(event, {Reason.MEMBERSHIP: [whom.pk]}, personally=gone)
    return event


def note_node(
    verb: Verb,
    access: Access,
    node: Node,
    *,
    detail: str | None = None,
    told: Mapping[Reason, Iterable[int]] | None = None,
) -> Event:
    """Add the event that something was done to *node*; *told* hear of it besides its watchers."""
    event = _recorded(verb, access, (node.kind, node.id), node.name, detail)
    watched = [(node.kind, node.id), ("project", access.project.id)]
    notify(
        event,
        told or {},
        watched=[] if verb in _QUIET else watched,
        readers_among=lambda pks: readers_of(access.project.pk, pks),
    )
    return event


def _recorded(
    verb: Verb, access: Access, subject: tuple[str, str], title: str, detail: str | None
) -> Event:
    """Return the event that the person of *access* did it to *subject*, a kind and a public id."""
    return record(
        verb,
        actor=access.person.pk,
        team=access.project.team_pk,
        project=access.project.pk,
        group=access.team.group,
        subject_kind=subject[0],
        subject_id=subject[1],
        title=title,
        detail=detail,
    )


def named_in(access: Access, text: str, before: str = "") -> dict[Reason, Collection[int]]:
    """Return whom *text* names and *before* did not, as long as they may see the project."""
    found = mentions.find(text, lambda pks: readers_of(access.project.pk, pks), before=before)
    return {Reason.MENTION: found}
