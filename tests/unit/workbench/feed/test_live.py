"""The live stream: at once, without gap or double, to nobody who may not see it, and bounded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.queries import counted
from tests.unit.workbench.conftest import ALL_SCOPES, bearer
from tests.unit.workbench.feed.reader import Reader
from workbench.database import db
from workbench.feed import hub as hubs
from workbench.journal import reading
from workbench.problems import STORAGE_UNAVAILABLE, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.workbench.conftest import Issuer, Someone
    from tests.unit.workbench.crew import Crew

Readers = list[Reader]


def post(by: Someone, crew: Crew, title: str, body: str = "") -> None:
    """Let *by* post *title*."""
    by.made(f"/teams/{crew.id}/statuses", {"title": title, "body": body})


def follow(readers: Readers, someone: Someone, query: str = "", **headers: str) -> Reader:
    """Return *someone*'s stream, open."""
    readers.append(Reader(someone.client, someone.headers | headers, query))
    return readers[-1]


def test_the_first_event_comes_at_once(crew: Crew, readers: Readers) -> None:
    """Before anything happens: how many are unread, and a position to come back to."""
    reader = follow(readers, crew.owner)
    assert reader.answer.content_type == "text/event-stream"
    assert reader.answer.headers["Cache-Control"] == "no-store"
    first = reader.next()
    assert (first.event, first.data) == ("inbox", {"unread": 0, "item": None})


def test_a_change_is_heard_by_the_others(crew: Crew, readers: Readers) -> None:
    """Feed to everybody in the team, inbox to the person who is named, in that order."""
    ann = crew.member("ann")
    reader = follow(readers, ann)
    reader.next()
    post(crew.owner, crew, "你好", "@ann")
    letter, item = reader.next(), reader.next()
    assert (letter.event, letter.what, letter.data["unread"]) == ("inbox", "status.posted 你好", 1)
    assert (item.event, item.what) == ("feed", "status.posted 你好")
    assert letter.data["item"]["reason"] == "mention"
    assert item.data["actor"]["name"] == "olga"


@pytest.mark.parametrize("parts_heard", [1, 2])
def test_coming_back_is_without_gap_or_double(
    crew: Crew, readers: Readers, parts_heard: int
) -> None:
    """Wherever the connection was lost, also between the two parts of one event."""
    ann = crew.member("ann")
    reader = follow(readers, ann)
    reader.next()
    post(crew.owner, crew, "one", "@ann")
    heard = [reader.next() for _ in range(2)][:parts_heard]
    reader.close()
    post(crew.owner, crew, "two", "@ann")
    back = follow(readers, ann, **{"Last-Event-ID": heard[-1].id})
    assert back.next().data == {"unread": 2, "item": None}
    heard += [back.next() for _ in range(4 - parts_heard)]
    post(crew.owner, crew, "three")
    heard.append(back.next())
    assert [(each.event, each.what.split()[1]) for each in heard] == [
        ("inbox", "one"),
        ("feed", "one"),
        ("inbox", "two"),
        ("feed", "two"),
        ("feed", "three"),
    ]
    assert len({each.id for each in heard}) == 5


def test_the_page_that_was_read_is_where_the_stream_goes_on(crew: Crew, readers: Readers) -> None:
    """What happens between the page and the stream is not lost."""
    post(crew.owner, crew, "on the page")
    page = crew.owner.get("/feed").json
    assert page is not None
    post(crew.owner, crew, "between")
    reader = follow(readers, crew.owner, f"?after={page['items'][0]['id']}")
    post(crew.owner, crew, "later")
    assert reader.until("status.posted later") == [
        "status.posted between",
        "status.posted later",
    ]


def test_who_missed_too_much_reads_anew(
    crew: Crew, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay has an end: `reset` says that the page is to be read again."""
    monkeypatch.setattr(hubs, "REPLAY_MAX", 3)
    page = crew.owner.get("/feed").json
    assert page is not None
    for number in range(4):
        post(crew.owner, crew, str(number))
    reader = follow(readers, crew.owner, f"?after={page['items'][0]['id']}")
    assert [reader.next().event for _ in range(2)] == ["inbox", "reset"]
    post(crew.owner, crew, "goes on")
    assert reader.next().what == "status.posted goes on"


@pytest.mark.parametrize("last", ["x", "AAAAAAAAAAE.3", "f_________8", "AAAAAAAAAAE.2.1"])
def test_a_position_that_was_never_told_is_refused(crew: Crew, last: str) -> None:
    """400; nothing is sent."""
    headers = crew.owner.headers | {"Last-Event-ID": last}
    assert crew.owner.client.get("/feed/live", headers=headers).status_code == 400


def test_nobody_hears_of_what_they_may_not_see(
    crew: Crew, readers: Readers, person: Callable[[str], Someone]
) -> None:
    """Not a stranger, and not somebody who is in the team no longer."""
    ann, eve = crew.member("ann"), person("eve")
    eve.made("/teams", {"name": "eve's"})
    streams = {"ann": follow(readers, ann), "eve": follow(readers, eve)}
    for reader in streams.values():
        reader.next()
    post(crew.owner, crew, "before")
    assert streams["ann"].next().what == "status.posted before"
    crew.drop(ann)
    post(crew.owner, crew, "secret")
    eve.made("/teams", {"name": "second"})
    ann.made("/teams", {"name": "ann's own"})
    assert streams["eve"].next().what == "team.created second"
    assert streams["ann"].next().what == "team.created ann's own"


def test_a_new_member_hears_from_then_on(
    crew: Crew, readers: Readers, person: Callable[[str], Someone], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What opens a door is heard of through it, without a new connection."""
    monkeypatch.setattr(hubs, "_SIGHT_MAX_AGE_S", 0)
    reader = follow(readers, person("ann"))
    reader.next()
    post(crew.owner, crew, "before")
    crew.member("ann")
    post(crew.owner, crew, "welcome")
    assert reader.until("status.posted welcome")[-1] == "status.posted welcome"


def test_without_the_inboxs_scope_there_is_no_inbox(
    crew: Crew, readers: Readers, issuer: Issuer
) -> None:
    """`feed:read` alone: feed events only, and `open` as the first."""
    crew.member("ann")
    token = issuer.token(sub="ann", name="ann", scope="feed:read")
    reader = Reader(crew.owner.client, bearer(token))
    readers.append(reader)
    assert reader.next().event == "open"
    post(crew.owner, crew, "x", "@ann")
    assert reader.next().event == "feed"


def test_a_stream_needs_its_scope(crew: Crew, issuer: Issuer) -> None:
    """403 without `feed:read`."""
    scopes = ALL_SCOPES.replace("feed:read", "")
    for path in ("/feed", "/feed/live"):
        answer = crew.owner.client.get(path, headers=bearer(issuer.token(scope=scopes)))
        assert answer.status_code == 403


def test_a_stream_ends_with_its_token(crew: Crew, readers: Readers, issuer: Issuer) -> None:
    """Whoever comes back shows a new token; permission is never older than that."""
    exp = int(time.time()) + 4  # time enough to begin
    token = issuer.token(sub="olga", name="olga", exp=exp, scope=ALL_SCOPES)
    reader = Reader(crew.owner.client, bearer(token))
    readers.append(reader)
    assert reader.ended()


def test_streams_are_bounded(crew: Crew, readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit 503 with Retry-After; a person's newest stream takes their oldest's place."""
    monkeypatch.setattr(crew.app.extensions["feed"], "_streams_max", 7)
    own = [follow(readers, crew.owner) for _ in range(7)]
    assert own[0].ended()
    follow(readers, crew.member("ann")).next()
    refused = follow(readers, crew.member("bob")).answer
    assert refused.status_code == 503
    assert refused.json is not None
    assert refused.json["code"] == "streams_taken"
    assert int(refused.headers["Retry-After"]) >= 1
    own[1].close()
    follow(readers, crew.member("bob2")).next()


def test_a_silent_database_ends_no_stream(
    crew: Crew, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage what stood is told, once; a change never fails for the feed's sake."""
    monkeypatch.setattr(hubs, "_PAUSE_AFTER_FAILURE_S", 0.05)
    failures: list[int] = []
    between = reading.between

    def silent(after: int, until: int) -> object:
        if len(failures) < 3:
            failures.append(after)
            raise Unavailable(STORAGE_UNAVAILABLE)
        return between(after, until)

    reader = follow(readers, crew.owner)
    reader.next()
    monkeypatch.setattr(reading, "between", silent)
    post(crew.owner, crew, "stood")
    post(crew.owner, crew, "too")
    assert reader.until("status.posted too") == ["status.posted stood", "status.posted too"]
    assert len(failures) == 3


def test_the_process_may_end(crew: Crew, readers: Readers) -> None:
    """SIGTERM ends every stream, and no new one begins."""
    reader = follow(readers, crew.owner)
    reader.next()
    crew.app.extensions["leaving"]()
    assert reader.ended()
    assert follow(readers, crew.owner).answer.status_code == 503


def test_a_round_without_news_is_one_statement(crew: Crew, readers: Readers) -> None:
    """However many streams there are: the journal's head is asked for, nothing else."""
    for number in range(3):
        follow(readers, crew.member(f"m{number}")).next()
    with crew.app.app_context():
        engine = db.engine
    with counted(engine) as statements:
        deadline = time.monotonic() + 20
        while len(statements) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert {"journal_head" in statement for statement in statements} == {True}
