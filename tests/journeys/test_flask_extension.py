"""The gateway as a Flask extension: the example application under gunicorn, in a real world."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import Ticket
from bff.sessions.store import SessionStore
from tests.support import chromium, leaks, parties
from tests.support.browser import exchange
from tests.support.ports import free_port
from tests.support.programs import ROOT, Program, answers
from tests.support.unsealing import tokens_behind
from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World

EXAMPLE = ROOT / "docs" / "examples" / "flask_app"
SCOPES = ["openid", "profile", "email", "offline_access", "users:read"]
AN_HOUR_S = 3600


class Site:
    """The example application as a process, and people who visit it."""

    def __init__(self, world: World, workers: int = 2) -> None:
        self.world = world
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        more = ["--backchannel-logout-uri", f"{self.url}/bff/backchannel-logout/sso"]
        self.client = parties.create_client(world.sso, self.url, *more)
        settings = {
            "FLASK_CLOAKROOM": json.dumps(self.settings()),
            "WORKBENCH_URL": world.workbench.url,
            "PYTHONPATH": str(ROOT),
        }
        served = ["--bind", f"127.0.0.1:{self.port}", "--workers", str(workers), "--threads", "4"]
        # Preloading is the harder case: what was made before the fork is used by every worker.
        served += ["--no-control-socket", "--preload"]
        application = ["--chdir", str(EXAMPLE), "notes:create_app()"]
        self.program = Program(
            "flask-app",
            [sys.executable, "-m", "gunicorn", *served, *application],
            world.folder / "flask-app.log",
            environ=settings,
        )

    def settings(self) -> dict[str, object]:
        """Return what stands in ``app.config["CLOAKROOM"]``."""
        provider = {"name": "sso", "issuer": self.world.sso.url, "scopes": SCOPES}
        provider |= {name: self.client[name] for name in ("client_id", "client_secret")}
        return {
            "public_url": self.url,
            "secret_keys": parties.SECRET_KEYS,
            "redis_url": self.world.store.url,
            "providers": [provider],
            "upstreams": [self.world.workbench.url],
        }

    def visitor(self) -> Visitor:
        """Return somebody with an account, not signed in."""
        return Visitor(self.url, self.world.person)

    def let_an_hour_pass(self, ticket: str) -> None:
        """Make the sign-in behind *ticket* an hour older, here and at the SSO."""
        parsed = Ticket.parse(ticket.encode())
        assert parsed is not None
        client = connect(self.world.store.url)
        codec = SessionCodec(KeyRing(parties.SECRET_KEYS))
        store = SessionStore(client, codec, idle_ttl_s=1800, absolute_ttl_s=28800)
        session = store.load(parsed)
        assert session is not None
        older = session.record.authenticated_at - AN_HOUR_S
        record = msgspec.structs.replace(session.record, authenticated_at=older)
        store.replace_record(parsed, record, session.revision)
        client.close()
        with sqlite3.connect(self.world.folder / "sso.sqlite3", timeout=60) as database:
            database.execute(
                "UPDATE browser_sessions SET auth_time = datetime(auth_time, '-1 hour')"
            )
        database.close()


@pytest.fixture(scope="module")
def _site(_house: World) -> Iterator[Site]:
    site = Site(_house)
    site.program.start()
    try:
        site.program.wait_until(lambda: answers(site.url + "/"))
        yield site
    finally:
        site.program.stop()


@pytest.fixture
def site(world: World, _site: Site) -> Site:
    """The example application; nobody is signed in."""
    assert _site.world is world
    return _site


def test_guarded_page_signs_in_and_comes_back(site: Site) -> None:
    """A stranger ends on the page they wanted, which has called the API in their name."""
    visitor = site.visitor()
    visitor.open(f"{site.url}/notes?page=2")
    assert visitor.here.startswith(site.world.sso.url)
    landed = visitor.give_password()
    assert (landed.url, landed.status) == (f"{site.url}/notes?page=2", 200)
    assert f"Notes of {site.world.person.username}" in landed.text
    assert landed.header("Cache-Control") == "private, no-store"


def test_public_page_knows_the_visitor(site: Site) -> None:
    """Without a sign-in it is the same page with a way in."""
    visitor = site.visitor()
    assert "Sign in" in visitor.open(site.url + "/").text
    assert site.world.person.username in visitor.sign_in("/").text


def test_script_of_a_stranger_is_told_where_to_sign_in(site: Site) -> None:
    """Never a redirect: 401 with an address."""
    visitor = site.visitor()
    visitor.open(site.url + "/")
    answer = visitor.fetch(f"{site.url}/notes.json")
    assert answer.status == 401
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.json()["code"] == "login_required"
    assert answer.json()["login_url"] == "/bff/login"
    assert answer.header("X-Request-Id") == answer.json()["request_id"]


def test_script_call_needs_the_header(site: Site) -> None:
    """A signed-in visitor's script is refused without ``X-CSRF`` or from elsewhere."""
    visitor = site.visitor()
    visitor.sign_in("/")
    assert visitor.fetch(f"{site.url}/notes.json").status == 200
    refused = visitor.fetch(f"{site.url}/notes.json", csrf=False)
    assert (refused.status, refused.json()["code"]) == (403, "csrf_failed")
    foreign = visitor.fetch(f"{site.url}/notes.json", headers={"Origin": "https://evil.example"})
    assert foreign.status == 403


def test_form_needs_its_own_token(site: Site) -> None:
    """The page's form works; without its field, or with another session's, nothing happens."""
    visitor, other = site.visitor(), site.visitor()
    visitor.sign_in("/notes")
    other.sign_in("/notes")
    stolen = other.form_with("note").fields["csrf_token"]
    form = visitor.form_with("note")
    assert visitor.submit(form, note="bad", csrf_token="").status == 403
    assert visitor.submit(form, note="worse", csrf_token=stolen).status == 403
    kept = visitor.submit(form, note="good")
    assert (kept.url, kept.status) == (f"{site.url}/notes", 200)
    assert visitor.fetch(f"{site.url}/notes.json").json()["notes"] == ["good"]


def test_form_of_a_session_that_is_over_leads_back_to_its_page(site: Site) -> None:
    """Nothing of the post is done; after signing in the person is at the form again."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    form = visitor.form_with("note")
    site.world.store.flush_database(0)
    landed = visitor.submit(form, note="lost in the post")
    assert (landed.url, landed.status) == (f"{site.url}/notes", 200)
    assert "lost in the post" not in landed.text


def test_granted_scope_opens_and_missing_scope_is_403(site: Site) -> None:
    """The same guard, both ways; the document names the scope."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    people = visitor.fetch(f"{site.url}/people")
    assert people.status == 200
    assert site.world.person.username in people.text
    refused = visitor.fetch(f"{site.url}/audit")
    assert refused.status == 403
    assert (refused.json()["code"], refused.json()["scope"]) == ("insufficient_scope", "audit:read")
    assert visitor.open(f"{site.url}/audit").status == 403


def test_old_sign_in_must_be_renewed(site: Site) -> None:
    """A page leads to the password and back; a script is told; what the app kept stays."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    visitor.submit(visitor.form_with("note"), note="kept over the step")
    assert visitor.open(f"{site.url}/close-account").url == f"{site.url}/close-account"
    site.let_an_hour_pass(visitor.ticket() or "")
    told = visitor.fetch(f"{site.url}/close-account")
    assert (told.status, told.json()["code"]) == (401, "step_up_required")
    assert told.json()["login_url"] == "/bff/login?max_age=300"
    visitor.open(f"{site.url}/close-account")
    landed = visitor.give_password()
    assert (landed.url, landed.status) == (f"{site.url}/close-account", 200)
    assert visitor.fetch(f"{site.url}/notes.json").json()["notes"] == ["kept over the step"]
    assert site.world.sessions.count() == 1


def test_signing_out_ends_access_and_what_the_app_kept(site: Site) -> None:
    """The form signs out here and at the SSO; the old ticket opens nothing; notes are gone."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    visitor.submit(visitor.form_with("note"), note="secret thought")
    ticket = visitor.ticket() or ""
    visitor.open(site.url + "/")
    ended = visitor.submit(visitor.form_with("csrf_token"))
    assert ended.status == 200
    assert visitor.ticket() is None
    assert site.world.sessions.count() == 0
    headers = {"Cookie": f"session={ticket}", "X-CSRF": "1"}
    assert exchange(f"{site.url}/notes.json", headers=headers).status == 401
    visitor.open(f"{site.url}/notes")
    assert "secret thought" not in visitor.give_password().text


def test_sign_out_elsewhere_reaches_the_application(site: Site) -> None:
    """Signing out at the gateway ends the SSO's session, and its back channel ends this one."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    at_gateway = Visitor(site.world.bff.url, site.world.person)
    at_gateway.jar = visitor.jar
    asked = visitor.open(f"{site.world.bff.url}/bff/login?return_to=/")
    assert asked.url == f"{site.world.bff.url}/"
    visitor.bff_url = site.world.bff.url
    visitor.sign_out()
    deadline = time.monotonic() + 60
    while visitor.fetch(f"{site.url}/notes.json", headers={"Origin": site.url}).status == 200:
        assert time.monotonic() < deadline, "the back channel never came"
    assert site.world.sessions.count() == 0


def test_own_routes_answer_without_the_data_plane(site: Site) -> None:
    """Who am I, my sessions: as the contract says, under a plain WSGI server."""
    visitor = site.visitor()
    visitor.sign_in("/")
    user = visitor.user()
    assert user.status == 200
    assert user.json()["provider"] == "sso"
    sessions = visitor.fetch(f"{site.url}/bff/sessions").json()["sessions"]
    assert [one["current"] for one in sessions] == [True]
    assert visitor.fetch(f"{site.url}/bff/user", csrf=False).status == 403
    assert user.header("Cache-Control") == "private, no-store"


def test_the_host_keeps_its_own_errors(site: Site) -> None:
    """An unknown address is Flask's own 404, not ours."""
    answer = exchange(f"{site.url}/nowhere")
    assert answer.status == 404
    assert "problem" not in (answer.header("Content-Type") or "")


def test_outage_of_redis_is_never_a_sign_in(site: Site) -> None:
    """503 with ``Retry-After`` for pages and scripts; afterwards the visitor is still there."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    site.world.store.program.pause()
    try:
        page = visitor.open(f"{site.url}/notes")
        told = visitor.fetch(f"{site.url}/notes.json")
    finally:
        site.world.store.program.resume()
    assert (page.status, page.url) == (503, f"{site.url}/notes")
    assert (page.header("Retry-After") or "").isdigit()
    assert page.header_lines("Set-Cookie") == []
    assert (told.status, told.json()["code"]) == (503, "store_unavailable")
    assert visitor.open(f"{site.url}/notes").status == 200


def test_nothing_that_a_browser_or_a_log_gets_holds_a_token(site: Site) -> None:
    """Neither answers nor the application's log; the signal brought names alone."""
    visitor = site.visitor()
    visitor.sign_in("/notes")
    visitor.fetch(f"{site.url}/people")
    visitor.fetch(f"{site.url}/notes.json")
    tokens = tokens_behind(visitor.ticket() or "", site.world.store)
    sub = visitor.user().json()["sub"]
    ticket = visitor.ticket() or ""
    visitor.sign_out()
    seen = {f"answer {n} of {r.url}": r.seen() for n, r in enumerate(visitor.history)}
    seen = leaks.without_end_session_hint(seen)
    assert leaks.found_in(seen, tokens) == []
    assert leaks.tokens_in(seen) == []
    log = {"log": site.program.log()}
    assert leaks.found_in(log, [*tokens, ticket, site.client["client_secret"]]) == []
    assert f"welcome {sub} of sso" in log["log"]


def test_real_browser_signs_in_writes_and_signs_out(site: Site) -> None:
    """Chromium: guarded page, landing without script, the app's form, the sign-out form."""
    person = site.world.person
    with chromium.chromium() as browser, chromium.visitor(browser, javascript=False) as context:
        page = context.new_page()
        page.goto(f"{site.url}/notes")
        page.fill("input[name=username]", person.username)
        page.fill("input[name=password]", person.password)
        page.click("button[type=submit]:has-text('Sign in')")
        page.wait_for_url(f"{site.url}/notes")
        page.fill("input[name=note]", "by hand")
        page.click("text=Keep")
        assert page.locator("li").all_inner_texts() == ["by hand"]
        page.goto(f"{site.url}/")
        page.click("text=Sign out")
        page.wait_for_url(f"{site.url}/")
        assert page.locator("text=Sign in").is_visible()
        assert [one["name"] for one in context.cookies(site.url) if one["name"] == "session"] == []
    assert site.world.sessions.count() == 0
