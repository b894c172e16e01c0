"""Every change becomes an event of the same transaction; this is how the room spells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.journal import record

if TYPE_CHECKING:
    from workbench.journal import Event, Verb
    from workbench.projects.access import Access
    from workbench.projects.model import Node
    from workbench.users.people import Person


def note_project(verb: Verb, access: Access, *, detail: str | None = None) -> Event:
    """Add the event that something was done to the project itself."""
    return record(
        verb,
        actor=access.person.pk,
        team=access.project.team_pk,
        project=access.project.pk,
        group=access.team.group,
        subject_kind="project",
        subject_id=access.project.id,
        title=access.project.name,
        detail=detail,
    )


def note_person(verb: Verb, access: Access, whom: Person, *, detail: str | None = None) -> Event:
    """Add the event that *whom* came, went or is something else in the project now."""
    return record(
        verb,
        actor=access.person.pk,
        team=access.project.team_pk,
        project=access.project.pk,
        group=access.team.group,
        subject_kind="user",
        subject_id=whom.id,
        title=whom.name or whom.username or "",
        detail=detail,
    )


def note_node(verb: Verb, access: Access, node: Node, *, detail: str | None = None) -> Event:
    """Add the event that something was done to *node*."""
    return record(
        verb,
        actor=access.person.pk,
        team=access.project.team_pk,
        project=access.project.pk,
        group=access.team.group,
        subject_kind=node.kind,
        subject_id=node.id,
        title=node.name,
        detail=detail,
    )
