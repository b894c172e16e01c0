"""Both ends of a wire, byte by byte: a scripted upstream and a client that sends what it is told.

Nothing here understands more HTTP than it must: a library would mend what a test breaks.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

PATIENCE_S = 30.0


MEGABYTE = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire:
    """A connected socket with a buffer; every wait ends after half a minute."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._rest = b""
        sock.settimeout(PATIENCE_S)
        if sock.family != socket.AF_UNIX:  # else a small second write waits for a late ACK
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send all of *data*."""
        self.sock.sendall(data)

    def receive(self) -> bytes:
        """Return some bytes, or ``b""`` at the end of the stream."""
        if self._rest:
            data, self._rest = self._rest, b""
            return data
        return self.sock.recv(65536)

    def until(self, mark: bytes) -> bytes:
        """Return everything up to and including *mark*; EOFError where the stream ends first."""
        data = b""
        while mark not in data:
            piece = self.receive()
            if not piece:
                raise EOFError(data)
            data += piece
        end = data.index(mark) + len(mark)
        self._rest = data[end:] + self._rest
        return data[:end]

    def exactly(self, count: int) -> bytes:
        """Return *count* bytes; EOFError where the stream ends first."""
        data = b""
        while len(data) < count:
            piece = self.receive()
            if not piece:
                raise EOFError(data)
            data += piece
        self._rest = data[count:] + self._rest
        return data[:count]

    def to_end(self) -> bytes:
        """Return everything up to the end of the stream."""
        data = b""
        while piece := self.receive():
            data += piece
        return data

    def message(self, *, is_reply_to_head: bool = False) -> Message:
        """Read one HTTP message, whose framing must be plain."""
        head = self.until(b"\r\n\r\n")
        start, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = [(name.lower(), value) for name, value in (line.split(": ", 1) for line in lines)]
        message = Message(start, headers, b"", head)
        if is_reply_to_head or " 204 " in start or " 304 " in start:
            return message
        if message.header("transfer-encoding") == "chunked":
            message.body = self._chunks()
        elif length := message.header("content-length"):
            message.body = self.exactly(int(length))
        return message

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.exactly(size)
            self.until(b"\r\n")
        self.until(b"\r\n")
        return body

    def reset(self) -> None:
        """End the connection with a reset instead of a proper close."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close."""
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass
class Message:
    """One HTTP message as it was on the wire."""

    start: str
    headers: list[tuple[str, str]]
    body: bytes
    head: bytes

    @property
    def status(self) -> int:
        """The status of a reply."""
        return int(self.start.split(" ")[1])

    @property
    def target(self) -> str:
        """The target of a request."""
        return self.start.split(" ")[1]

    def header(self, name: str) -> str | None:
        """Return the only value of *name*, or None; fails where there are two."""
        values = self.all(name)
        assert len(values) < 2, values
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return every value of *name*."""
        return [value for found, value in self.headers if found == name]


class ScriptedUpstream:
    """A server whose every connection is served by the function at hand, in a thread of its own."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on a port of *host*, or on a unix socket at *path*."""
        if path is not None:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen()
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family)
            port = int(self._listener.getsockname()[1])
        self._tls = tls
        self.host, self.port, self.path = host, port, path
        self.connections = 0
        self.requests: list[Message] = []
        self.serve: Callable[[Wire], None] = self.serve_ok
        self._wires: list[Wire] = []
        self._failures: list[BaseException] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def url(self) -> str:
        """The address, as settings name it."""
        if self.path is not None:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def serve_ok(self, wire: Wire) -> None:
        """Answer every request with 200 and two bytes, and keep the connection."""
        while True:
            self.take(wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def stream_events(self) -> threading.Event:
        """Answer with one event of a stream that has no end; what is returned tells who left it."""
        left = threading.Event()

        def stream(wire: Wire) -> None:
            self.take(wire)
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            with contextlib.suppress(OSError):
                wire.to_end()
            left.set()

        self.serve = stream
        return left

    def take(self, wire: Wire) -> Message:
        """Read one request whole and remember it; EOFError where none comes."""
        message = wire.message()
        self.requests.append(message)
        return message

    def close(self) -> None:
        """Stop listening, drop every connection, and raise what went wrong in a script."""
        with contextlib.suppress(OSError):  # closed before
            # Without it the thread waits on, and takes one more connection after the end.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for wire in self._wires:
            with contextlib.suppress(OSError):
                wire.sock.shutdown(socket.SHUT_RDWR)
        if self._failures:
            raise self._failures[0]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            wire = Wire(self._tls.wrap_socket(sock, server_side=True) if self._tls else sock)
        except OSError:
            return  # the client did not trust us
        self._wires.append(wire)
        with wire:
            try:
                self.serve(wire)
            except (EOFError, OSError):
                return  # the other side went away, which is how most scripts end
            except BaseException as error:  # noqa: BLE001 - told to the test by `close`
                self._failures.append(error)


def connect(port: int, host: str = "127.0.0.1") -> Wire:
    """Return a wire to *port*."""
    return Wire(socket.create_connection((host, port), timeout=PATIENCE_S))


def replies(upstream: ScriptedUpstream, *scripted: bytes) -> None:
    """Let each connection of *upstream* answer with *scripted*, one a request, then close."""

    def serve_each(wire: Wire) -> None:
        for reply in scripted:
            upstream.take(wire)
            wire.send(reply)

    upstream.serve = serve_each
