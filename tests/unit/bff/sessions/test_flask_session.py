"""``flask.session`` over the store: read when asked, written by key, dead when signed out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

import flask
import pytest
from flask import abort, session

from bff.sessions.cookie import SessionCookie
from bff.sessions.current import CurrentSession
from bff.sessions.flask_interface import VisitorApp, VisitorSessionInterface
from bff.sessions.model import Ticket
from httpkit.answers import install_answers
from tests.support.ports import free_port
from tests.unit.bff.sessions.conftest import Desk, record_of, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

COOKIE = SessionCookie("session", secure=False, same_site="strict")


class Site:
    """A site whose one view is the test's own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.view: Callable[[], Any] = lambda: "untouched"
        self.app = VisitorApp("site")
        self.app.session_interface = VisitorSessionInterface(
            desk.store, CurrentSession(desk.store, COOKIE)
        )
        install_answers(self.app)
        self.app.add_url_rule("/", "view", lambda: flask.jsonify(self.view()))

    def visit(self, ticket: Ticket | None, view: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON
        """Return what *view* returned to the holder of *ticket*; its answer must be 200."""
        self.view = view
        reply = self.browser(ticket).get("/")
        assert reply.status_code == 200, reply.text
        return reply.json

    def browser(self, ticket: Ticket | None) -> FlaskClient:
        """Return a client that sends *ticket*."""
        client = self.app.test_client(use_cookies=False)
        if ticket is not None:
            client.environ_base["HTTP_COOKIE"] = f"session={ticket.encode()}"
        return client

    def stored(self, ticket: Ticket) -> dict[str, Any]:
        """Return what the store holds for ``flask.session``."""
        loaded = self.desk.store.load(ticket)
        assert loaded is not None
        return loaded.record.flask


@pytest.fixture
def site(desk: Desk) -> Site:
    return Site(desk)


@pytest.fixture
def ticket(site: Site) -> Ticket:
    """A session that already holds two values."""
    ticket = site.desk.sign_in()
    site.visit(ticket, lambda: session.update(theme="dark", count=1))
    return ticket


def test_what_one_request_writes_the_next_one_reads(site: Site, ticket: Ticket) -> None:
    """Values outlive the request, in the sealed record."""
    assert site.visit(ticket, lambda: session["theme"]) == "dark"
    assert site.stored(ticket) == {"theme": "dark", "count": 1}


def test_an_untouched_session_is_not_read() -> None:
    """A page that asks nothing works while Redis is down (finding 4 of the attack plan)."""
    site = Site(Desk(f"redis://127.0.0.1:{free_port()}/0"))
    reply = site.browser(Ticket.new()).get("/")
    assert reply.status_code == 200
    assert "Vary" not in reply.headers
    assert "Set-Cookie" not in reply.headers


def test_a_session_that_is_asked_for_while_redis_is_down_is_an_outage() -> None:
    """503, never an empty session."""
    site = Site(Desk(f"redis://127.0.0.1:{free_port()}/0"))
    site.view = lambda: session.get("theme")
    reply = site.browser(Ticket.new()).get("/")
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) >= 1


def _session() -> dict[str, Any]:
    """Return ``flask.session`` as what it is: a dictionary."""
    return cast("dict[str, Any]", session)


READS: dict[str, tuple[Callable[[], Any], Any]] = {
    "getitem": (lambda: session["theme"], "dark"),
    "get": (lambda: session.get("theme"), "dark"),
    "contains": (lambda: "theme" in session, True),
    "iter": (lambda: sorted(session), ["count", "theme"]),
    "len": (lambda: len(session), 2),
    "keys": (lambda: sorted(session.keys()), ["count", "theme"]),
    "values": (lambda: sorted(map(str, session.values())), ["1", "dark"]),
    "items": (lambda: sorted(map(str, session.items())), ["('count', 1)", "('theme', 'dark')"]),
    "dict": (lambda: dict(session), {"theme": "dark", "count": 1}),
    "copy": (lambda: _session().copy(), {"theme": "dark", "count": 1}),
    "bool": (lambda: bool(session), True),
    "equals": (lambda: session == {"theme": "dark", "count": 1}, True),
    "or": (lambda: dict(session) | {"count": 2}, {"theme": "dark", "count": 2}),
    "setdefault": (lambda: session.setdefault("theme", "light"), "dark"),
    "pop": (lambda: session.pop("theme", None), "dark"),
    "popitem": (lambda: len(session.popitem()), 2),
    "reversed": (lambda: len([*reversed(_session())]), 2),
}


@pytest.mark.parametrize("way", READS)
def test_every_way_of_reading_reads_first(site: Site, ticket: Ticket, way: str) -> None:
    """Whichever method of a dictionary an app uses first, it sees what is stored."""
    read, expected = READS[way]
    assert site.visit(ticket, read) == expected


def _ior() -> None:
    values = _session()
    values |= {"count": 2}


WRITES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "setitem": (lambda: session.__setitem__("count", 2), {"theme": "dark", "count": 2}),
    "delitem": (lambda: session.__delitem__("count"), {"theme": "dark"}),
    "pop": (lambda: session.pop("count"), {"theme": "dark"}),
    "update": (lambda: session.update(count=2), {"theme": "dark", "count": 2}),
    "update, then read": (
        lambda: [session.update(count=2), session["theme"]],
        {"theme": "dark", "count": 2},
    ),
    "setdefault": (lambda: session.setdefault("new", 1), {"theme": "dark", "count": 1, "new": 1}),
    "popitem, twice": (lambda: [session.popitem(), session.popitem(), None][2], {}),
    "clear": (lambda: _session().clear(), {"_permanent": False}),
    "ior": (_ior, {"theme": "dark", "count": 2}),
}


@pytest.mark.parametrize("way", WRITES)
def test_every_way_of_writing_is_kept(site: Site, ticket: Ticket, way: str) -> None:
    """Whichever method of a dictionary an app uses first, what it changes is stored."""
    write, expected = WRITES[way]
    site.visit(ticket, write)
    assert site.stored(ticket) == expected


def test_reading_writes_nothing(site: Site, ticket: Ticket) -> None:
    """The revision stays, so that no reader can overtake a writer."""
    before = site.desk.client.hget(ticket.key, "v")
    site.visit(ticket, lambda: dict(session))
    site.visit(ticket, lambda: session.__setitem__("theme", "dark"))
    assert site.desk.client.hget(ticket.key, "v") == before


def test_a_page_that_looked_varies_by_cookie(site: Site, ticket: Ticket) -> None:
    """A cache between must not hand one visitor's page to another (CVE-2023-30861)."""
    site.view = lambda: session.get("theme")
    assert site.browser(ticket).get("/").headers["Vary"] == "Cookie"


def test_two_requests_at_once_change_different_keys(site: Site, ticket: Ticket) -> None:
    """Both increments stand, whoever writes first (finding 1 of the attack plan)."""
    together = threading.Barrier(4)

    def view() -> None:
        key = flask.request.args["key"]
        session[key] = 1
        together.wait(10)  # everybody has read before anybody writes

    def visit(number: int) -> int:
        return site.browser(ticket).get("/", query_string={"key": f"k{number}"}).status_code

    site.view = view
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(visit, range(4))) == {200}
    assert site.stored(ticket) == {"theme": "dark", "count": 1} | {f"k{n}": 1 for n in range(4)}


@pytest.mark.rule("S-039")
def test_a_write_after_signing_out_brings_nothing_back(site: Site, ticket: Ticket) -> None:
    """A slow request that ends after the logout finds the session gone (S-039)."""

    def view() -> None:
        session["count"] = 2
        site.desk.store.delete(ticket, record_of())

    site.visit(ticket, view)
    assert site.desk.store.load(ticket) is None
    assert site.desk.client.exists(ticket.key) == 0


@pytest.mark.rule("S-040")
def test_a_refresh_meanwhile_is_not_overwritten(site: Site, ticket: Ticket) -> None:
    """Session data and tokens are written apart (S-040)."""

    def view() -> None:
        session["count"] = 2
        site.desk.store.replace_tokens(ticket, tokens_of(generation=2))

    site.visit(ticket, view)
    loaded = site.desk.store.load(ticket)
    assert loaded is not None
    assert (loaded.tokens.generation, loaded.record.flask["count"]) == (2, 2)


@pytest.mark.rule("S-116")
def test_a_stranger_cannot_fill_the_store(site: Site) -> None:
    """An anonymous write is refused, reads as empty, and leaves no key (S-116)."""
    assert site.visit(None, lambda: dict(session)) == {}
    site.view = lambda: session.__setitem__("theme", "dark")
    for visitor in (None, Ticket.new()):
        reply = site.browser(visitor).get("/")
        assert reply.status_code == 401
        assert reply.json is not None
        assert reply.json["code"] == "login_required"
    assert site.desk.client.keys() == []


def test_a_write_that_redis_does_not_take_is_an_outage(site: Site, ticket: Ticket) -> None:
    """503, not a success whose data is lost, and not a bug."""

    def view() -> None:
        session["count"] = 2
        site.desk.client.config_set("maxmemory", 1)

    site.view = view
    try:
        reply = site.browser(ticket).get("/")
    finally:
        site.desk.client.config_set("maxmemory", 0)
    assert reply.status_code == 503
    assert int(reply.headers["Retry-After"]) >= 1
    assert site.stored(ticket)["count"] == 1


def test_an_error_page_keeps_its_status_when_its_write_fails(site: Site) -> None:
    """A stranger's write before an error changes the error's answer in nothing."""

    def view() -> None:
        session["theme"] = "dark"
        abort(404)

    site.view = view
    assert site.browser(None).get("/").status_code == 404


def test_flashed_messages_survive_one_redirect(site: Site, ticket: Ticket) -> None:
    """Flask's own users of the session work over it."""
    site.visit(ticket, lambda: flask.flash("saved"))
    site.visit(ticket, lambda: flask.flash("sent"))
    assert site.visit(ticket, flask.get_flashed_messages) == ["saved", "sent"]
    assert site.visit(ticket, flask.get_flashed_messages) == []
