"""The browser's module as a page uses it: calls, refusals, outages, signing in and out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import chromium as support
from tests.support.showcase import served, showcase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Route

_CALL = """async ([input, init]) => {
    const { fetch } = await import("/static/bff/cloakroom.js");
    try { return await (await fetch(input, init)).json(); }
    catch (problem) { return { thrown: problem.constructor.name, code: problem.code,
        status: problem.status, requestId: problem.requestId, retryAfterS: problem.retryAfterS }; }
}"""
_USER = "async () => (await import('/static/bff/cloakroom.js')).user()"
_PAGE = "/shown/account?tab=1#profile"
_LOGIN_REQUIRED = {"code": "login_required", "title": "Sign in first.", "request_id": "r1"}


def _answers(
    status: int, document: object, headers: dict[str, str] | None = None
) -> Callable[[Route], None]:
    """Return a route that always gives this answer."""
    body = json.dumps(document)
    sent = {"Content-Type": "application/problem+json" if status >= 400 else "application/json"}
    return lambda route: route.fulfill(status=status, body=body, headers=sent | (headers or {}))


def _stream(*states: str) -> Callable[[Route], None]:
    """Return a route that tells these states and closes; the browser would come back late."""
    events = "".join(f'event: session\ndata: {{"state": "{state}"}}\n\n' for state in states)
    sent = {"Content-Type": "text/event-stream"}
    return lambda route: route.fulfill(body=f"retry: 60000\n{events}", headers=sent)


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(showcase()) as origin:
        yield origin


@pytest.fixture
def page(chromium: Browser, origin: str) -> Iterator[Page]:
    """A page of ours in a fresh profile."""
    context = support.visitor(chromium)
    page = context.new_page()
    page.route("**/bff/login?*", lambda route: route.fulfill(body="<title>sign in</title>"))
    page.goto(f"{origin}{_PAGE}")
    yield page
    context.close()


def _call(page: Page, address: str, **init: Any) -> Any:  # noqa: ANN401 - JSON
    return page.evaluate(_CALL, [address, init])


def test_call_carries_the_header_and_nothing_to_foreign_origins(page: Page) -> None:
    """`X-CSRF: 1` goes with every call of ours; another origin gets no call at all."""
    seen: list[dict[str, str]] = []

    def note(route: Route) -> None:
        seen.append(route.request.headers)
        route.fulfill(json={})

    page.route("**/api/thing", note)
    _call(page, "/api/thing", method="POST", body="{}", headers={"Content-Type": "text/x"})
    assert seen[0]["x-csrf"] == "1"
    assert seen[0]["content-type"] == "text/x"
    page.route("https://elsewhere.example/**", note)
    assert _call(page, "https://elsewhere.example/api/thing")["thrown"] == "TypeError"
    assert len(seen) == 1


def test_missing_sign_in_leads_to_it_and_back_here(page: Page) -> None:
    """Sign-in speaks the page's language and returns to its path, query and fragment."""
    page.route("**/api/thing", _answers(401, _LOGIN_REQUIRED))
    with page.expect_navigation(url="**/bff/login?*"):
        page.evaluate(f"void ({_CALL})(['/api/thing', {{}}])")
    assert page.url.endswith(
        "/bff/login?return_to=%2Fshown%2Faccount%3Ftab%3D1%23profile&ui_locales=en"
    )


def test_sign_in_that_does_not_help_is_not_tried_again(page: Page, origin: str) -> None:
    """A browser that keeps no ticket gets an error, not a circle."""
    page.route("**/api/thing", _answers(401, _LOGIN_REQUIRED))
    with page.expect_navigation(url="**/bff/login?*"):
        page.evaluate(f"void ({_CALL})(['/api/thing', {{}}])")
    page.goto(f"{origin}{_PAGE}")
    assert _call(page, "/api/thing")["thrown"] == "LoginRequired"
    assert "/shown/account" in page.url


def test_sign_in_that_helped_may_be_needed_again(page: Page, origin: str) -> None:
    """After an answered call, the next missing sign-in leads to sign-in once more."""
    for _ in range(2):
        page.route("**/api/thing", _answers(401, _LOGIN_REQUIRED))
        with page.expect_navigation(url="**/bff/login?*"):
            page.evaluate(f"void ({_CALL})(['/api/thing', {{}}])")
        page.goto(f"{origin}{_PAGE}")
        page.route("**/api/thing", _answers(200, {"fine": True}))
        assert _call(page, "/api/thing") == {"fine": True}


def test_many_calls_that_want_a_sign_in_lead_to_one(page: Page) -> None:
    """All of them wait while the page leaves; none of them shows an error on its way out."""
    page.route("**/api/*", _answers(401, _LOGIN_REQUIRED))
    page.evaluate(
        """() => { window.settled = []; window.addEventListener("pagehide", () =>
            sessionStorage.setItem("settled", window.settled.length)); }"""
    )
    with page.expect_navigation(url="**/bff/login?*"):
        page.evaluate(
            """async (call) => { for (let n = 0; n < 6; n += 1)
                eval(call)([`/api/${n}`, {}]).then((said) => window.settled.push(said)); }""",
            _CALL,
        )
    assert page.evaluate("sessionStorage.getItem('settled')") == "0"


def test_good_answer_to_another_call_does_not_close_the_circle(page: Page, origin: str) -> None:
    """A route without a ticket answers in any case: it says nothing of the sign-in."""
    page.route("**/api/thing", _answers(401, _LOGIN_REQUIRED))
    page.route("**/api/open", _answers(200, {"fine": True}))
    with page.expect_navigation(url="**/bff/login?*"):
        page.evaluate(f"void ({_CALL})(['/api/thing', {{}}])")
    page.goto(f"{origin}{_PAGE}")
    assert _call(page, "/api/open") == {"fine": True}
    assert _call(page, "/api/thing")["thrown"] == "LoginRequired"


def test_step_up_soon_after_a_sign_in_is_another_attempt(page: Page, origin: str) -> None:
    """What was tried a moment ago was not this."""
    page.route("**/api/thing", _answers(401, _LOGIN_REQUIRED))
    with page.expect_navigation(url="**/bff/login?*"):
        page.evaluate(f"void ({_CALL})(['/api/thing', {{}}])")
    page.goto(f"{origin}{_PAGE}")
    wanted = {"code": "step_up_required", "login_url": "/bff/login?acr_values=gold"}
    page.route("**/api/deed", _answers(401, wanted))
    with page.expect_navigation(url="**/bff/login?acr_values=gold*"):
        page.evaluate(f"void ({_CALL})(['/api/deed', {{}}])")
    page.goto(f"{origin}{_PAGE}")
    assert _call(page, "/api/deed")["thrown"] == "StepUpRequired"


def test_page_may_ask_to_be_told_instead(page: Page) -> None:
    """`signIn: false` throws and stays."""
    page.route("**/api/thing", _answers(401, _LOGIN_REQUIRED))
    thrown = _call(page, "/api/thing", signIn=False)
    assert (thrown["thrown"], thrown["requestId"]) == ("LoginRequired", "r1")


def test_other_refusals_are_problems_and_no_reason_to_sign_in(page: Page) -> None:
    """A 401 of another kind, a 403, an answer that is no document: each is thrown as it is."""
    page.route("**/api/other", _answers(401, {"code": "token_expired"}))
    page.route("**/api/no", _answers(403, {"code": "csrf_failed"}))
    page.route("**/api/odd", lambda route: route.fulfill(status=418, body="<p>"))
    assert _call(page, "/api/other")["code"] == "token_expired"
    assert _call(page, "/api/no")["thrown"] == "Problem"
    assert _call(page, "/api/odd") | {} == {
        "thrown": "Problem",
        "code": "unknown",
        "status": 418,
        "requestId": None,
        "retryAfterS": None,
    }


def test_step_up_leads_to_the_sign_in_that_is_wanted_and_back_here(page: Page) -> None:
    """The problem's own address is followed, with the way back added."""
    wanted = {"code": "step_up_required", "login_url": "/bff/login?acr_values=gold"}
    page.route("**/api/thing", _answers(401, wanted))
    with page.expect_navigation(url="**/bff/login?*"):
        page.evaluate(f"void ({_CALL})(['/api/thing', {{}}])")
    assert "/bff/login?acr_values=gold&return_to=%2Fshown%2Faccount" in page.url


def test_outage_is_never_a_missing_sign_in(page: Page) -> None:
    """503 and a lost network are `Unavailable`; the page stays and may try again."""
    page.route("**/api/thing", _answers(503, {"code": "store_unavailable"}, {"Retry-After": "3"}))
    page.route("**/api/gone", lambda route: route.abort())
    down = _call(page, "/api/thing")
    assert (down["thrown"], down["code"], down["retryAfterS"]) == (
        "Unavailable",
        "store_unavailable",
        3,
    )
    gone = _call(page, "/api/gone")
    assert (gone["thrown"], gone["status"]) == ("Unavailable", 0)


def test_user_is_a_person_or_null(page: Page) -> None:
    """Asking who is signed in never sends anybody to sign in; an outage is neither answer."""
    page.route("**/bff/user", _answers(401, _LOGIN_REQUIRED))
    assert page.evaluate(_USER) is None
    page.route("**/bff/user", _answers(200, {"sub": "7d1f"}))
    assert page.evaluate(_USER) == {"sub": "7d1f"}
    page.route("**/bff/user", _answers(503, {"code": "store_unavailable"}))
    assert page.evaluate(f"({_USER})().catch(problem => problem.name)") == "Unavailable"


@pytest.mark.parametrize(
    ("status", "answer", "ends_at"),
    [
        (200, {"logout_url": "/bff/logout?sid=s1"}, "**/bff/logout?sid=s1"),
        (200, {"logout_url": None}, "*://*/"),
        (401, _LOGIN_REQUIRED, "*://*/"),
    ],
)
def test_sign_out_posts_and_leaves(page: Page, status: int, answer: object, ends_at: str) -> None:
    """It goes on where the answer says, else home; signed out already is signed out."""
    page.route("**/bff/logout", _answers(status, answer))
    page.route("**/bff/logout?*", lambda route: route.fulfill(body="out"))
    with page.expect_navigation(url=ends_at), page.expect_request("**/bff/logout") as posted:
        page.evaluate("void import('/static/bff/cloakroom.js').then(room => room.logout())")
    assert posted.value.method == "POST"
    assert posted.value.headers["x-csrf"] == "1"


def test_shell_shows_what_the_directory_said(page: Page, origin: str) -> None:
    """What it left out takes no place."""
    page.route("**/api/users/me", _answers(200, {"name": "<i>林</i>", "id": "42", "email": None}))
    page.goto(f"{origin}/shown/shell-signed-in")
    facts = page.locator("[data-when=answered]")
    facts.wait_for()
    assert facts.inner_text().split() == ["Name", "<i>林</i>", "Number", "42"]


def test_shell_says_when_the_session_is_over(page: Page, origin: str) -> None:
    """An API's "sign in first" on a page that greets somebody: it says so and offers the way."""
    page.route("**/api/users/me", _answers(401, _LOGIN_REQUIRED))
    page.goto(f"{origin}/shown/shell-signed-in")
    notice = page.locator("[data-when=ended]")
    notice.wait_for()
    assert notice.get_by_role("link").get_attribute("href") == (
        "/bff/login?return_to=/&ui_locales=en"
    )
    for part in page.locator("[data-while-signed-in]").all():
        assert not part.is_visible()


def test_shell_survives_an_outage_and_tries_again(page: Page, origin: str) -> None:
    """It says that nobody is signed out, and one button asks again."""
    page.route("**/api/users/me", _answers(503, {"code": "store_unavailable"}))
    page.goto(f"{origin}/shown/shell-signed-in")
    page.get_by_text("The directory is not answering just now. You are still signed in.").wait_for()
    page.unroute("**/api/users/me")
    page.get_by_role("button", name="Try again").click()
    page.locator("[data-when=answered]").wait_for()
    assert not page.get_by_role("button", name="Try again").is_visible()


def test_shell_says_when_the_network_is_gone_and_asks_again_by_itself(
    page: Page, origin: str
) -> None:
    """Back online, nobody needs to press anything."""
    page.goto(f"{origin}/shown/shell-signed-in")
    page.locator("[data-when=answered]").wait_for()
    page.route("**/api/users/me", lambda route: route.abort())
    page.evaluate("Object.defineProperty(navigator, 'onLine', { value: false })")
    page.locator("[data-retry]").dispatch_event("click")
    page.get_by_text("You seem to be offline.").wait_for()
    page.unroute("**/api/users/me")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.locator("[data-when=answered]").wait_for()


def test_session_ended_elsewhere_is_seen_without_asking(page: Page, origin: str) -> None:
    """The page that greets somebody says so as soon as it is told."""
    page.route("**/bff/events", _stream("active", "ended"))
    page.goto(f"{origin}/shown/shell-signed-in")
    page.locator("[data-when=ended]").wait_for()


def test_all_tabs_share_one_stream_and_hear_the_same(page: Page, origin: str) -> None:
    """A second tab opens no line of its own, and learns of the end from the first."""
    streams: list[Route] = []

    def hold(route: Route) -> None:
        streams.append(route)

    page.context.route("**/bff/events", hold)
    page.goto(f"{origin}/shown/shell-signed-in")
    page.locator("[data-when=answered]").wait_for()
    other = page.context.new_page()
    other.goto(f"{origin}/shown/shell-signed-in")
    other.locator("[data-when=answered]").wait_for()
    other.wait_for_function("navigator.locks.query().then(all => all.pending.length === 1)")
    assert len(streams) == 1
    _stream("ended")(streams[0])
    page.locator("[data-when=ended]").wait_for()
    other.locator("[data-when=ended]").wait_for()


def test_stream_that_is_refused_means_the_end_only_where_nobody_is_signed_in(
    page: Page, origin: str
) -> None:
    """After an outage the stream is asked for again; after a missing sign-in it is over."""
    page.clock.install()
    page.route("**/bff/events", _answers(503, {"code": "store_unavailable"}))
    page.route("**/bff/user?slide=false", _answers(503, {"code": "store_unavailable"}))
    with page.expect_response("**/bff/user?slide=false"):
        page.goto(f"{origin}/shown/shell-signed-in")
    page.locator("[data-when=answered]").wait_for()
    assert not page.locator("[data-when=ended]").is_visible()
    page.route("**/bff/events", _answers(401, _LOGIN_REQUIRED))
    page.route("**/bff/user?slide=false", _answers(401, _LOGIN_REQUIRED))
    with page.expect_response("**/bff/user?slide=false"):
        page.clock.run_for(6000)
    page.locator("[data-when=ended]").wait_for()


def test_listener_is_told_where_the_stronger_sign_in_is(page: Page) -> None:
    """The event comes as it was sent, address and all."""
    told = {"state": "step_up", "login_url": "/bff/login?acr_values=gold"}
    body = f"retry: 60000\nevent: session\ndata: {json.dumps(told)}\n\n"
    sent = {"Content-Type": "text/event-stream"}
    page.route("**/bff/events", lambda route: route.fulfill(body=body, headers=sent))
    heard = page.evaluate(
        "async () => { const { watch } = await import('/static/bff/watch.js');"
        " return new Promise((done) => watch(done)); }"
    )
    assert heard == told


def test_watching_stops_when_told(page: Page) -> None:
    """The line is given back."""
    page.evaluate(
        "async () => { const { watch } = await import('/static/bff/watch.js');"
        " window.stop = watch(() => {}); }"
    )
    held = "navigator.locks.query().then(all => all.held.length === %d)"
    page.wait_for_function(held % 1)
    page.evaluate("window.stop()")
    page.wait_for_function(held % 0)
