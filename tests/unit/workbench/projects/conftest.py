"""A team with people of every standing, and one project of theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from workbench.database import db
from workbench.kit.clock import utc_now
from workbench.teams.model import Member, Team
from workbench.users.people import find_person

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from tests.unit.workbench.conftest import Someone


@dataclass
class Office:
    """A team and its project `home`.

    Attributes:
        people: `ann` owns the team, `abe` is an admin of it and in no project, `lea` leads the
            project, `max` is a member of it, `rea` a reader, `tim` is in the team only, `eve` in
            none.
    """

    app: Flask
    people: dict[str, Someone]
    team: str
    home: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Someone:
        return self.people[name]

    def join(self, name: str, role: str = "member") -> None:
        """Put somebody into the team."""
        with self.app.app_context():
            team = db.session.query(Team).filter_by(id=self.team).one()
            person = find_person(self.people[name].id)
            assert person is not None
            db.session.add(
                Member(team_pk=team.pk, user_pk=person.pk, role=role, joined_at=utc_now())
            )
            db.session.commit()

    def leave(self, name: str) -> None:
        """Take somebody out of the team."""
        with self.app.app_context():
            person = find_person(self.people[name].id)
            assert person is not None
            db.session.query(Member).filter_by(user_pk=person.pk).delete()
            db.session.commit()

    def document(self, title: str = "Plan", body: str = "", **more: object) -> dict[str, Any]:
        """Let `max` write a document."""
        path = f"/projects/{self.home['id']}/documents"
        return self["max"].made(path, {"title": title, "body": body, **more})

    def folder(self, name: str, parent: str | None = None) -> dict[str, Any]:
        """Let `max` make a folder."""
        path = f"/projects/{self.home['id']}/folders"
        return self["max"].made(path, {"name": name, "parent": parent})

    def tree(self, who: str = "max") -> list[str]:
        """Return the names of the tree, indented by depth."""
        items = answered(self[who].get(f"/projects/{self.home['id']}/tree"))["items"]
        return [f"{' ' * item['depth']}{item['name']}" for item in items]


def answered(answer: TestResponse, status: int = 200) -> dict[str, Any]:
    """Return the document of *answer*, which has *status*."""
    assert answer.status_code == status, answer.text
    assert answer.json is not None
    return dict(answer.json)


@pytest.fixture
def office(api: FlaskClient, person: Callable[[str], Someone]) -> Office:
    """The team, its people, and the project `home`."""
    names = ("ann", "abe", "lea", "max", "rea", "tim", "eve")
    office = Office(api.application, {name: person(name) for name in names}, "")
    office.team = str(office["ann"].made("/teams", {"name": "Workshop"})["id"])
    office.join("abe", "admin")
    for name in ("lea", "max", "rea", "tim"):
        office.join(name)
    office.home = office["lea"].made(f"/teams/{office.team}/projects", {"name": "Home"})
    for name, role in (("max", "member"), ("rea", "reader")):
        path = f"/projects/{office.home['id']}/members/{office[name].id}"
        answered(office["lea"].call("PUT", path, {"role": role}))
    return office
