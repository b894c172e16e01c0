"""Questions of forward-auth about blocks of headers that were answered before."""

from __future__ import annotations

import json
from concurrent.futures import Future
from contextlib import contextmanager
from ipaddress import ip_network
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from prometheus_client import CollectorRegistry

from bff.proxy.access_log import AccessLog
from bff.proxy.authority import Authorities
from bff.proxy.call import Call
from bff.proxy.edge_worker import EdgeTerms
from bff.proxy.forward_auth import TRUSTED_PEER, ForwardAuth
from bff.proxy.forward_shortcut import Question, Shortcut
from bff.proxy.limiter import Limiter
from bff.proxy.rates import RateLimit
from bff.proxy.routes import RouteTable
from bff.settings import Frontend
from httpkit.client_address import remembering
from httpkit.metrics import HttpMetrics
from tests.support.served import ACCESS_TOKEN, COOKIE, PUBLIC_URL, Desk, Served, route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from bff.proxy.gateway import Scope
    from bff.proxy.relay import Receive, Send
    from bff.sessions.model import Ticket, TokenSet
    from tests.support.wire import Message, Wire

IS_OURS = remembering([ip_network("127.0.0.0/8")])


class Office:
    """A door on a real server before a real store; counts what went the ordinary way."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.reader = desk.reader(desk.url)
        self.ordinary = 0
        self.is_fresh = True
        self.is_trusted = True
        self.itself: ForwardAuth

    def make(self, log_lines: list[bytes]) -> tuple[Any, Callable[[], Awaitable[None]]]:
        """Return what stands behind the edge, and what closes it."""
        limited = (RateLimit("session", 1, 600),)
        log = AccessLog(HttpMetrics(CollectorRegistry()), write=log_lines.append)
        self.itself = ForwardAuth(
            frontend=Frontend("", PUBLIC_URL, "", COOKIE.name, (), ()),
            style="headers",
            routes=RouteTable(
                [
                    route("/api", "http://127.0.0.1:9", methods=frozenset({"GET", "PUT"})),
                    route("/few", "http://127.0.0.1:9", rate_limits=limited),
                    route("/open", "http://127.0.0.1:9", token="none"),
                ]
            ),
            cookie=COOKIE,
            authorities=Authorities(
                self.reader,
                fresh_set_for=self.fresh_set_for,
                is_fresh=lambda _tokens, _target: self.is_fresh,
                client_token_for=cast("Any", None),
                replacement_for=cast("Any", None),
                tell_step_up=cast("Any", None),
            ),
            limiter=Limiter(),
            access_log=log,
        )

        async def close() -> None:
            log.close()
            await self.reader.close()

        return self, close

    async def fresh_set_for(self, _ticket: Ticket, tokens: TokenSet, _target: str) -> TokenSet:
        """Return *tokens*."""
        return tokens

    async def take(self, scope: Scope, _receive: Receive, send: Send) -> bool:
        """Answer one question as a worker has it answered."""
        self.ordinary += 1
        peer = scope["client"][0]
        asker = peer if self.is_trusted and IS_OURS(peer) else ""
        await self.itself.serve({**scope, TRUSTED_PEER: asker}, send)
        return True


@pytest.fixture
def office(desk: Desk) -> Office:
    """A door that is not open yet."""
    return Office(desk)


@contextmanager
def opened(office: Office) -> Iterator[tuple[Served, Wire]]:
    """Open *office* and connect to it as a proxy does."""
    served = Served(office.make, EdgeTerms(), [])
    try:
        with served.wire() as wire:
            yield served, wire
    finally:
        served.stop()


def question(ticket: Ticket, uri: str = "/api/x", method: str = "GET", more: str = "") -> bytes:
    """Return what nginx asks."""
    return (
        f"GET /bff/forward-auth HTTP/1.1\r\nX-Original-Method: {method}\r\nX-Original-URI: {uri}"
        f"\r\nHost: app.example.com\r\nX-CSRF: 1\r\n{more}"
        f"Cookie: {COOKIE.name}={ticket.encode()}\r\n\r\n"
    ).encode()


def ask(wire: Wire, sent: bytes) -> Message:
    """Return the answer to *sent*."""
    wire.send(sent)
    return wire.message()


def test_the_second_question_is_answered_as_the_first(office: Office) -> None:
    """About whatever call: the same token and names, an id of its own, a line in the log."""
    ticket = office.desk.sign_in()
    with opened(office) as (served, wire):
        first = ask(wire, question(ticket))
        others = [ask(wire, question(ticket, f"/api/{n}?q=%2F", "PUT")) for n in range(3)]
        assert office.ordinary <= len(others)  # now and then all blocks are forgotten
    ids = {answer.header("x-request-id") for answer in (first, *others)}
    assert len(ids) == 4
    for answer in others:
        names = [name for name, _ in answer.headers]
        assert sorted(names) == sorted(name for name, _ in first.headers)
        assert answer.start == first.start == "HTTP/1.1 200 OK"
        assert answer.header("authorization") == f"Bearer {ACCESS_TOKEN}"
        assert answer.header("x-auth-subject") == "ada"
        assert answer.header("x-auth-session") == ticket.public_id
        assert answer.header("cache-control") == "private, no-store"
    lines = served.lines()
    assert {line["request_id"] for line in lines} == ids
    assert {(line["status"], line["sid"]) for line in lines} == {(200, ticket.fingerprint)}


@pytest.mark.parametrize(
    ("uri", "method", "status", "code"),
    [
        ("/api/../x", "GET", 403, "uri_rejected"),
        ("/api/%2e%2e/x", "GET", 403, "uri_rejected"),
        ("/api//x", "GET", 403, "uri_rejected"),
        ("/elsewhere", "GET", 403, "route_not_found"),
        ("/api/x", "DELETE", 403, "method_not_allowed"),
    ],
)
@pytest.mark.rule("S-054", "S-055")
def test_each_call_is_judged(office: Office, uri: str, method: str, status: int, code: str) -> None:
    """What may not pass is refused in full words, however well known its headers are."""
    ticket = office.desk.sign_in()
    with opened(office) as (_, wire):
        assert ask(wire, question(ticket)).status == 200
        refused = ask(wire, question(ticket, uri, method))
        assert refused.status == status
        assert json.loads(refused.body)["code"] == code
        assert refused.header("authorization") is None


def test_an_ended_session_is_dead_at_once(office: Office) -> None:
    """The session is asked for with every question."""
    ticket = office.desk.sign_in()
    with opened(office) as (_, wire):
        for _ in range(2):
            assert ask(wire, question(ticket)).status == 200
        office.desk.store.delete_by_digest(ticket.digest)
        assert ask(wire, question(ticket)).status == 401


def test_quotas_and_open_routes_go_the_ordinary_way(office: Office) -> None:
    """A limit counts each question, and where no session is asked for no token is told."""
    ticket = office.desk.sign_in()
    with opened(office) as (_, wire):
        assert ask(wire, question(ticket)).status == 200
        answers = [ask(wire, question(ticket, "/few/x")).status for _ in range(2)]
        assert answers == [200, 429]
        assert ask(wire, question(ticket, "/open/x")).header("authorization") is None
        assert office.ordinary == 4


def test_a_stale_token_goes_the_ordinary_way(office: Office) -> None:
    """Where a refresh is due somebody has to wait for it; the answer is whole all the same."""
    ticket = office.desk.sign_in()
    with opened(office) as (_, wire):
        assert ask(wire, question(ticket)).status == 200
        office.is_fresh = False
        assert ask(wire, question(ticket)).header("authorization") == f"Bearer {ACCESS_TOKEN}"
        assert office.ordinary == 2


def test_two_people_on_one_connection_never_meet(office: Office) -> None:
    """Each answer is that of its own question, also where they come faster than answers."""
    people = [office.desk.sign_in(f"token-of-{name}-0123456789abcdef") for name in "ab"]
    with opened(office) as (_, wire):
        for person in people:
            assert ask(wire, question(person)).status == 200
        wire.send(b"".join(question(people[n % 2], f"/api/{n}") for n in range(20)))
        wire.send(question(people[0]))
        got = [wire.message().header("x-auth-session") for _ in range(21)]
    assert got == [people[n % 2].public_id for n in range(20)] + [people[0].public_id]


@pytest.mark.rule("S-059")
def test_nobody_else_goes_the_short_way(office: Office) -> None:
    """A block that a stranger sends eases nothing, and an eased one is its own peer's alone."""
    ticket = office.desk.sign_in()
    office.is_trusted = False
    with opened(office) as (_, wire):
        for _ in range(2):
            assert ask(wire, question(ticket)).status == 403
        office.is_trusted = True
        visit = question(ticket, more="Sec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\n")
        page = visit.replace(b"X-CSRF: 1\r\n", b"")
        for sent, status in ((page, 200), (page.replace(b"Method: GET", b"Method: PUT"), 403)):
            assert ask(wire, sent).status == status
        assert office.ordinary == 4


class Edge:
    """A connection by hand."""

    peer = "127.0.0.1"
    drained = None
    default_headers = ((b"date", b"today"),)

    def __init__(self, *, leaving: bool = False) -> None:
        self.leaving = leaving
        self.written = b""
        self.finished: list[Question] = []
        self.again = 0

    def write(self, data: bytes) -> None:
        """Take *data*."""
        self.written += data

    def finish(self, request: Question) -> None:
        """Take the end."""
        self.finished.append(request)

    def begin_again(self, *_known: object) -> None:
        """Note the ordinary way."""
        self.again += 1


class Way:
    """Stands for a shortcut; settles as the test says."""

    def __init__(self, reply: bytes | Exception | None) -> None:
        self.reply = reply
        self.recorded: list[int] = []

    def settle(self, *_asked: object) -> bytes | None:
        """Return or raise what was given."""
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply

    def record(self, call: Call) -> None:
        """Take the line."""
        self.recorded.append(call.status)


def settled(edge: Edge, way: Way, *, gone: bool = False) -> Question:
    """Return a question whose answer from the store has come."""
    call = Call("0" * 32, "", "GET", "/bff/forward-auth", 0.0)
    known = cast("Any", (b"GET", b"/bff/forward-auth", ()))
    made = Question(cast("Any", way), cast("Any", edge), known, call, cast("Any", None))
    if gone:
        made.disconnect()
    answer: Future[Any] = Future()
    answer.set_result(None)
    made.answered(cast("Any", answer))
    return made


@pytest.mark.parametrize(("leaving", "closes"), [(False, 0), (True, 1)])
def test_the_last_answer_of_a_leaving_worker_says_so(*, leaving: bool, closes: int) -> None:
    """One more answer, and the connection closes behind it."""
    edge, way = Edge(leaving=leaving), Way(b"x: y\r\n")
    made = settled(edge, way)
    assert edge.written.startswith(b"HTTP/1.1 200 OK\r\nx: y\r\ndate: today\r\n")
    assert edge.written.count(b"connection: close\r\n\r\n") == closes
    assert edge.finished == [made]
    assert made.keep_alive is not leaving
    assert way.recorded == [200]


@pytest.mark.parametrize("reply", [None, KeyError("bug")])
def test_what_cannot_be_settled_begins_again(reply: Exception | None) -> None:
    """Nothing is written, nothing opens: the ordinary way asks anew."""
    edge, way = Edge(), Way(reply)
    settled(edge, way)
    assert (edge.written, edge.again, way.recorded) == (b"", 1, [])


def test_nobody_is_answered_who_left() -> None:
    """The log knows of it; nothing is written."""
    edge, way = Edge(), Way(b"x: y\r\n")
    settled(edge, way, gone=True)
    assert (edge.written, edge.again, way.recorded) == (b"", 0, [499])


def test_another_peer_and_another_path_are_not_for_the_short_way() -> None:
    """Who asks is part of what was judged."""
    door = cast("Any", SimpleNamespace(path=b"/bff/forward-auth"))
    way = Shortcut(door, "127.0.0.2", cast("Any", None))
    headers = cast("Any", ((b"x-original-method", b"GET"), (b"x-original-uri", b"/api/x")))
    ask_for = (b"GET", b"/bff/forward-auth", headers)
    assert not way.take(cast("Any", Edge()), *ask_for)
    own = Shortcut(door, "127.0.0.1", cast("Any", None))
    assert not own.take(cast("Any", Edge()), b"HEAD", b"/bff/forward-auth", headers)
    assert not own.take(cast("Any", Edge()), b"GET", b"/bff/forward-auth/x", headers)
