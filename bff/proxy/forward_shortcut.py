"""A question of forward-auth, answered without a task where its header block was judged before.

A proxy asks with the same headers again and again; only the call that it asks about differs. What
the headers alone decide (that our own page wrote them, and whose ticket they bear) was decided
when the same bytes were first answered in the ordinary way, a few seconds ago. Path, route and
method are judged with every question, and the session is read from Redis. Whatever is unusual
goes the ordinary way.

Spec: RFC 10017 §6.1.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from bff.problems import Refused, Unavailable
from bff.proxy import paths
from bff.proxy.call import CLIENT_GONE, Call
from bff.proxy.routes import TokenKind
from httpkit import events

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from bff.proxy.access_log import AccessLog
    from bff.proxy.authority import Authorities, Authority
    from bff.proxy.edge import StrictHttpProtocol
    from bff.proxy.head_memo import HeaderLines
    from bff.proxy.routes import Route, RouteTable
    from bff.sessions.model import Ticket

    WriteHead = Callable[[Call, Authority], list[tuple[bytes, bytes]]]

ROUTE: Final = "/bff/forward-auth"


class Door:
    """What all shortcuts of one front end share."""

    __slots__ = ("authorities", "head", "log", "new_id", "path", "routes")

    def __init__(
        self,
        *,
        path: bytes,
        routes: RouteTable,
        authorities: Authorities,
        log: AccessLog,
        new_id: Callable[[], str],
        head: WriteHead,
    ) -> None:
        """Join the parts.

        Args:
            path: of the questions.
            routes: what may be called.
            authorities: the gateway's own way to a token.
            log: one line an answer.
            new_id: a request id.
            head: the answer's headers.
        """
        self.path = path
        self.routes = routes
        self.authorities = authorities
        self.log = log
        self.new_id = new_id
        self.head = head


class Shortcut:
    """One judged block's way to an answer; it lives as long as the block is remembered."""

    __slots__ = ("_door", "_peer", "_ticket")

    def __init__(self, door: Door, peer: str, ticket: Ticket) -> None:
        """*peer* is the trusted proxy that asked, *ticket* what the block bears."""
        self._door = door
        self._peer = peer
        self._ticket = ticket

    def take(
        self, edge: StrictHttpProtocol, method: bytes, target: bytes, headers: HeaderLines
    ) -> bool:
        """Take the question that *headers* lead, or return False and leave it to the application.

        Args:
            edge: the connection; nothing else is under way on it.
            method: of the question itself.
            target: of the question itself.
            headers: the original method and URI first, and then the judged block.
        """
        door = self._door
        if target != door.path or method != b"GET" or edge.peer != self._peer or edge.drained:
            return False
        asked, uri = headers[0][1].decode("ascii"), headers[1][1]
        route = self._route(asked, *uri.partition(b"?")[::2])
        answer = None if route is None else door.authorities.ask_now(self._ticket)
        if answer is None or route is None:
            return False
        call = Call(door.new_id(), "", "GET", ROUTE, time.perf_counter())
        call.sid = self._ticket.fingerprint
        question = Question(self, edge, (method, target, headers), call, route)
        edge.hold(question)
        answer.add_done_callback(question.answered)
        return True

    def _route(self, method: str, path: bytes, query: bytes) -> Route | None:
        """Return the route of a call that may pass, None where it may not, or asks for more."""
        try:
            paths.judge(path, query)
            route = self._door.routes.find(path)
            if route is None or route.token is not TokenKind.USER or route.rate_limits:
                return None
            route.require_operation(method, path)
        except (Refused, Unavailable):
            return None  # told with everything that belongs to it in the ordinary way
        return route

    def settle(self, question: Question, answer: asyncio.Future[Any]) -> bytes | None:
        """Return the reply to *question*, None where it has to be asked in the ordinary way."""
        if answer.cancelled() or answer.exception() is not None:
            return None
        door = self._door
        found = door.authorities.from_answer(self._ticket, question.route, answer.result())
        if found is None or found.token is None or found.token.proof_key is not None:
            return None
        lines = door.head(question.call, found)
        reply = b"".join([b"%b: %b\r\n" % line for line in lines])
        broken = reply.count(b"\n") != len(lines) or reply.count(b"\r") != len(lines)
        return None if broken else reply

    def record(self, call: Call) -> None:
        """Note that *call* is over."""
        self._door.log.record(call)


class Question:
    """What the connection knows of a question under way: as much as it asks of any request."""

    __slots__ = (
        "_edge", "_known", "_shortcut", "call", "disconnected", "keep_alive", "replied", "route",
    )  # fmt: skip

    task = None
    body_complete = started = True
    awaits_body = ends_by_close = False

    def __init__(
        self,
        shortcut: Shortcut,
        edge: StrictHttpProtocol,
        known: tuple[bytes, bytes, HeaderLines],
        call: Call,
        route: Route,
    ) -> None:
        self._shortcut = shortcut
        self._edge = edge
        self._known = known
        self.call = call
        self.route = route
        self.keep_alive = not edge.leaving
        self.disconnected = self.replied = False

    def leave(self) -> None:
        """Let this be the last reply of its connection."""
        self.keep_alive = False

    def disconnect(self) -> None:
        """Note that the proxy is gone, or has its answer."""
        self.disconnected = True

    def answered(self, answer: asyncio.Future[Any]) -> None:
        """Reply; or begin again in the ordinary way, which asks anew."""
        if self.disconnected:
            if not answer.cancelled():
                answer.exception()  # seen
            self.call.status = CLIENT_GONE
            self._shortcut.record(self.call)
            return
        reply = None
        try:
            reply = self._shortcut.settle(self, answer)
        except Exception as error:  # noqa: BLE001 - the ordinary way tells, and nothing opens
            events.log_bug(error)
        edge = self._edge
        if reply is None:
            edge.begin_again(*self._known)
            return
        date = b"".join([b"%b: %b\r\n" % line for line in edge.default_headers])
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        edge.write(b"".join((b"HTTP/1.1 200 OK\r\n", reply, date, end)))
        self.call.status = 200
        self.replied = True
        edge.finish(self)
        self._shortcut.record(self.call)
