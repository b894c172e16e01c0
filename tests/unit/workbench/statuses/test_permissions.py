"""The permission table, held to the wire: who × what × on whose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.statuses.permissions import ALLOWED, Deed, Standing
from workbench.teams.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.crew import Crew

WHO = ("owner", "admin", "member", "author", "left", "stranger")
# Who may do what with a post and a comment that a plain member wrote. Y: yes; n: 403; -: 404.
TABLE = """
                 owner admin member author left stranger
see              Y     Y     Y      Y      -    -
post             Y     Y     Y      Y      -    -
edit             n     n     n      Y      -    -
delete           Y     Y     n      Y      -    -
comment          Y     Y     Y      Y      -    -
like             Y     Y     Y      Y      -    -
edit_comment     n     n     n      Y      -    -
delete_comment   Y     Y     n      Y      -    -
"""
ROWS = {line.split()[0]: line.split()[1:] for line in TABLE.strip().splitlines()[1:]}
CALLS: dict[str, tuple[str, str, dict[str, str] | None]] = {
    "see": ("GET", "/statuses/{status}", None),
    "post": ("POST", "/teams/{team}/statuses", {"title": "x"}),
    "edit": ("PATCH", "/statuses/{status}", {"title": "x"}),
    "delete": ("DELETE", "/statuses/{status}", None),
    "comment": ("POST", "/statuses/{status}/comments", {"body": "x"}),
    "like": ("PUT", "/statuses/{status}/like", None),
    "edit_comment": ("PATCH", "/status-comments/{comment}", {"body": "x"}),
    "delete_comment": ("DELETE", "/status-comments/{comment}", None),
}


@pytest.fixture
def people(crew: Crew, person: Callable[[str], Someone]) -> dict[str, Someone]:
    """One of each."""
    found = {
        "owner": crew.owner,
        "admin": crew.member("admin", Role.ADMIN),
        "member": crew.member("member"),
        "author": crew.member("author"),
        "left": crew.member("left"),
        "stranger": person("stranger"),
    }
    crew.drop(found["left"])
    return found


@pytest.mark.parametrize("deed", ROWS)
def test_the_table_holds_on_the_wire(crew: Crew, people: dict[str, Someone], deed: str) -> None:
    """Each cell is one call; who may not even know is told 404, as for nothing."""
    method, path, body = CALLS[deed]
    answers = []
    for who in WHO:
        author = people["author"]
        status = author.made(f"/teams/{crew.id}/statuses", {"title": "t"})["id"]
        comment = author.made(f"/statuses/{status}/comments", {"body": "c"})["id"]
        where = path.format(team=crew.id, status=status, comment=comment)
        match = "*" if method == "PATCH" else None
        code = people[who].call(method, where, body, match=match).status_code
        answers.append({403: "n", 404: "-"}.get(code, "Y" if code < 300 else str(code)))
    assert answers == ROWS[deed]


def test_every_deed_has_a_row() -> None:
    """A deed that is added to the table is added to this test."""
    assert set(ROWS) == {deed.value for deed in Deed} == {deed.value for deed in ALLOWED.allowed}


def test_nobody_edits_anothers_post_whatever_their_role() -> None:
    """The fault of old: anyone could edit anyone's progress."""
    for role in Role:
        assert not ALLOWED.allows(Deed.EDIT, Standing(role, own=False))


def test_reading_is_refused_like_everything_else(crew: Crew, people: dict[str, Someone]) -> None:
    """Lists, comments and the digest of a foreign team are 404 as well."""
    status = crew.owner.made(f"/teams/{crew.id}/statuses", {"title": "t"})["id"]
    for path in (
        f"/teams/{crew.id}/statuses",
        f"/teams/{crew.id}/digest",
        f"/statuses/{status}/comments",
    ):
        for who in ("left", "stranger"):
            assert people[who].get(path).status_code == 404
        assert people["member"].get(path).status_code == 200
