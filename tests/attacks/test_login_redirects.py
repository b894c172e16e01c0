"""S-001 … S-013: nobody is sent from our sign-in to a foreign place."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pytest

from tests.support.browser import exchange
from tests.support.foreign import whatwg_origin

if TYPE_CHECKING:
    from tests.support.forged_world import ForgedWorld

# Each is the decoded value of return_to; it travels percent-encoded.
PAYLOADS = [
    # S-001
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "//evil.example/%2e%2e",
    # S-002
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/%5cevil.example",
    "/%2f/evil.example",
    # S-003
    "/\t/evil.example",
    "/\n/evil.example",
    "/\x0b\\evil.example",
    "/\r/evil.example",
    " //evil.example",
    "\x01//evil.example",
    "\t//evil.example",
    "/%09/evil.example",
    "/\x00/evil.example",
    # S-004
    "/./\\evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/a/../\\evil.example",
    "/%2e//evil.example",
    "/%2e%2e//evil.example",
    # S-005, S-006, S-008
    "https://localhost@evil.example/",
    "https://localhost\\@evil.example/",
    "https://evil.example#@localhost/",
    "https://localhost.evil.example/",
    "https://evillocalhost/",
    "https://localhost./",
    "http://localhost:1/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "http:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "evil.example",
    "@evil.example",
    ":80/x",
    "?//evil.example",
    "#//evil.example",
    # S-007
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\u3002evil.example",
    "//evil\u3002example",
    "/\u202e/elpmaxe.live",
    "/\u2028/evil.example",
    "//xn--80ak6aa92e.example",
    # S-009
    "%2f%2fevil.example",
    "%252f%252fevil.example",
    "/%252f/evil.example",
    # S-010
    "/\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:%20a=b",
    "/\r\n\r\n<script>alert(1)</script>",
    '/"><script>alert(1)</script>',
    "/'; url=https://evil.example",
    "/;url=https://evil.example",
]


@pytest.mark.rule(
    "B-37", "S-001", "S-002", "S-003", "S-004", "S-005", "S-006", "S-007", "S-008", "S-009"
)
@pytest.mark.parametrize("payload", PAYLOADS, ids=[ascii(payload) for payload in PAYLOADS])
def test_sign_in_never_lands_on_a_foreign_origin(forged: ForgedWorld, payload: str) -> None:
    """A hostile return_to is refused at once, or harmless when a browser reads it."""
    visitor = forged.new_visitor()
    asked = visitor.fetch_page("/bff/login?return_to=" + quote(payload, safe=""))
    if asked.status == 400:
        assert asked.header("Location") is None
        assert forged.store.dump() == {}
        return
    assert asked.status == 303
    landing = visitor.come_back(forged.provider.authorize(asked.location))
    onward = landing.html.moves_on_to if landing.is_html else landing.header("Location")
    assert onward is not None
    assert "<script>alert" not in landing.text
    assert "a=b" not in str(landing.header_lines("Set-Cookie"))
    assert whatwg_origin(onward, landing.url) == visitor.bff_url
    # Nor may the next hop of ours hand the visitor on.
    following = visitor.open(urljoin(landing.url, onward), follow=False)
    assert whatwg_origin(following.header("Location") or "/", following.url) == visitor.bff_url


@pytest.mark.rule("S-009")
@pytest.mark.parametrize(
    "query",
    [
        "return_to=/a&return_to=//evil.example",
        "return_to=/a&return_to=/b",
        "return_to=/a&provider=forger&provider=other",
        "return_to[]=//evil.example&return_to=/a&return_to=/c",
    ],
)
def test_repeated_parameters_are_refused(forged: ForgedWorld, query: str) -> None:
    """S-009: of two values none is right."""
    asked = forged.new_visitor().fetch_page(f"/bff/login?{query}")
    assert asked.status == 400
    assert asked.header("Location") is None


@pytest.mark.rule("S-010")
@pytest.mark.parametrize("where", ["/bff/login?return_to=", "/bff/callback/forger?error="])
def test_line_breaks_never_become_headers(forged: ForgedWorld, where: str) -> None:
    """S-010: an encoded CRLF stays what it is, or is refused."""
    answer = exchange(forged.bff.url + where + "/%0d%0aSet-Cookie:%20evil=1%0d%0aX-Evil:%201")
    assert answer.status == 400
    assert answer.header("X-Evil") is None
    assert not any(line.startswith("evil=") for line in answer.header_lines("Set-Cookie"))


@pytest.mark.rule("B-13", "S-011")
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "1"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"X-Original-Host": "evil.example", "X-Host": "evil.example"},
        {"X-Forwarded-Prefix": "/evil.example"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_redirect_uri_is_the_configured_one(forged: ForgedWorld, headers: dict[str, str]) -> None:
    """S-011: whatever the request says of its host, the provider hears the configured origin."""
    answer = exchange(f"{forged.bff.url}/bff/login?return_to=/", "GET", headers)
    if answer.status in {400, 421}:
        return
    assert answer.status == 303
    asked = parse_qs(urlsplit(answer.location).query)
    assert asked["redirect_uri"] == [f"{forged.bff.url}/bff/callback/forger"]
    assert "evil.example" not in answer.seen()


@pytest.mark.rule("S-012")
@pytest.mark.parametrize("target", ["/bff/logout", "/bff/login", "/bff/callback/forger", "/bff/"])
def test_sign_in_does_not_land_on_its_own_machinery(forged: ForgedWorld, target: str) -> None:
    """S-012: after the sign-in the visitor stands on a page, signed in, without a loop."""
    visitor = forged.new_visitor()
    asked = visitor.fetch_page(f"/bff/login?return_to={quote(target, safe='')}")
    if asked.status == 400:
        return
    visitor.come_back(forged.provider.authorize(asked.location), follow=True)
    assert urlsplit(visitor.here).path in {"/", "/bff/"}
    assert visitor.user().status == 200


@pytest.mark.rule("S-013")
@pytest.mark.parametrize("payload", ["/" + "a" * 65_536, "%ff%fe", "/%", "/%zz", "/\ud800"])
def test_unreadable_return_to_is_harmless(forged: ForgedWorld, payload: str) -> None:
    """S-013: neither size nor nonsense is stored, redirected or fatal."""
    raw = "".join(
        f"%{byte:02x}" if byte > 127 else chr(byte)
        for byte in payload.encode("utf-8", "surrogatepass")
    )
    answer = exchange(f"{forged.bff.url}/bff/login?return_to={raw}")
    assert answer.status in {303, 400, 414, 431}
    if len(payload) > 60_000:
        assert answer.status != 303
    assert forged.store.dump() == {}


def test_return_to_keeps_query_and_fragment(forged: ForgedWorld) -> None:
    """What is honest arrives whole: path, query, fragment, and the encoding of each."""
    visitor = forged.new_visitor()
    wanted = "/?a=1&b=%2F%2Fx&c=%E5%BC%A0#part-2"
    asked = visitor.fetch_page("/bff/login?return_to=" + quote(wanted, safe=""))
    landing = visitor.come_back(forged.provider.authorize(asked.location))
    assert landing.html.moves_on_to is not None
    assert urljoin(landing.url, landing.html.moves_on_to) == visitor.bff_url + wanted
