"""One person's way through the house, over HTTP alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import leaks
from tests.support.browser import exchange
from tests.support.unsealing import tokens_behind
from tests.support.visitor import Visitor, new_person

if TYPE_CHECKING:
    from tests.support.world import World


def test_sign_up_sign_in_call_sign_out(world: World) -> None:
    """A newcomer makes an account, gets a name from the API, leaves, and the API says 401."""
    person = new_person("nia")
    visitor = Visitor(world.bff.url, person)
    assert visitor.open(world.bff.url + "/").status == 200
    assert visitor.api().status == 401
    visitor.open(visitor.login_url("/"))
    landed = visitor.sign_up()
    if not landed.url.startswith(world.bff.url):
        landed = visitor.give_password()
    assert (landed.url, landed.status) == (world.bff.url + "/", 200)
    assert person.username in landed.text
    directory = visitor.api()
    assert directory.status == 200
    assert person.username in directory.text
    visitor.sign_out()
    answer = visitor.api()
    assert (answer.status, answer.json()["code"]) == (401, "login_required")
    assert world.sessions.count() == 0


def test_sign_in_lands_where_it_began(world: World) -> None:
    """Path, query and fragment of ``return_to`` are what the address bar shows at the end."""
    landed = world.browser.sign_in("/?tab=teams&q=a%2Fb#third")
    assert landed.url == f"{world.bff.url}/?tab=teams&q=a%2Fb#third"
    assert world.browser.ticket() is not None


def test_first_page_after_landing_knows_the_person(world: World) -> None:
    """The request that follows the landing already carries the Strict cookie."""
    landed = world.browser.sign_in("/")
    assert world.person.username in landed.text
    answer = world.browser.user()
    assert answer.status == 200
    body = answer.json()
    assert body["iss"] == world.sso.url
    assert body["provider"] == "sso"
    assert 0 < body["session"]["expires_in_s"] <= body["session"]["absolute_expires_in_s"]
    assert {"id", "created_at"} <= body["session"].keys()


def test_callback_rejects_second_use_of_state(world: World) -> None:
    """A replayed callback creates no session."""
    callback = world.browser.sign_in_until_callback()
    assert callback.visit().status in {200, 303}
    assert callback.visit().status == 400
    assert world.sessions.count() == 1


def test_wrong_password_gets_the_form_again(world: World) -> None:
    """The visitor is told once, stays at the sign-in, and has no session."""
    visitor = world.new_visitor()
    visitor.open(visitor.login_url())
    form = visitor.form_with("password")
    answer = visitor.submit(form, username=world.person.username, password="not the password")
    assert answer.status == 401
    assert "password" in visitor.form_with("password").fields
    assert visitor.give_password().url == f"{world.bff.url}/"


def test_second_sign_in_of_the_same_browser_needs_no_password(world: World) -> None:
    """Single sign-on: the SSO still knows the browser when the BFF's session is gone."""
    visitor = world.browser
    visitor.sign_in()
    world.store.flush_database(0)
    assert visitor.api().status == 401
    landed = visitor.open(visitor.login_url("/"))
    assert landed.url == f"{world.bff.url}/"
    assert visitor.api().status == 200


@pytest.mark.rule("B-39")
def test_sign_out_ends_both_sessions(world: World) -> None:
    """After signing out, signing in asks for the password again."""
    visitor = world.browser
    visitor.sign_in()
    end = visitor.sign_out()
    assert end.status == 200
    assert end.url.startswith(world.bff.url)
    visitor.open(visitor.login_url())
    assert "password" in visitor.form_with("password").fields


def test_sign_out_by_the_form_needs_no_script(world: World) -> None:
    """The page's own form signs out, at the BFF and at the SSO."""
    visitor = world.browser
    visitor.sign_in()
    ended = visitor.submit(visitor.form_with("csrf_token"))
    assert ended.status == 200
    assert visitor.ticket() is None
    assert visitor.api().status == 401


@pytest.mark.rule("S-116", "S-117")
def test_anonymous_visitors_cost_the_store_nothing(world: World) -> None:
    """S-116, S-117: pages, refused calls and begun sign-ins leave no key."""
    visitor = world.new_visitor()
    for _ in range(5):
        visitor.open(world.bff.url + "/")
        visitor.api()
        visitor.user()
        visitor.open(visitor.login_url(), follow=False)
    bff_keys = [key for key in world.store.dump() if b"session" in key]
    assert bff_keys == []


@pytest.mark.rule("S-117")
def test_begun_sign_ins_stay_small_in_the_browser(world: World) -> None:
    """S-117: a hundred begun sign-ins leave at most 8 KiB of cookies, and the last one works."""
    visitor = world.new_visitor()
    for _ in range(100):
        visitor.open(visitor.login_url(), follow=False)
    ours = [c for c in visitor.jar.cookies.values() if c.host == "localhost"]
    assert sum(len(cookie.name) + len(cookie.value) for cookie in ours) <= 8192
    visitor.sign_in()
    assert visitor.user().status == 200


@pytest.mark.rule("B-14")
def test_nothing_that_anybody_sees_or_keeps_holds_a_secret(world: World) -> None:
    """No token reaches the browser; no token, ticket or name is in the store's dump or a log."""
    visitor = world.browser
    callback = visitor.sign_in_until_callback()
    callback.visit(follow=True)
    visitor.api()
    visitor.user()
    ticket = visitor.ticket() or ""
    tokens = tokens_behind(ticket, world.store)
    assert len(tokens) == 3
    dump = "\n".join(
        key.decode("latin-1") + value.decode("latin-1") for key, value in world.store.dump().items()
    )
    visitor.sign_out()
    seen = {f"answer {n} of {r.url}": r.seen() for n, r in enumerate(visitor.history)}
    seen = leaks.without_end_session_hint(seen)
    assert leaks.found_in(seen, tokens) == []
    assert leaks.tokens_in(seen) == []
    kept = {"the store": dump}
    assert leaks.found_in(kept, [ticket, world.person.username, world.person.email, *tokens]) == []
    logs = {program.name: program.log() for program in world.programs()}
    secrets = [ticket, world.person.password, world.client["client_secret"], *tokens]
    query = callback.url.partition("?")[2]
    secrets += [
        part.partition("=")[2] for part in query.split("&") if part[:5] in {"code=", "state"}
    ]
    assert leaks.found_in(logs, secrets) == []
    assert leaks.tokens_in(logs) == []


def test_every_answer_carries_a_request_id(world: World) -> None:
    """One id follows a call through all three logs."""
    world.browser.sign_in()
    answer = world.browser.api()
    request_id = answer.header("X-Request-Id") or ""
    assert request_id
    world.workbench.program.wait_until(lambda: request_id in world.workbench.program.log())
    for path in ("/", "/bff/user", "/api/users/me", "/nowhere", "/livez", "/static/nothing"):
        assert exchange(world.bff.url + path).header("X-Request-Id"), path


def test_another_browser_is_another_session(world: World) -> None:
    """Signing out of one leaves the other as it is."""
    first, second = world.new_visitor(), world.new_visitor()
    for visitor in (first, second):
        visitor.sign_in()
    assert world.sessions.count() == 2
    first.sign_out()
    assert first.api().status == 401
    assert second.api().status == 200
