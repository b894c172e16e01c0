"""S-021 … S-028, S-032, S-033: who finishes a sign-in is who began it, once, at this provider."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest

from tests.support.browser import exchange

if TYPE_CHECKING:
    from tests.support.forged_world import ForgedWorld

CALLBACK = "/bff/callback/forger"


def with_query(url: str, **changes: str | None) -> str:
    """Return *url* with parameters replaced, or taken away by None."""
    parts = urlsplit(url)
    query = {name: value[0] for name, value in parse_qs(parts.query).items()}
    given = {name: value for name, value in {**query, **changes}.items() if value is not None}
    return urlunsplit(parts._replace(query=urlencode(given)))


@pytest.mark.rule("S-021")
def test_callback_of_another_browser_signs_nobody_in(forged: ForgedWorld) -> None:
    """S-021: the attacker's finished sign-in, opened by a victim, is refused and stores nothing."""
    attacker, victim = forged.new_visitor(), forged.new_visitor()
    callback = forged.provider.authorize(attacker.begin())
    answer = victim.come_back(callback)
    assert answer.status == 400
    assert forged.provider.token_requests() == []
    assert forged.store.dump() == {}
    assert victim.ticket() is None


@pytest.mark.rule("B-04", "S-022")
def test_state_is_worth_something_in_its_own_browser_only(forged: ForgedWorld) -> None:
    """S-022: both browsers are mid-way; A's callback fails in B, and still works in A."""
    first, second = forged.new_visitor(), forged.new_visitor()
    callback = forged.provider.authorize(first.begin())
    second.begin()
    assert second.come_back(callback).status == 400
    assert first.come_back(callback, follow=True).status == 200
    assert first.user().status == 200
    assert forged.sessions.count() == 1


@pytest.mark.rule("B-04", "S-023")
def test_callback_works_once(forged: ForgedWorld) -> None:
    """S-023: a replayed callback creates no session and sends no code."""
    visitor = forged.new_visitor()
    callback = forged.provider.authorize(visitor.begin())
    assert visitor.come_back(callback).status in {200, 303}
    assert visitor.come_back(callback).status == 400
    assert len(forged.provider.token_requests()) == 1
    assert forged.sessions.count() == 1
    assert visitor.user().status == 200


@pytest.mark.rule("S-023")
def test_parallel_callbacks_make_one_session(forged: ForgedWorld) -> None:
    """S-023: twenty at once, each with the transaction cookie, still spend the code once."""
    visitor = forged.new_visitor()
    callback = forged.provider.authorize(visitor.begin())
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.jar.cookies.values())

    def arrive(_number: int) -> int:
        return exchange(callback, "GET", {"Cookie": cookies}).status

    with ThreadPoolExecutor(20) as pool:
        statuses = sorted(pool.map(arrive, range(20)))
    assert len(forged.provider.token_requests()) == 1
    assert [status for status in statuses if status < 400] == statuses[:1]
    assert all(400 <= status < 500 for status in statuses[1:]), statuses
    assert forged.sessions.count() == 1


@pytest.mark.rule("S-024")
@pytest.mark.parametrize(
    "query",
    [
        "error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E",
        "error=%3Cimg%20src=x%20onerror=alert(1)%3E&state=unknown",
        "error=server_error&state=",
        "code=x&state=unknown",
        "code=x",
        "state=x",
        "",
        "code=%00&state=%00",
        "code=x&state=%ff%fe",
    ],
)
def test_callback_without_our_state_is_refused_in_words(forged: ForgedWorld, query: str) -> None:
    """S-024: an unasked-for error page says ours, not theirs, and leaves the session alone."""
    visitor = forged.new_visitor()
    visitor.sign_in()
    sent = len(forged.provider.token_requests())
    answer = visitor.come_back(f"{visitor.bff_url}{CALLBACK}?{query}")
    assert answer.status == 400
    assert answer.is_html
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert len(forged.provider.token_requests()) == sent
    assert visitor.user().status == 200


@pytest.mark.rule("B-04")
def test_provider_error_with_our_state_ends_in_a_page_to_start_again(forged: ForgedWorld) -> None:
    """A refusal by the provider is told in words, and the state is spent."""
    visitor = forged.new_visitor()
    url = forged.provider.authorize(visitor.begin())
    refused = with_query(url, code=None, error="access_denied", error_description="<b>no</b>")
    answer = visitor.come_back(refused)
    assert answer.status in {400, 502, 503}
    assert answer.is_html
    assert "<b>no</b>" not in answer.text
    assert any("/bff/login" in link for link in answer.html.links)
    assert visitor.come_back(url).status == 400
    assert forged.provider.token_requests() == []


@pytest.mark.rule("B-05", "S-025")
def test_code_of_another_sign_in_does_not_fit_ours(forged: ForgedWorld) -> None:
    """S-025: a victim's code under the attacker's own state fails by its nonce."""
    victim, attacker = forged.new_visitor(), forged.new_visitor()
    stolen = forged.provider.authorize(victim.begin())
    own = forged.provider.authorize(attacker.begin())
    code = parse_qs(urlsplit(stolen).query)["code"][0]
    answer = attacker.come_back(with_query(own, code=code))
    assert answer.status in {400, 502}
    assert attacker.ticket() is None
    assert forged.store.dump() == {}


@pytest.mark.rule("B-03", "S-026")
def test_each_sign_in_has_its_own_verifier_and_nonce(forged: ForgedWorld) -> None:
    """S-026: PKCE is S256, fresh each time, and the verifier fits the challenge."""
    visitor = forged.new_visitor()
    urls = [visitor.begin(), visitor.begin()]
    queries = [parse_qs(urlsplit(url).query) for url in urls]
    assert all(query["code_challenge_method"] == ["S256"] for query in queries)
    for name in ("code_challenge", "state", "nonce"):
        assert queries[0][name] != queries[1][name]
    assert "client_secret" not in urls[0]
    visitor.come_back(forged.provider.authorize(urls[1]))
    assert len(forged.provider.token_requests()[0]["code_verifier"]) >= 43


@pytest.mark.rule("B-06", "S-028")
@pytest.mark.parametrize(
    "iss",
    [None, "https://evil.example", "http://127.0.0.1:1", "{issuer}/", " {issuer}", "{ISSUER}"],
)
def test_answer_of_another_issuer_is_refused(forged: ForgedWorld, iss: str | None) -> None:
    """S-028: a wrong or missing ``iss`` is a 400, and the code goes nowhere (RFC 9207 §2.4)."""
    issuer = forged.provider.issuer
    wrong = iss and iss.replace("{issuer}", issuer).replace("{ISSUER}", issuer.upper())
    visitor = forged.new_visitor()
    answer = visitor.come_back(forged.provider.authorize(visitor.begin(), iss=wrong))
    assert answer.status == 400
    assert forged.provider.token_requests() == []
    assert forged.store.dump() == {}


@pytest.mark.rule("S-018")
@pytest.mark.parametrize("name", ["code", "state", "iss"])
def test_callback_with_a_doubled_parameter_is_refused(forged: ForgedWorld, name: str) -> None:
    """S-018: two values of one parameter, equal or not, and the code is never sent."""
    visitor = forged.new_visitor()
    callback = forged.provider.authorize(visitor.begin())
    value = parse_qs(urlsplit(callback).query)[name][0]
    answer = visitor.come_back(f"{callback}&{urlencode({name: value})}")
    assert answer.status == 400
    assert forged.provider.token_requests() == []


@pytest.mark.rule("S-032")
def test_signing_in_as_another_ends_the_session_before(forged: ForgedWorld) -> None:
    """S-032: B's sign-in gives a new ticket; A's session is gone for good."""
    visitor = forged.new_visitor()
    visitor.sign_in("ada")
    before = visitor.ticket()
    visitor.sign_in("bob")
    assert visitor.ticket() != before
    assert visitor.user().json()["sub"] == "bob"
    assert forged.sessions.count() == 1
    old = exchange(
        f"{visitor.bff_url}/bff/user", "GET", {"Cookie": f"session={before}", "X-CSRF": "1"}
    )
    assert old.status == 401


@pytest.mark.rule("S-032")
def test_failed_sign_in_leaves_the_session_alone(forged: ForgedWorld) -> None:
    """S-032: whoever does not get in does not put anybody out."""
    visitor = forged.new_visitor()
    visitor.sign_in("ada")
    before = visitor.ticket()
    forged.provider.id_token = {"nonce": "wrong"}
    assert visitor.come_back(forged.provider.authorize(visitor.begin())).status in {400, 502}
    assert visitor.ticket() == before
    assert visitor.user().json()["sub"] == "ada"


@pytest.mark.rule("B-45", "S-033")
@pytest.mark.parametrize("path", ["/", "/bff/login?return_to=//evil.example", CALLBACK])
def test_no_page_of_the_sign_in_can_be_framed(forged: ForgedWorld, path: str) -> None:
    """S-033: frames are denied by policy on every page, errors included."""
    answer = forged.new_visitor().fetch_page(path)
    assert "frame-ancestors 'none'" in (answer.header("Content-Security-Policy") or "")


@pytest.mark.rule("S-033")
def test_a_foreign_frame_cannot_start_a_silent_sign_in(forged: ForgedWorld) -> None:
    """S-033: a sign-in that a foreign page starts inside a frame or an image goes nowhere."""
    for destination in ("iframe", "image", "empty", "script"):
        headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        url = f"{forged.bff.url}/bff/login?return_to=/&prompt=none"
        answer = exchange(url, "GET", {**headers, "Sec-Fetch-Dest": destination})
        assert answer.status in {400, 403}, destination
        assert answer.header_lines("Set-Cookie") == []
