"""`@name` in any script: who is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.queries import counted
from workbench.database import db
from workbench.notifications import mentions
from workbench.users.people import people_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Someone

PEOPLE = ("ann", "bob.b", "小明", "Zoë", "Carl")


def meant(api: FlaskClient, text: str, *, hidden: str = "") -> list[str]:
    """Return the usernames that *text* mentions, where *hidden* may not read it."""

    def readers(pks: Collection[int]) -> set[int]:
        return {pk for pk, person in people_of(pks).items() if person.username != hidden}

    with api.application.app_context():
        found = people_of(mentions.find(text, readers))
        return sorted(str(person.username) for person in found.values())


@pytest.fixture(autouse=True)
def _people(person: Callable[[str], Someone]) -> None:
    for name in PEOPLE:
        person(name)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann", ["ann"]),
        ("请 @ann 看一下", ["ann"]),
        ("@ann看一下", ["ann"]),
        ("@小明你好", ["小明"]),
        ("（@小明）", ["小明"]),
        ("@ann, @bob.b.", ["ann", "bob.b"]),
        ("@ANN @Zoë", ["Zoë", "ann"]),
        ("@carl", ["Carl"]),
        ("@ＣARL and @ZOË", ["Carl", "Zoë"]),
        ("@anna", []),
        ("mail ann@ann.example", []),
        ("https://x.example/@ann", []),
        ("`@ann` and ```\n@ann\n```", []),
        ("``` @ann", []),
        ("@nobody @", []),
        ("@ann @ann", ["ann"]),
    ],
)
def test_who_is_meant(api: FlaskClient, text: str, names: list[str]) -> None:
    """The longest name that somebody has; code and addresses mention nobody."""
    assert meant(api, text) == names


def test_who_may_not_read_it_is_not_meant(api: FlaskClient) -> None:
    """A mention never tells of a thing that its bearer may not see."""
    assert meant(api, "@ann @小明", hidden="ann") == ["小明"]


def test_mentions_are_bounded(api: FlaskClient) -> None:
    """A text full of names costs one query and looks for so many at most."""
    with api.application.app_context():
        engine = db.engine
    with counted(engine) as statements:
        assert meant(api, " ".join(f"@x{number}" for number in range(300)) + " @ann") == []
    assert len(statements) == 1
