"""Connections to providers: one deadline over everything, and names that DNS forgot.

A time limit on each read is none: a peer that sends one byte of its head a second keeps a thread
for ever. Here connecting, TLS, sending and every read share what is left of one deadline.

DNS that fails, or takes too long, is no reason to be offline: the last good addresses of a name
serve until it answers again (F-37). TLS still demands a certificate for the name.
"""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpcore2
import httpx2

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Resolve = Callable[[str, int], Sequence[str]]

_RESOLVE_S: Final = 1.0
_LEAST_S: Final = 0.001


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of *host*, as the system prefers them; raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_kind, address in found))


class Names:
    """Looks names up, each at most once at a time, and remembers their last good addresses."""

    def __init__(self, resolve: Resolve = resolve, *, patience_s: float = _RESOLVE_S) -> None:
        self._resolve = resolve
        self._patience_s = patience_s
        self._good: dict[str, Sequence[str]] = {}
        self._asked: dict[str, Future[Sequence[str]]] = {}
        self._lock = threading.Lock()

    def addresses_of(self, host: str, port: int) -> Sequence[str]:
        """Return addresses of *host*: those of now, or else the last good ones.

        Raises:
            OSError: it never had one that we know of.
        """
        try:
            found = self._ask(host, port).result(self._patience_s)
        except (OSError, TimeoutError) as error:
            last = self._good.get(host)
            if last is None:
                raise OSError("the name cannot be looked up") from error
            return last
        self._good[host] = found
        return found

    def _ask(self, host: str, port: int) -> Future[Sequence[str]]:
        with self._lock:
            asked = self._asked.get(host)
            if asked is None:
                asked = self._asked[host] = Future()
                # A daemon: a lookup that hangs must not hold the process up at its end.
                threading.Thread(target=self._look, args=(host, port, asked), daemon=True).start()
            return asked

    def _look(self, host: str, port: int, asked: Future[Sequence[str]]) -> None:
        try:
            found = self._resolve(host, port)
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            self._forget(host)
            asked.set_exception(error)
        else:
            self._forget(host)
            asked.set_result(found)

    def _forget(self, host: str) -> None:
        with self._lock:
            self._asked.pop(host, None)


class Deadline(threading.local):
    """What is left of this thread's call; without one there is no end."""

    ends_at: float | None = None

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let everything in the block share *seconds*."""
        self.ends_at = time.monotonic() + seconds
        try:
            yield
        finally:
            self.ends_at = None

    def cap(self, timeout: float | None) -> float | None:
        """Return *timeout*, or what is left where that is less; never nothing at all."""
        if self.ends_at is None:
            return timeout
        # A socket with no time at all would not wait but fail in another way.
        left_s = max(self.ends_at - time.monotonic(), _LEAST_S)
        return left_s if timeout is None else min(timeout, left_s)

    def is_over(self) -> bool:
        """Return whether nothing is left."""
        return self.ends_at is not None and time.monotonic() >= self.ends_at


class _Stream(httpcore2.NetworkStream):
    """A connection whose every wait is capped."""

    def __init__(self, inner: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._deadline.is_over():
            raise httpcore2.ReadTimeout("the reply came too slowly")
        return self._inner.read(max_bytes, self._deadline.cap(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._deadline.is_over():
            raise httpcore2.WriteTimeout("the request was taken too slowly")
        self._inner.write(buffer, self._deadline.cap(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        timeout = self._deadline.cap(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - inherited
        return self._inner.get_extra_info(info)


class Backend(httpcore2.NetworkBackend):
    """Opens connections by the names' addresses, within the deadline."""

    def __init__(self, names: Names | None = None) -> None:
        self.deadline = Deadline()
        self._names = names or Names()
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Return a connection to the first address of *host* that takes one."""
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        try:
            addresses = self._names.addresses_of(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        for address in addresses:
            try:
                stream = self._inner.connect_tcp(
                    address, port, self.deadline.cap(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self.deadline)
        raise failure


class PooledTransport(httpx2.HTTPTransport):
    """httpx2's transport over a pool whose connections *backend* opens."""

    def __init__(self, backend: Backend, *, tls: ssl.SSLContext, limits: httpx2.Limits) -> None:
        super().__init__(verify=tls, limits=limits, trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
        )
