"""A team with one of each: an owner, an admin, a member, and a stranger who owns another team."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.workbench.conftest import Someone

ROLES = ("owner", "admin", "member", "stranger")


@dataclass(frozen=True)
class Crew:
    """People and their team."""

    team: str
    people: dict[str, Someone]
    newcomer: Callable[[str], Someone]

    def __getitem__(self, role: str) -> Someone:
        """Return the person of *role*."""
        return self.people[role]

    @property
    def url(self) -> str:
        """The team's address."""
        return f"/teams/{self.team}"

    def joins(self, someone: Someone, role: str = "member") -> None:
        """Let *someone* in by an invitation, then appoint them."""
        code = self["owner"].made(f"{self.url}/invitations", {"uses": 9})["code"]
        assert someone.post("/invitations/accept", {"code": code}).status_code == 200
        if role != "member":
            change = {"role": role}
            self["owner"].call("PATCH", f"{self.url}/members/{someone.id}", change)

    def members(self) -> dict[str, str]:
        """Return the role of each member, by name."""
        page = self["owner"].get(f"{self.url}/members").json
        assert page is not None
        return {item["user"]["name"]: item["role"] for item in page["items"]}

    def groups(self) -> dict[str, str]:
        """Return the id of each group, by name."""
        page = self["owner"].get(f"{self.url}/groups").json
        assert page is not None
        return {item["name"]: item["id"] for item in page["items"]}


@pytest.fixture
def crew(person: Callable[[str], Someone]) -> Crew:
    people = {role: person(role) for role in ROLES}
    team = people["owner"].made("/teams", {"name": "Crew 队"})["id"]
    people["stranger"].made("/teams", {"name": "Elsewhere"})
    crew = Crew(team, people, person)
    crew.joins(people["admin"], "admin")
    crew.joins(people["member"])
    return crew
