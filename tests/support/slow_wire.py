"""A TCP proxy in front of a server: a wire that can be made slow."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 65_536


class SlowWire(socketserver.ThreadingTCPServer):
    """Passes bytes on to *target_port*; every chunk waits *delay_s* seconds first."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, target_port: int) -> None:
        self.delay_s = 0.0
        self._target = ("127.0.0.1", target_port)
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.url = f"redis://127.0.0.1:{self.server_address[1]}/0"

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 - inherited
        """Join one connection to the server behind."""
        try:
            behind = socket.create_connection(self._target)
        except ConnectionRefusedError:
            return  # the server is away, and so is the wire
        with behind:
            back = threading.Thread(target=self._pass_on, args=(behind, request), daemon=True)
            back.start()
            self._pass_on(request, behind)
            back.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(_CHUNK):
                time.sleep(self.delay_s)
                sink.sendall(chunk)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def slow_wire(target_port: int) -> Iterator[SlowWire]:
    """Run a wire for as long as the block lasts."""
    with SlowWire(target_port) as wire:
        serving = threading.Thread(target=wire.serve_forever, args=(0.02,), daemon=True)
        serving.start()
        try:
            yield wire
        finally:
            wire.shutdown()
