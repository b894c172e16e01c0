"""An upstream called from inside a view with the visitor's token, which no view ever sees."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from bff.extension import ApiMisused, Refused, Unavailable
from tests.support.fake_provider import TOKEN as TOKEN_ENDPOINT
from tests.support.fake_provider import says
from tests.support.ports import free_port
from tests.support.upstream import Answer
from tests.unit.bff.extension.conftest import TOKEN, Host

if TYPE_CHECKING:
    import httpx2

    from bff.sessions.model import Ticket
    from tests.support.upstream import Received, RecordingUpstream


def call(
    host: Host,
    upstream: RecordingUpstream,
    ticket: Ticket | None,
    method: str = "GET",
    path: str = "/thing",
    *,
    client: dict[str, Any] | None = None,
    times: int = 1,
    **more: Any,  # noqa: ANN401 - httpx2's keywords
) -> httpx2.Response:
    """Return the last reply to *times* calls within one request of *ticket*'s holder."""
    api = host.cloakroom.api(upstream.url, **(client or {}))
    headers = {"Cookie": f"session={ticket.encode()}"} if ticket is not None else {}
    with host.app.test_request_context(headers=headers):
        host.app.preprocess_request()
        replies = []
        for _ in range(times):
            replies.append(api.request(method, path, **more))
            if ticket is not None:  # what the request at hand goes on with is what is stored
                held = host.parts.current.require().tokens
                assert held == host.parts.store.load_tokens(ticket)
    return replies[-1]


def bearer(received: Received) -> str:
    """Return the token that the upstream got."""
    return received.values("Authorization")[0].removeprefix("Bearer ")


def says_401_to(stale: str, challenge: str = "Bearer") -> Any:  # noqa: ANN401 - an act
    """Return an upstream that refuses one token."""

    def answer(received: Received) -> Answer:
        if bearer(received) == stale:
            return Answer(401, [("WWW-Authenticate", challenge)], b"{}")
        return Answer()

    return answer


def test_upstream_gets_the_token_and_nothing_of_the_browser(
    host: Host, upstream: RecordingUpstream
) -> None:
    """Bearer, request id, traceparent; no cookie, and no Authorization of the view's own."""
    headers = {"Authorization": "Basic x", "Cookie": "a=b", "X-Mine": "1"}
    reply = call(host, upstream, host.sign_in(), headers=headers, params={"q": "a b"})
    received = upstream.received[0]
    assert received.values("Authorization") == [f"Bearer {TOKEN}"]
    assert received.values("Cookie") == []
    assert received.values("X-Mine") == ["1"]
    assert received.target in {b"/thing?q=a+b", b"/thing?q=a%20b"}
    request_id = received.values("X-Request-Id")[0]
    assert received.values("traceparent")[0].split("-")[1] == request_id
    assert reply.json() == {"ok": True}
    assert "authorization" not in reply.request.headers


def test_stranger_has_no_token(host: Host, upstream: RecordingUpstream) -> None:
    """Refused before anything is sent."""
    with pytest.raises(Refused) as refused:
        call(host, upstream, None)
    assert refused.value.problem.code == "login_required"
    assert upstream.received == []


def test_only_configured_origins_get_a_token(host: Host) -> None:
    """Another port is another origin."""
    api = host.cloakroom.api(f"http://127.0.0.1:{free_port()}")
    with host.app.test_request_context(), pytest.raises(ApiMisused, match="not in CLOAKROOM"):
        api.get("/thing")


@pytest.mark.parametrize("path", ["/a/../admin", "/a/%2e%2e/admin", "//evil", "/a%2Fb", "/a\\b"])
def test_ambiguous_path_is_400_and_never_sent(
    host: Host, upstream: RecordingUpstream, path: str
) -> None:
    """A path that was put together from what a visitor typed."""
    with pytest.raises(Refused) as refused:
        call(host, upstream, host.sign_in(), path=path)
    assert refused.value.problem.code == "uri_rejected"
    assert upstream.received == []


@pytest.mark.parametrize("path", ["thing", "http://evil.example/", "@evil.example/"])
def test_path_is_a_path(host: Host, upstream: RecordingUpstream, path: str) -> None:
    """What would change the host is a bug."""
    with pytest.raises(ApiMisused):
        call(host, upstream, host.sign_in(), path=path)


def test_token_near_expiry_is_renewed_once_a_request(
    host: Host, upstream: RecordingUpstream
) -> None:
    """Two calls in one request, one refresh; the next request has the new token, too."""
    ticket = host.sign_in(left_s=1)
    call(host, upstream, ticket, times=2)
    call(host, upstream, ticket)
    assert host.provider.asked(TOKEN_ENDPOINT) == 1
    tokens = {bearer(received) for received in upstream.received}
    assert len(tokens) == 1
    assert TOKEN not in tokens


def test_refused_token_is_renewed_and_the_call_repeated(
    host: Host, upstream: RecordingUpstream
) -> None:
    """Once, with the body, whatever the method; the view sees the second answer alone."""
    upstream.answer = says_401_to(TOKEN)
    reply = call(host, upstream, host.sign_in(), "POST", json={"a": 1})
    assert reply.status_code == 200
    assert [received.body for received in upstream.received] == [b'{"a":1}'] * 2
    assert host.provider.asked(TOKEN_ENDPOINT) == 1


def test_body_that_is_spent_is_not_repeated(host: Host, upstream: RecordingUpstream) -> None:
    """The upstream's 401 is the answer then."""
    upstream.answer = says_401_to(TOKEN)
    reply = call(host, upstream, host.sign_in(), "POST", content=iter([b"once"]))
    assert reply.status_code == 401
    assert len(upstream.received) == 1


def test_upstream_that_refuses_every_token_is_asked_twice(
    host: Host, upstream: RecordingUpstream
) -> None:
    """Never a loop; the visitor stays signed in."""
    upstream.answer = lambda _received: Answer(401, body=b"{}")
    ticket = host.sign_in()
    assert call(host, upstream, ticket).status_code == 401
    assert len(upstream.received) == 2
    assert host.parts.store.load(ticket) is not None


def test_challenge_for_a_stronger_sign_in_is_passed_on(
    host: Host, upstream: RecordingUpstream
) -> None:
    """RFC 9470: no refresh would help. The session's other pages hear of it too."""
    challenge = 'Bearer error="insufficient_user_authentication", acr_values="gold", max_age="5"'
    upstream.answer = says_401_to(TOKEN, challenge)
    ticket = host.sign_in()
    with host.overheard() as hear:
        with pytest.raises(Refused) as refused:
            call(host, upstream, ticket)
        assert hear() == f"{ticket.digest} step_up /bff/login?acr_values=gold&max_age=5"
    assert refused.value.problem.code == "step_up_required"
    assert refused.value.members["login_url"] == "/bff/login?acr_values=gold&max_age=5"
    assert host.provider.asked(TOKEN_ENDPOINT) == 0


def test_challenge_that_the_renewed_token_brings_to_light_is_passed_on(
    host: Host, upstream: RecordingUpstream
) -> None:
    """The first 401 was about the token alone; the second wants another sign-in."""
    challenge = 'Bearer error="insufficient_user_authentication", acr_values="gold"'

    def refuses_both(received: Received) -> Answer:
        first = TOKEN in bearer(received)
        return Answer(401, [] if first else [("WWW-Authenticate", challenge)], b"{}")

    upstream.answer = refuses_both
    with pytest.raises(Refused) as refused:
        call(host, upstream, host.sign_in())
    assert refused.value.problem.code == "step_up_required"
    assert len(upstream.received) == 2


def test_refused_refresh_ends_the_session(host: Host, upstream: RecordingUpstream) -> None:
    """``invalid_grant`` is a refusal."""
    host.provider.misbehave(TOKEN_ENDPOINT, says(400, {"error": "invalid_grant"}))
    ticket = host.sign_in(left_s=-1)
    with pytest.raises(Refused) as refused:
        call(host, upstream, ticket)
    assert refused.value.problem.code == "login_required"
    assert host.parts.store.load(ticket) is None


def test_silent_provider_keeps_the_session(host: Host, upstream: RecordingUpstream) -> None:
    """Unavailable is not refused."""
    host.provider.misbehave(TOKEN_ENDPOINT, *[says(503)] * 3)
    ticket = host.sign_in(left_s=-1)
    with pytest.raises(Unavailable) as outage:
        call(host, upstream, ticket)
    assert outage.value.problem.code == "provider_unavailable"
    assert host.parts.store.load(ticket) is not None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(503, [("Retry-After", "7")]), "upstream_unavailable"),
        (Answer(429), "upstream_unavailable"),
        (Answer(500), "upstream_bad_reply"),
        (Answer(raw=b""), "upstream_unreachable"),
        (Answer(raw=b"nonsense\r\n\r\n"), "upstream_unreachable"),
        (Answer(200, [("Content-Encoding", "gzip")], b"x"), "upstream_bad_reply"),
    ],
)
def test_failing_upstream_is_an_outage_with_its_code(
    host: Host, upstream: RecordingUpstream, answer: Answer, code: str
) -> None:
    """Never a bug's 500 of the view."""
    upstream.answer = lambda _received: answer
    with pytest.raises(Unavailable) as outage:
        call(host, upstream, host.sign_in(), "POST")
    assert outage.value.problem.code == code
    if answer.headers == [("Retry-After", "7")]:
        assert outage.value.retry_after_s == 7


def test_silence_ends_in_time(host: Host, upstream: RecordingUpstream) -> None:
    """Every wait is bounded, by the call itself if need be."""
    over = threading.Event()

    def dawdle(_received: Received) -> Answer:
        over.wait(60)
        return Answer()

    upstream.answer = dawdle
    with pytest.raises(Unavailable) as outage:
        call(host, upstream, host.sign_in(), timeout_s=0.1)
    over.set()
    assert outage.value.problem.code == "upstream_timeout"


def test_closed_door_is_unreachable(host: Host, upstream: RecordingUpstream) -> None:
    """Nobody listens."""
    ticket = host.sign_in()
    upstream.close()
    with pytest.raises(Unavailable) as outage:
        call(host, upstream, ticket)
    assert outage.value.problem.code == "upstream_unreachable"


@pytest.mark.parametrize("status", [200, 201, 204, 303, 400, 403, 404, 409])
def test_view_decides_on_every_other_status(
    host: Host, upstream: RecordingUpstream, status: int
) -> None:
    """Redirects among them: never followed."""
    upstream.answer = lambda _received: Answer(status, [("Location", "http://evil.example/")], b"")
    assert call(host, upstream, host.sign_in()).status_code == status
    assert len(upstream.received) == 1


def test_cookie_of_one_visitor_never_reaches_another(
    host: Host, upstream: RecordingUpstream
) -> None:
    """The upstream's Set-Cookie is the view's to read and nobody's to keep."""
    upstream.answer = lambda _received: Answer(headers=[("Set-Cookie", "who=ada")])
    assert call(host, upstream, host.sign_in()).headers["Set-Cookie"] == "who=ada"
    call(host, upstream, host.sign_in())
    assert upstream.received[1].values("Cookie") == []


@pytest.mark.rule("B-14")
@pytest.mark.parametrize("place", ["body", "header"])
def test_reply_that_echoes_the_token_is_blocked(
    host: Host, upstream: RecordingUpstream, place: str
) -> None:
    """A view might print it."""
    said = Answer(body=TOKEN.encode()) if place == "body" else Answer(headers=[("X-Echo", TOKEN)])
    upstream.answer = lambda _received: said
    with pytest.raises(Unavailable) as outage:
        call(host, upstream, host.sign_in())
    assert outage.value.problem.code == "upstream_bad_reply"


@pytest.mark.rule("B-35")
def test_token_for_another_audience_is_exchanged(host: Host, upstream: RecordingUpstream) -> None:
    """One exchange, kept in the session for the next request."""
    issued = "urn:ietf:params:oauth:token-type:access_token"
    host.provider.reply = {"issued_token_type": issued}
    ticket = host.sign_in()
    for _ in range(2):
        call(host, upstream, ticket, client={"audience": "https://billing.example.com"})
    exchanges = [f for f in host.provider.forms() if "token-exchange" in f["grant_type"]]
    assert len(exchanges) == 1
    assert exchanges[0]["audience"] == "https://billing.example.com"
    assert TOKEN not in {bearer(received) for received in upstream.received}


def test_own_token_of_the_application_needs_no_visitor(
    host: Host, upstream: RecordingUpstream
) -> None:
    """Client credentials, for work that is nobody's in particular."""
    call(host, upstream, None, client={"token": "client"}, times=2)
    assert [form["grant_type"] for form in host.provider.forms()] == ["client_credentials"]
    assert len(upstream.received) == 2
