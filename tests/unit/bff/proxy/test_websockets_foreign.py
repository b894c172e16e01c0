"""A WebSocket library that we did not write, at both ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.server import serve as serve_sockets
from websockets.typing import Origin, Subprotocol

from tests.support.served import COOKIE, PUBLIC_URL, route
from tests.support.wire import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from websockets.sync.client import ClientConnection
    from websockets.sync.server import ServerConnection

    from bff.sessions.model import Ticket
    from tests.support.served import Desk, Served

LIMIT = 8 * MEGABYTE


@pytest.fixture
def foreign_port() -> Iterator[int]:
    """A server of the library's that echoes, and closes with 4001 when told `end`."""

    def run(socket: ServerConnection) -> None:
        for message in socket:
            if message == "end":
                socket.close(4001, "as asked")
                return
            socket.send(message)

    chat = Subprotocol("chat")
    with serve_sockets(run, "127.0.0.1", 0, max_size=LIMIT, subprotocols=[chat]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.socket.getsockname()[1])
        server.shutdown()
        thread.join(60)


def visit(served: Served, ticket: Ticket) -> ClientConnection:
    """Return the library's connection through the gateway, compression offered."""
    return connect(
        f"ws://127.0.0.1:{served.port}/api/ws",
        origin=Origin(PUBLIC_URL),
        subprotocols=[Subprotocol("chat")],
        additional_headers={"Cookie": f"{COOKIE.name}={ticket.encode()}"},
        max_size=LIMIT,
        proxy=None,
    )


def test_foreign_client_and_server_talk_through_us(
    serve: Callable[..., Served], desk: Desk, foreign_port: int
) -> None:
    """Subprotocol, compression, text, big and fragmented messages, pings and a close code."""
    sockets = route(
        "/api/ws",
        f"http://127.0.0.1:{foreign_port}",
        websocket=True,
        websocket_message_limit_bytes=LIMIT,
    )
    served = serve(sockets)
    with visit(served, desk.sign_in()) as socket:
        assert socket.subprotocol == "chat"
        assert socket.response is not None
        assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]
        socket.send("你好")
        assert socket.recv(10) == "你好"
        big = bytes(range(256)) * (4 * MEGABYTE // 256)
        socket.send(big)
        assert socket.recv(10) == big
        socket.send(iter(["in ", "three ", "pieces"]))
        assert socket.recv(10) == "in three pieces"
        assert socket.ping().wait(60)
        socket.send("end")
        with pytest.raises(ConnectionClosed):
            socket.recv(10)
        assert (socket.close_code, socket.close_reason) == (4001, "as asked")
