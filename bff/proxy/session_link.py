"""One RESP connection that carries the reads of all concurrent requests, pipelined.

Replies come in the order of the questions, so each reply belongs to the oldest question that has
none. A question whose asker went away keeps its place in the queue: its reply is dropped, and
nobody else can ever be given it.

Spec: RESP2.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, Final, cast

import hiredis
from redis.connection import SSLConnection, parse_url

from bff.sessions.connect import COMMAND_TIMEOUT_S, CONNECT_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING_YET: Final = object()
_SWEEP_INTERVAL_S: Final = 0.1
_SWEEPS_MAX: Final = int(COMMAND_TIMEOUT_S / _SWEEP_INTERVAL_S)


class LinkLost(Exception):  # noqa: N818 - an outcome, retried once
    """The connection ended before the reply came."""


class LinkSilent(Exception):  # noqa: N818 - an outcome; a retry would only wait once more
    """The server took too long."""


class LinkRefused(Exception):  # noqa: N818 - an outcome
    """The server cannot be reached or does not let us in; the message says which."""


class SessionLink(asyncio.Protocol):
    """A connection to one Redis or Valkey node."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=_NOTHING_YET)
        self._waiting: deque[asyncio.Future[Any] | None] = deque()
        self._first: object = _NOTHING_YET
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweeps = 0
        self.is_open = False

    def ask(self, command: bytes, *, pair: bool = False) -> asyncio.Future[Any]:
        """Send *command* and return the future of its reply.

        The reply is what hiredis makes of it; an error reply is a value, a `hiredis.ReplyError`.
        The future fails with `LinkLost` or `LinkSilent`.

        Args:
            command: one command, or two in a row.
            pair: two it is, and the future's result is the tuple of their replies.
        """
        reply: asyncio.Future[Any] = self._loop.create_future()
        if not self.is_open or self._transport is None:
            reply.set_exception(LinkLost())
            return reply
        if pair:
            self._waiting.append(None)  # the first reply waits for the second
        self._waiting.append(reply)
        if not self._outgoing:
            # Everything that is asked in this turn of the loop leaves in one write.
            self._loop.call_soon(self._flush)
        self._outgoing.append(command)
        if self._sweeper is None:
            self._sweeps = 0
            self._sweeper = self._loop.call_later(_SWEEP_INTERVAL_S, self._sweep)
        return reply

    def _flush(self) -> None:
        commands, self._outgoing = self._outgoing, []
        if self._transport is not None:
            self._transport.write(b"".join(commands))

    def close(self) -> None:
        """Close; whoever still waits is told that the link is lost."""
        self._drop(LinkLost())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Hand each reply to the oldest question."""
        self._reader.feed(data)
        self._sweeps = 0
        try:
            while (reply := self._reader.gets()) is not _NOTHING_YET:
                asker = self._waiting.popleft()
                if asker is None:
                    self._first = reply
                    continue
                if self._first is not _NOTHING_YET:
                    reply, self._first = (self._first, reply), _NOTHING_YET
                if not asker.done():
                    asker.set_result(reply)
        except (hiredis.ProtocolError, IndexError):
            self._drop(LinkLost())  # out of step: no later reply can be trusted

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell whoever waits."""
        self._drop(LinkLost())

    def _sweep(self) -> None:
        """Give up on a server that has been silent for as long as a command may take."""
        self._sweeper = None
        if not self._waiting:
            return
        self._sweeps += 1
        if self._sweeps >= _SWEEPS_MAX:
            self._drop(LinkSilent())
        else:
            self._sweeper = self._loop.call_later(_SWEEP_INTERVAL_S, self._sweep)

    def _drop(self, reason: Exception) -> None:
        self.is_open = False
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        waiting, self._waiting = self._waiting, deque()
        for asker in waiting:
            if asker is not None and not asker.done():
                asker.set_exception(reason)


async def open_link(url: str) -> SessionLink:
    """Return a link to the server at *url* (``redis://``, ``rediss://``, ``unix://``), let in.

    Raises:
        LinkRefused: not reachable in time, or it wants other credentials.
    """
    options = parse_url(url)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            link = await _connect(options)
    except OSError as error:  # TimeoutError too
        raise LinkRefused(type(error).__name__) from error
    try:
        replies = [await link.ask(command) for command in _greeting(options)]
    except (LinkLost, LinkSilent) as error:
        raise LinkRefused(type(error).__name__) from error
    for reply in replies:
        if isinstance(reply, hiredis.ReplyError):
            link.close()
            raise LinkRefused(str(reply).partition(" ")[0])
    return link


async def _connect(options: Mapping[str, Any]) -> SessionLink:
    loop = asyncio.get_running_loop()
    if "path" in options:
        return (await loop.create_unix_connection(SessionLink, options["path"]))[1]
    host = options.get("host", "localhost")
    secure = options.get("connection_class") is SSLConnection
    _, link = await loop.create_connection(
        SessionLink,
        host,
        options.get("port", 6379),
        ssl=_tls(options) if secure else None,
        server_hostname=host if secure else None,
    )
    return link


def _tls(options: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if certificate := options.get("ssl_certfile"):
        context.load_cert_chain(certificate, options.get("ssl_keyfile"))
    if options.get("ssl_check_hostname") is False:  # as redis-py reads the same address
        context.check_hostname = False
    if options.get("ssl_cert_reqs") == "none":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _greeting(options: Mapping[str, Any]) -> list[bytes]:
    commands = []
    if password := options.get("password"):
        user = options.get("username")
        commands.append(command("AUTH", *([user] if user else []), password))
    if database := options.get("db"):
        commands.append(command("SELECT", str(database)))
    return commands


def command(*words: str) -> bytes:
    """Return *words* as a RESP command."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        encoded = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(encoded), encoded))
    return b"".join(parts)
