"""Listening sockets: bound by us, so that a busy port is one sentence and not a stack trace."""

from __future__ import annotations

import errno
import socket

from launcher.words import CannotStart

_BACKLOG = 2048


def listen(host: str, port: int, *, setting: str) -> socket.socket:
    """Return a socket that listens at *host* and *port*; *setting* is the variable's prefix.

    Raises:
        CannotStart: the address cannot be had.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError):
        raise CannotStart(f"{setting}HOST: {host} is no address of this machine.") from None
    listener = socket.socket(family, kind, number)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotStart(_sentence(error, host, port, setting)) from None
    return listener


def require_free(host: str, port: int, *, setting: str) -> None:
    """Pass when nothing listens at *host* and *port*.

    Raises:
        CannotStart: as for `listen`.
    """
    listen(host, port, setting=setting).close()


def _sentence(error: OSError, host: str, port: int, setting: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} is in use by another program. "
                f"Stop that program, or choose another port with {setting}PORT."
            )
        case errno.EACCES:
            return f"Port {port} needs more permission than we have; set {setting}PORT above 1023."
        case errno.EADDRNOTAVAIL:
            return f"{setting}HOST: {host} is no address of this machine."
        case _:
            return f"Cannot listen at {host} port {port}: {error.strerror}."
