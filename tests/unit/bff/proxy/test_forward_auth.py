"""`/bff/forward-auth`: who may ask, what is believed, and what is answered."""

from __future__ import annotations

import asyncio
import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client import CollectorRegistry

from bff.problems import LOGIN_REQUIRED, PROVIDER_UNAVAILABLE, Refused, Unavailable
from bff.proxy.access_log import AccessLog
from bff.proxy.authority import Authority
from bff.proxy.forward_auth import TRUSTED_PEER, ForwardAuth, host_of
from bff.proxy.limiter import Limiter
from bff.proxy.rates import RateLimit
from bff.proxy.routes import RouteTable
from bff.sessions.model import AccessToken, Ticket, TokenSet
from bff.settings import Frontend
from httpkit.client_address import is_trusted
from httpkit.metrics import HttpMetrics
from tests.support.served import ACCESS_TOKEN, COOKIE, PUBLIC_URL, route

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from bff.proxy.call import Call
    from bff.proxy.routes import Route

TICKET = Ticket.new()
SESSION = (b"cookie", f"{COOKIE.name}={TICKET.encode()}".encode())
OWN = [(b"x-csrf", b"1"), (b"sec-fetch-site", b"same-origin"), SESSION]
NGINX = [(b"x-original-method", b"GET"), (b"x-original-uri", b"/api/x?y=1")]
TRAEFIK = [(b"x-forwarded-method", b"GET"), (b"x-forwarded-uri", b"/api/x?y=1")]


class Desk:
    """Stands for the gateway's way to a token; fails as the test says."""

    def __init__(
        self, sub: str = "ada", failure: Exception | None = None, token_type: str = "Bearer"
    ) -> None:
        self.sub, self.failure, self.token_type = sub, failure, token_type

    async def find(
        self, _call: Call, route: Route, read_ticket: Callable[[], Ticket | None]
    ) -> Authority:
        """Return what the gateway would."""
        if self.failure is not None:
            raise self.failure
        if route.token.value == "none":
            return Authority()
        ticket = read_ticket()
        if ticket is None:
            raise Refused(LOGIN_REQUIRED)
        tokens = TokenSet(1, "sso", self.sub, {"": self._token()}, proof_key=b"k" * 32)
        return Authority(tokens.bound_token(), tokens, ticket, ticket)

    def _token(self) -> AccessToken:
        return AccessToken(ACCESS_TOKEN, 1, token_type=self.token_type)


class Answer:
    """What came back, and what was logged."""

    status = 0
    headers: dict[bytes, bytes]
    body = b""
    log = b""

    @property
    def code(self) -> str:
        """The problem's code."""
        return str(json.loads(self.body)["code"])


class Door:
    """A door with its log."""

    def __init__(
        self,
        desk: Desk | None = None,
        style: str = "headers",
        **more: Any,  # noqa: ANN401 - options
    ) -> None:
        self.lines: list[bytes] = []
        self.log = AccessLog(HttpMetrics(CollectorRegistry()), write=self.lines.append)
        self.itself = ForwardAuth(
            frontend=Frontend("", PUBLIC_URL, "", COOKIE.name, (), ()),
            style=style,
            routes=RouteTable(
                [
                    route("/api", "http://127.0.0.1:9", websocket=True),
                    route("/open", "http://127.0.0.1:9", token="none"),
                    route("/few", "http://127.0.0.1:9", **more),
                ]
            ),
            cookie=COOKIE,
            authorities=cast("Any", desk or Desk()),
            limiter=Limiter(),
            access_log=self.log,
        )


def ask(
    headers: list[tuple[bytes, bytes]],
    *,
    desk: Desk | None = None,
    style: str = "headers",
    path: bytes = b"/bff/forward-auth",
    method: str = "GET",
    trusted: bool = True,
    door: Door | None = None,
    client: str = "203.0.113.7",
) -> Answer:
    """Return the answer to one question."""
    answer, door = Answer(), door or Door(desk, style)
    scope: dict[str, Any] = {"method": method, "raw_path": path, "query_string": b""}
    scope |= {"headers": headers, TRUSTED_PEER: trusted, "client": (client, 1)}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = dict(message["headers"])
        else:
            answer.body += message["body"]

    async def serve() -> None:
        await door.itself.serve(scope, send)
        door.log.close()

    assert door.itself.is_asked(path)
    asyncio.run(serve())
    answer.log = b"".join(door.lines)
    assert ACCESS_TOKEN.encode() not in answer.log
    if answer.status != 200:
        assert b"authorization" not in answer.headers
        told = answer.headers.get(b"x-auth-problem", answer.body)
        assert json.loads(told) == json.loads(answer.body)
        assert json.loads(told)["status"] == answer.status
    return answer


@pytest.mark.parametrize("told", [NGINX, TRAEFIK])
def test_trusted_peers_get_the_token(told: list[tuple[bytes, bytes]]) -> None:
    """200 with bearer, subject and the session's public id; nothing may keep it."""
    answer = ask([*told, *OWN])
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers[b"authorization"] == f"Bearer {ACCESS_TOKEN}".encode()
    assert answer.headers[b"x-auth-subject"] == b"ada"
    assert answer.headers[b"x-auth-session"] == TICKET.public_id.encode()
    assert answer.headers[b"cache-control"] == b"private, no-store"


def test_a_token_that_needs_a_proof_is_not_handed_out() -> None:
    """Its proof would have to name a request that another program makes: 403 in plain words."""
    answer = ask([*NGINX, *OWN], desk=Desk(token_type="DPoP"))
    assert (answer.status, answer.code) == (403, "token_bound")


@pytest.mark.rule("S-059")
def test_nobody_else_may_ask() -> None:
    """An untrusted peer, or a gateway that is closed to all: 403, whatever is claimed."""
    answers = [ask([*NGINX, *OWN], trusted=False), ask([*NGINX, *OWN], style="off")]
    for answer in answers:
        assert (answer.status, answer.code) == (403, "origin_denied")
    networks = [ip_network("10.0.0.0/8")]
    assert is_trusted("10.1.2.3", networks)
    assert not is_trusted("127.0.0.1", networks)
    assert not is_trusted("unknown", networks)


@pytest.mark.rule("S-059")
@pytest.mark.parametrize(
    "told",
    [
        [],
        NGINX[:1],
        NGINX[1:],
        [*NGINX, *TRAEFIK],
        [*TRAEFIK, (b"x-original-uri", b"/open/x")],
        [*NGINX, (b"x-original-uri", b"/open/x")],
        [*NGINX, (b"x-forwarded-method", b"GET")],
        [NGINX[0], TRAEFIK[1]],
        [NGINX[0], (b"x_original_uri", b"/api/x")],
    ],
)
@pytest.mark.rule("S-059")
def test_what_is_told_twice_or_by_halves_is_refused(told: list[tuple[bytes, bytes]]) -> None:
    """S-059: a client's own lines beside the proxy's decide nothing."""
    answer = ask([*told, *OWN])
    assert (answer.status, answer.code) == (403, "origin_denied")


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        (b"/api/../open/x", "uri_rejected"),
        (b"/api/%2e%2e/open", "uri_rejected"),
        (b"//api/x", "uri_rejected"),
        (b"/api/x#/open/x", "uri_rejected"),
        (b"/api/x?a#/open/x", "uri_rejected"),
        (b"http://app.example.com/api/x", "uri_rejected"),
        (b"/elsewhere", "route_not_found"),
        (b"/bff/user", "route_not_found"),
    ],
)
@pytest.mark.rule("S-054", "S-058")
def test_paths_are_judged_as_those_of_proxied_calls(uri: bytes, code: str) -> None:
    """403 with the code of the refusal: proxies know no other status."""
    answer = ask([NGINX[0], (b"x-original-uri", uri), *OWN])
    assert (answer.status, answer.code) == (403, code)


@pytest.mark.rule("S-058", "S-060")
@pytest.mark.parametrize(
    "uri", [b"/api/healthz", b"/api/livez", b"/api/x?/open/x", b"/api/x?path=/open/"]
)
@pytest.mark.rule("S-058", "S-060")
def test_no_user_agent_and_no_query_opens(uri: bytes) -> None:
    """S-058, S-060: health checks and queries that look like an open route are anonymous."""
    lines = [(b"x-csrf", b"1"), (b"user-agent", b"GoogleHC/1.0 kube-probe/1.31")]
    answer = ask([NGINX[0], (b"x-original-uri", uri), *lines])
    assert (answer.status, answer.code) == (401, "login_required")
    assert json.loads(answer.body)["login_url"] == "/bff/login"


def test_open_routes_carry_nothing() -> None:
    """``token = "none"``: allowed, and nobody is named."""
    answer = ask([NGINX[0], (b"x-original-uri", b"/open/x"), *OWN])
    assert answer.status == 200
    assert not {b"authorization", b"x-auth-subject", b"x-auth-session"} & set(answer.headers)


NAVIGATE = (b"sec-fetch-mode", b"navigate")
NONE = (b"sec-fetch-site", b"none")
ORIGIN = (b"origin", PUBLIC_URL.encode())


@pytest.mark.parametrize(
    ("method", "lines", "status"),
    [
        ("GET", [NAVIGATE, NONE], 200),
        ("HEAD", [NAVIGATE, (b"sec-fetch-site", b"same-origin")], 200),
        ("POST", [NAVIGATE, NONE], 403),
        ("GET", [NAVIGATE], 403),
        ("GET", [NONE], 403),
        ("GET", [NAVIGATE, (b"sec-fetch-site", b"cross-site")], 403),
        ("GET", [NAVIGATE, (b"sec-fetch-site", b"same-site")], 403),
        ("GET", [NAVIGATE, NAVIGATE, NONE], 403),
        ("GET", [NAVIGATE, NONE, (b"origin", b"https://evil.example")], 403),
        ("GET", [(b"sec-fetch-mode", b"no-cors"), NONE], 403),
        ("GET", [ORIGIN], 200),
        ("POST", [ORIGIN], 403),
        ("GET", [ORIGIN, ORIGIN], 403),
        ("POST", [(b"x-csrf", b"1"), ORIGIN], 200),
        ("GET", [(b"x-csrf", b"1"), (b"x-csrf", b"1")], 403),
        ("GET", [], 403),
    ],
)
def test_only_own_pages_visits_and_sockets_pass(
    method: str, lines: list[tuple[bytes, bytes]], status: int
) -> None:
    """Scripts carry X-CSRF; a visit is marked by the browser; a handshake names our Origin."""
    told = [(b"x-original-method", method.encode()), NGINX[1]]
    answer = ask([*told, SESSION, *lines])
    assert answer.status == status
    if status == 403:
        assert answer.code == "csrf_failed"


def test_envoy_tells_by_the_path_alone() -> None:
    """Method and target are those of the question; headers that name others are refused."""
    beneath = b"/bff/forward-auth/api/x"
    assert (ask(OWN, style="path", path=beneath, method="POST")).status == 200
    assert (ask([*NGINX, *OWN], style="path", path=beneath)).status == 403
    assert (ask([*NGINX, *OWN], style="path")).status == 403
    refused = ask(OWN, style="path", path=b"/bff/forward-auth/api/%2e%2e/x")
    assert (refused.status, refused.code) == (403, "uri_rejected")


def test_methods_and_outages_keep_to_three_statuses() -> None:
    """403 for a method; 503 with Retry-After for an outage; a bug opens nothing."""
    answer = ask([(b"x-original-method", b"TRACE"), NGINX[1], *OWN])
    assert (answer.status, answer.code) == (403, "method_not_allowed")
    outage = Desk(failure=Unavailable(PROVIDER_UNAVAILABLE))
    answer = ask([*NGINX, *OWN], desk=outage)
    assert (answer.status, answer.code) == (503, "provider_unavailable")
    assert int(answer.headers[b"retry-after"]) > 0
    answer = ask([*NGINX, *OWN], desk=Desk(failure=KeyError("bug")))
    assert answer.status == 500


@pytest.mark.rule("S-068")
def test_two_subjects_never_look_alike() -> None:
    """What a header cannot carry is escaped, and the escape itself too."""
    subs = ["a b", "a%20b", "a\r\nx-auth-session: z", "é"]
    told = [(ask([*NGINX, *OWN], desk=Desk(s))).headers[b"x-auth-subject"] for s in subs]
    assert told == [b"a%20b", b"a%2520b", b"a%0D%0Ax-auth-session:%20z", b"%C3%A9"]


def test_only_a_trusted_proxy_names_the_front_end() -> None:
    """`X-Forwarded-Host` selects it for questions of trusted peers, once; else `Host` does."""
    lines = [(b"host", b"inner"), (b"x-forwarded-host", b"shop.example.com")]
    scope: dict[str, Any] = {"headers": lines, "raw_path": b"/bff/forward-auth"}
    assert host_of(scope) == b"inner"
    assert host_of({**scope, TRUSTED_PEER: True}) == b"shop.example.com"
    assert host_of({**scope, TRUSTED_PEER: True, "raw_path": b"/api/x"}) == b"inner"
    assert host_of({**scope, TRUSTED_PEER: True, "headers": [*lines, lines[1]]}) == b"inner"


@pytest.mark.rule("S-036", "S-041")
def test_remembered_ticket_is_no_remembered_session() -> None:
    """The same cookies again: the session is asked for anew, and two tickets are still nobody."""
    desk = Desk()
    door = Door(desk)
    for _ in range(2):
        assert ask([*NGINX, *OWN], door=door).status == 200
    desk.failure = Refused(LOGIN_REQUIRED)
    assert ask([*NGINX, *OWN], door=door).status == 401
    desk.failure = None
    assert ask([*NGINX, *OWN, SESSION], door=door).status == 401


FEW = [(b"x-original-method", b"GET"), (b"x-original-uri", b"/few/x")]


def test_rates_are_counted_at_the_question() -> None:
    """A session's quota holds for calls that a proxy carries: 429 with the headers of a quota."""
    door = Door(rate_limits=(RateLimit("session", 2, 60),))
    passed = [ask([*FEW, *OWN], door=door) for _ in range(2)]
    assert [answer.status for answer in passed] == [200, 200]
    assert passed[1].headers[b"ratelimit"].startswith(b'"session";r=0;t=')
    assert passed[1].headers[b"ratelimit-policy"] == b'"session";q=2;w=60'
    refused = ask([*FEW, *OWN], door=door)
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert int(refused.headers[b"retry-after"]) > 0
    assert refused.headers[b"ratelimit-policy"] == b'"session";q=2;w=60'
    other = f"{COOKIE.name}={Ticket.new().encode()}".encode()
    assert ask([*FEW, *OWN[:2], (b"cookie", other)], door=door).status == 200
    assert ask([*NGINX, *OWN], door=door).status == 200  # another route, without limits


def test_addresses_are_counted_as_the_proxy_tells_them() -> None:
    """The client's address has the quota, not the proxy's; a household of IPv6 is one."""
    door = Door(rate_limits=(RateLimit("address", 1, 60),), token="none")
    clients = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2"]
    answers = [ask([*FEW, *OWN], door=door, client=client).status for client in clients]
    assert answers == [200, 200, 429, 200, 429]
