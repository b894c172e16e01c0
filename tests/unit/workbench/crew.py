"""A team with people in it, made the short way: the teams' own tests go step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from workbench.database import db
from workbench.teams.model import Group, Member, Role, Team
from workbench.users.people import find_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.unit.workbench.conftest import Someone


@dataclass
class Crew:
    """A team that its owner founded.

    Attributes:
        groups: the public ids of its groups, by name.
    """

    app: Flask
    make: Callable[[str], Someone]
    owner: Someone
    id: str
    groups: dict[str, str] = field(default_factory=dict)

    def member(self, name: str, role: Role = Role.MEMBER, group: str | None = None) -> Someone:
        """Return somebody of *name* who is in the team from now on."""
        someone = self.make(name)
        with self.app.app_context():
            team_pk = self._pk()
            group_pk = db.session.scalars(
                select(Group.pk).where(Group.team_pk == team_pk, Group.name == group)
            ).one_or_none()
            db.session.add(
                Member(team_pk=team_pk, user_pk=pk_of(someone), role=role, group_pk=group_pk)
            )
            db.session.commit()
        return someone

    def drop(self, someone: Someone) -> None:
        """Let *someone* be in the team no longer."""
        with self.app.app_context():
            member = db.session.scalars(
                select(Member).where(Member.team_pk == self._pk(), Member.user_pk == pk_of(someone))
            ).one()
            db.session.delete(member)
            db.session.commit()

    def _pk(self) -> int:
        return db.session.scalars(select(Team.pk).where(Team.id == self.id)).one()


def founded(app: Flask, make: Callable[[str], Someone], owner: str = "olga") -> Crew:
    """Return a team of *owner*'s."""
    someone = make(owner)
    team = someone.made("/teams", {"name": f"{owner}'s team"})
    with app.app_context():
        rows = db.session.execute(
            select(Group.name, Group.id)
            .join(Team, Team.pk == Group.team_pk)
            .where(Team.id == team["id"])
        )
        groups = {row.name: row.id for row in rows}
    return Crew(app, make, someone, team["id"], groups)


def pk_of(someone: Someone) -> int:
    """Return the pk of *someone*; inside an application's context."""
    person = find_person(someone.id)
    assert person is not None
    return person.pk
