"""The demo: a whole story, once, and never among other people unasked."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tests.unit.workbench.conftest import ALL_SCOPES, bearer
from workbench.cli import cli
from workbench.demo import story
from workbench.kit.clock import utc_now

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from flask.testing import FlaskClient

    from tests.unit.workbench.conftest import Issuer
    from workbench.settings import Settings


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Five accounts of the issuer's."""
    accounts = [
        {"sub": f"sub-{number}", "username": f"demo-{number}", "email": f"d{number}@example.com"}
        for number in range(5)
    ]
    file = tmp_path / "people.json"
    file.write_text(json.dumps(accounts), "utf-8")
    return file


@pytest.fixture(autouse=True)
def _environ(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("WORKBENCH_ISSUER", settings.issuer)


def run(people: Path, *more: str) -> Result:
    """Make the demo."""
    return CliRunner().invoke(cli, ["demo", "--people", str(people), *more])


def seen(api: FlaskClient, issuer: Issuer, path: str, sub: str = "sub-0") -> dict[str, Any]:
    """Return what somebody reads who signs in with one of the accounts."""
    token = issuer.token(sub=sub, preferred_username=sub, scope=ALL_SCOPES)
    answer = api.get(path, headers=bearer(token))
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def test_the_whole_story_is_told_once(api: FlaskClient, issuer: Issuer, people: Path) -> None:
    """Whoever signs in finds names, posts, documents, comments, an inbox; again changes nothing."""
    done = run(people)
    assert done.exit_code == 0, done.output
    assert "/join#" in done.output
    me = seen(api, issuer, "/users/me")
    assert me["name"] == story.PEOPLE[0].name
    [team] = seen(api, issuer, "/teams")["items"]
    assert team["name"] == story.TEAM
    posts = seen(api, issuer, f"/teams/{team['id']}/statuses")["items"]
    assert [post["title"] for post in posts] == [post.title for post in reversed(story.POSTS)]
    assert posts[-1]["likes"] == len(story.POSTS[0].liked_by)
    assert len(seen(api, issuer, "/projects")["items"]) == len(story.PROJECTS)
    assert seen(api, issuer, "/notifications/unread")["unread"] > 0
    before = len(seen(api, issuer, "/feed?limit=200")["items"])
    again = run(people)
    assert (again.exit_code, again.output) == (0, "The demo's team is there already.\n")
    assert len(seen(api, issuer, "/feed?limit=200")["items"]) == before


def test_it_happened_over_days(api: FlaskClient, issuer: Issuer, people: Path) -> None:
    """The feed has more than one day, none of them to come."""
    run(people)
    items = seen(api, issuer, "/feed?limit=200")["items"]
    times = [item["at"] for item in items]
    assert times == sorted(times, reverse=True)
    assert len({item["day"] for item in items}) > 5
    assert times[0] <= f"{(utc_now() + timedelta(seconds=1)).isoformat()}Z"


def test_it_keeps_away_from_other_people(api: FlaskClient, issuer: Issuer, people: Path) -> None:
    """A database that somebody works with is left alone, unless they say so."""
    seen(api, issuer, "/users/me", sub="somebody")
    refused = run(people)
    assert refused.exit_code == 1
    assert "--beside-others" in refused.output
    assert seen(api, issuer, "/teams")["items"] == []
    assert run(people, "--beside-others").exit_code == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", '[{"sub": "a"}, 1, 2, 3, 4]'])
def test_wrong_people_are_one_sentence(people: Path, text: str) -> None:
    """Nothing is made of a list that cannot be read."""
    people.write_text(text, "utf-8")
    refused = run(people)
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: ")
