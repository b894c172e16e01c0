"""S-047 … S-052: a foreign page can make no request that counts, and sign nobody out."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import exchange

if TYPE_CHECKING:
    from tests.support.browser import Response
    from tests.support.forged_world import ForgedVisitor, ForgedWorld

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Headers = list[tuple[str, str]]


@pytest.fixture
def victim(forged: ForgedWorld) -> ForgedVisitor:
    """A browser that is signed in, with nothing recorded yet."""
    visitor = forged.new_visitor()
    visitor.sign_in()
    forged.upstream.received.clear()
    return visitor


def send(
    victim: ForgedVisitor, method: str, path: str, headers: Headers, body: bytes | None = None
) -> Response:
    """Send exactly this with the victim's cookie, as if SameSite did not exist."""
    lines = [("Cookie", f"session={victim.ticket()}"), *headers]
    return exchange(victim.bff_url + path, method, lines, body)


def refused(answer: Response, *, body: bool = True) -> bool:
    """Tell whether *answer* is the CSRF refusal."""
    coded = not body or answer.json()["code"] in {"csrf_failed", "origin_denied"}
    return answer.status == 403 and coded and not answer.header_lines("Set-Cookie")


WRONG_HEADERS: dict[str, Headers] = {
    "none": [],
    "empty": [("X-CSRF", "")],
    "0": [("X-CSRF", "0")],
    "true": [("X-CSRF", "true")],
    "11": [("X-CSRF", "11")],
    "1, 1": [("X-CSRF", "1, 1")],
    "twice": [("X-CSRF", "1"), ("X-CSRF", "1")],
    "1 and 0": [("X-CSRF", "1"), ("X-CSRF", "0")],
    "underscore": [("X_CSRF", "1")],
    "in the query": [],
}


@pytest.mark.rule("B-24", "S-047")
@pytest.mark.parametrize("headers", WRONG_HEADERS.values(), ids=WRONG_HEADERS)
def test_calls_without_the_exact_header_are_refused(
    forged: ForgedWorld, victim: ForgedVisitor, headers: Headers
) -> None:
    """S-047: ``X-CSRF`` is exactly ``1``, on every method, or nothing of the request is read."""
    for method in METHODS:
        answer = send(victim, method, "/api/thing?X-CSRF=1", headers)
        assert refused(answer, body=method != "HEAD"), method
    assert forged.upstream.received == []


@pytest.mark.rule("B-23", "S-047")
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_simple_cross_site_posts_are_refused(
    forged: ForgedWorld, victim: ForgedVisitor, kind: str
) -> None:
    """S-047: what a form can send without asking is never enough."""
    for path in ("/api/thing", "/bff/logout"):
        headers = [("Content-Type", kind), ("Origin", "https://evil.example")]
        assert refused(send(victim, "POST", path, headers, b"X-CSRF=1&csrf_token=x")), path
    assert forged.upstream.received == []
    assert victim.user().status == 200


FOREIGN: dict[str, Headers] = {
    "cross-site": [("Sec-Fetch-Site", "cross-site")],
    "same-site": [("Sec-Fetch-Site", "same-site")],
    "invented": [("Sec-Fetch-Site", "same-planet")],
    "origin null": [("Origin", "null")],
    "origin foreign": [("Origin", "https://evil.example")],
    "origin sibling": [("Origin", "http://evil.localhost")],
    "origin other port": [("Origin", "http://localhost:1")],
    "origin with the address inside": [("Origin", "{public_url}.evil.example")],
    "origin with a path": [("Origin", "{public_url}/")],
    "origin in capitals": [("Origin", "{PUBLIC_URL}")],
    "origin twice": [("Origin", "{public_url}"), ("Origin", "https://evil.example")],
    "origin empty": [("Origin", "")],
}


@pytest.mark.rule("B-25", "B-27", "S-049")
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_calls_from_elsewhere_are_refused(
    forged: ForgedWorld, victim: ForgedVisitor, headers: Headers
) -> None:
    """S-049: neither a sibling subdomain, nor an opaque origin, nor a spelling of ours gets in."""
    url = victim.bff_url
    spelt = [
        (name, value.replace("{public_url}", url).replace("{PUBLIC_URL}", url.upper()))
        for name, value in headers
    ]
    for method, path in itertools.product(METHODS, ["/api/thing", "/public/thing"]):
        answer = send(victim, method, path, [("X-CSRF", "1"), *spelt])
        assert refused(answer, body=method != "HEAD"), (method, path)
    for method, path in (("GET", "/bff/user"), ("POST", "/bff/logout")):
        assert refused(send(victim, method, path, [("X-CSRF", "1"), *spelt])), path
    assert forged.upstream.received == []
    assert victim.user().status == 200


def test_calls_of_our_own_page_pass(forged: ForgedWorld, victim: ForgedVisitor) -> None:
    """The tables above fail for their one fault: the page's own call goes through."""
    own = [("X-CSRF", "1"), ("Origin", victim.bff_url), ("Sec-Fetch-Site", "same-origin")]
    for method in METHODS:
        assert send(victim, method, "/api/thing", own).status == 200
    assert len(forged.upstream.received) == len(METHODS)


OVERRIDES: Headers = [
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-HTTP-Method", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X_HTTP_Method_Override", "DELETE"),
]


@pytest.mark.rule("S-048")
@pytest.mark.parametrize("override", OVERRIDES, ids=[name for name, _ in OVERRIDES])
def test_method_overrides_are_ignored_and_not_passed_on(
    forged: ForgedWorld, victim: ForgedVisitor, override: tuple[str, str]
) -> None:
    """S-048: a GET stays a GET here and upstream."""
    assert send(victim, "GET", "/api/thing", [("X-CSRF", "1"), override]).status == 200
    assert forged.upstream.last.method == "GET"
    assert b"DELETE" not in forged.upstream.last.raw()
    answer = send(victim, "GET", "/bff/user?_method=POST", [("X-CSRF", "1"), override])
    assert answer.status == 200


@pytest.mark.rule("B-26", "S-050")
@pytest.mark.parametrize("path", ["/bff/user", "/bff/logout", "/api/thing", "/public/thing"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_no_origin_is_ever_let_in_by_cors(
    forged: ForgedWorld, victim: ForgedVisitor, path: str, method: str
) -> None:
    """S-050: no probe finds an ``Access-Control-Allow-…`` header, not even on refusals."""
    probes = ["https://evil.example", "null", victim.bff_url]
    for origin in probes:
        asked = [("Origin", origin), ("Access-Control-Request-Method", "POST")]
        answer = send(victim, method, path, [*asked, ("Access-Control-Request-Headers", "x-csrf")])
        allowed = [name for name, _ in answer.headers if name.lower().startswith("access-control")]
        assert allowed == [], (origin, answer.status)
        assert answer.status < 500


@pytest.mark.rule("S-051")
def test_cross_origin_websocket_is_refused(forged: ForgedWorld, victim: ForgedVisitor) -> None:
    """S-051: an upgrade from a foreign page is refused, and the upstream hears nothing."""
    upgrade = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Origin", "https://evil.example"),
    ]
    answer = send(victim, "GET", "/api/socket", upgrade)
    assert answer.status in {403, 501}
    assert forged.upstream.received == []


@pytest.mark.rule("S-052")
@pytest.mark.parametrize("query", ["", "?sid=", "?sid=guess", "?sid=1&sid=2", "?csrf_token=x"])
@pytest.mark.parametrize("destination", ["image", "iframe", "document"])
def test_nobody_is_signed_out_from_elsewhere(
    forged: ForgedWorld, victim: ForgedVisitor, query: str, destination: str
) -> None:
    """S-052: an image, a frame or a link to the sign-out leaves the session as it was."""
    foreign = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Dest", destination)]
    for headers in (foreign, []):
        answer = send(victim, "GET", f"/bff/logout{query}", headers)
        assert answer.status in {400, 403}
        assert answer.header_lines("Set-Cookie") == []
    assert victim.user().status == 200
    assert forged.sessions.count() == 1


@pytest.mark.rule("B-28")
def test_form_sign_out_needs_the_token_of_this_browser(
    forged: ForgedWorld, victim: ForgedVisitor
) -> None:
    """A form without a token, with an empty or a foreign one, signs nobody out."""
    other = forged.new_visitor()
    other.sign_in("bob")
    forms = [
        form for form in other.open(other.bff_url + "/").html.forms if "csrf_token" in form.fields
    ]
    foreign = forms[0].fields["csrf_token"]
    form = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", victim.bff_url)]
    for token in (
        "",
        "csrf_token=",
        f"csrf_token={foreign}",
        "csrf_token=%ff",
        "csrf_token=a&csrf_token=b",
    ):
        assert send(victim, "POST", "/bff/logout", form, token.encode()).status == 403, token
    assert victim.user().status == 200
