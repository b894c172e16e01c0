"""An upstream that records, byte for byte, what reached it, and answers as the test says."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_LINE_LIMIT = 1 << 20


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of every header line called *name*, in any case."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for key, value in self.headers if key.lower() == wanted]

    def raw(self) -> bytes:
        """Return target, headers and body in one piece, to be searched for what must not be."""
        lines = [name + b": " + value for name, value in self.headers]
        return b"\n".join([self.target, *lines, self.body])


@dataclass(frozen=True)
class Answer:
    """What the upstream says; *raw*, when given, is the whole reply and the connection closes."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b'{"ok":true}'
    raw: bytes | None = None

    def to_wire(self) -> bytes:
        """Return the reply's bytes."""
        if self.raw is not None:
            return self.raw
        lines = [*self.headers, ("Content-Length", str(len(self.body)))]
        if not any(name.lower() == "content-type" for name, _ in lines):
            lines.insert(0, ("Content-Type", "application/json"))
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return f"HTTP/1.1 {self.status} Said\r\n{head}\r\n".encode("latin-1") + self.body


class RecordingUpstream:
    """A small HTTP/1.1 server on a free loopback port; use it as a context manager.

    It keeps what it received in `received`; `answer` may be replaced at any time.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Answer] = lambda _received: Answer()
        self._lock = threading.Lock()
        upstream = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                upstream.serve(self.rfile, self.wfile)  # type: ignore[arg-type] # typed as BufferedIOBase

        self._handler = Handler
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._serve()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end every connection."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()

    def pause(self) -> None:
        """Be away: nobody listens on the port until `resume`."""
        self.close()

    def resume(self) -> None:
        """Listen on the same port again."""
        self._server = _Server(("127.0.0.1", self.port), self._handler)
        self._serve()

    def _serve(self) -> None:
        arguments = {"poll_interval": 0.02}
        threading.Thread(target=self._server.serve_forever, kwargs=arguments, daemon=True).start()

    def serve(self, reader: BinaryIO, writer: BinaryIO) -> None:
        """Record and answer every request of one connection."""
        try:
            while received := _read_request(reader):
                with self._lock:
                    self.received.append(received)
                answer = self.answer(received)
                writer.write(answer.to_wire())
                if answer.raw is not None:
                    return
        except OSError:
            return  # the client left; what it sent is recorded

    @property
    def last(self) -> Received:
        """The newest request."""
        return self.received[-1]

    def json_answer(self, value: object, status: int = 200) -> None:
        """Answer every request from now on with *value* as JSON."""
        body = json.dumps(value).encode()
        self.answer = lambda _received: Answer(status=status, body=body)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler]
    ) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - inherited
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - inherited
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for link in list(self._open):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


def _read_request(reader: BinaryIO) -> Received | None:
    start = reader.readline(_LINE_LIMIT)
    if not start.strip():
        return None
    method, target, _version = start.split(b" ", 2)
    headers: list[tuple[bytes, bytes]] = []
    while (line := reader.readline(_LINE_LIMIT)) not in {b"\r\n", b"\n", b""}:
        name, _, value = line.partition(b":")
        headers.append((name, value.strip()))
    return Received(method.decode("latin-1"), target, headers, _read_body(reader, headers))


def _read_body(reader: BinaryIO, headers: list[tuple[bytes, bytes]]) -> bytes:
    named = {name.lower(): value for name, value in headers}
    if named.get(b"transfer-encoding", b"").lower() != b"chunked":
        return reader.read(int(named.get(b"content-length", b"0")))
    body = b""
    while size := int(reader.readline(_LINE_LIMIT).split(b";")[0], 16):
        body += reader.read(size)
        reader.readline(_LINE_LIMIT)
    while reader.readline(_LINE_LIMIT).strip():
        pass  # trailers
    return body
