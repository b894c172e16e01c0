"""The address of Redis, judged before anybody connects.

No message repeats any of it: it may hold a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEMES: Final = ("redis://", "rediss://", "unix://", "redis+sentinel://", "redis+cluster://")
_SEVERAL = frozenset({"redis+sentinel", "redis+cluster"})
_TLS_OPTIONS: Final = (
    *("ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile"),
)
_PORTS = range(1, 65536)


def require_store_url(url: str) -> None:
    """Return if *url* names a server that `bff.sessions.connect` and the data plane both reach.

    Raises:
        ValueError: with what would be right.
    """
    if url == "embedded":
        raise ValueError('is "embedded": start through app.py, or name a server')
    if not url.startswith(SCHEMES):
        raise ValueError(f"must begin with one of {', '.join(SCHEMES)}")
    try:
        parts = urlsplit(url)
    except ValueError:  # its words may hold a part of a password
        raise ValueError("is not a URL; escape what is special in its password") from None
    _require_options(parts)
    if parts.scheme == "unix":
        if not parts.path.strip("/"):
            raise ValueError("must name a socket, such as unix:///run/redis.sock")
        return
    hosts = parts.netloc.rpartition("@")[2]
    for host in hosts.split(",") if parts.scheme in _SEVERAL else [hosts]:
        _require_host(host)
    _require_place(parts)


def _require_options(parts: SplitResult) -> None:
    allowed = ["db"] if parts.scheme in {"redis", "rediss", "unix"} else []
    allowed += _TLS_OPTIONS if parts.scheme == "rediss" else []
    options = parse_qsl(parts.query, keep_blank_values=True)
    if parts.fragment or any(name not in allowed for name, _value in options):
        raise ValueError(f"may carry no options but these: {', '.join(allowed) or 'none'}")
    if not all(value.isdecimal() for name, value in options if name == "db"):
        raise ValueError("db must be a number")


def _require_host(host: str) -> None:
    name, bracket, port = host.rpartition("]")
    if not bracket:
        name, _colon, port = host.partition(":")
    port = port.removeprefix(":")
    if not name.strip("[]"):
        raise ValueError("must name a host, such as redis://127.0.0.1:6379/0")
    if port and not (port.isdecimal() and int(port) in _PORTS):
        raise ValueError("a port must be a number from 1 to 65535")


def _require_place(parts: SplitResult) -> None:
    """Pass when the path is the number of a database, after the service's name for Sentinel."""
    path = parts.path.strip("/")
    if parts.scheme == "redis+cluster":
        if path:
            raise ValueError("a cluster has one database: nothing stands behind its hosts")
        return
    if parts.scheme == "redis+sentinel":
        service, _slash, path = path.partition("/")
        if not service:
            raise ValueError("must name the service, as in redis+sentinel://h1,h2/service/0")
    if path and not path.isdecimal():
        raise ValueError("what stands behind the host must be the number of a database")
