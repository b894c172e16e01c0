"""Where an upstream listens, as settings name it.

Spec: RFC 9110 §4.2 (http and https URIs), §7.2 (Host).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bff.settings import UpstreamTls

if TYPE_CHECKING:
    from bff.settings import RouteSettings

_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNIX = "unix"
_LOCAL = "localhost"


@dataclass(frozen=True, slots=True)
class Origin:
    """One address out of the settings: a host and port, or the path of a unix socket.

    Attributes:
        scheme: ``http``, ``https`` or ``unix``.
        host: a name, an address, or the socket's path.
        port: 0 for a unix socket.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The ``Host`` header: no port where it is the scheme's own, brackets around IPv6."""
        if self.scheme == _UNIX:
            return _LOCAL
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if _DEFAULT_PORTS[self.scheme] == self.port else f"{host}:{self.port}"

    @property
    def is_name(self) -> bool:
        """Whether DNS says where it is."""
        if self.scheme == _UNIX:
            return False
        try:
            ip_address(self.host)
        except ValueError:
            return True
        return False


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many failures in a row are borne, and how long the pause after them is.

    Attributes:
        after: so many; 0 bears everything.
        first_s: the first pause. Each further one is twice as long…
        most_s: … up to this, until there was health for as long as the last pause.
    """

    after: int
    first_s: float
    most_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Upstream:
    """Everything that is set for one route's upstream; each is itself alone, whatever it says.

    Attributes:
        route: stands for it in events and metrics.
        origins: its addresses, all serving the same thing.
        host: the ``Host`` that it is told instead of its addresses' own.
        tls: how it is known where it is https.
        round_robin: in turn, instead of to whoever has the least to do.
        resolve_every_s: how old what DNS said may be.
        kept_connections: how many are kept for each address while nobody uses them.
        kept_idle_s: for how long.
        ejection: of one address out of several.
        breaking: of all of it.
        first_head_line_end: what requests are written with; see `head_line_end`.
    """

    route: str
    origins: tuple[Origin, ...]
    host: str | None = None
    tls: UpstreamTls = field(default_factory=UpstreamTls)
    round_robin: bool = False
    resolve_every_s: float = 30.0
    kept_connections: int = 64
    kept_idle_s: float = 20.0
    ejection: Tolerance = Tolerance(5, 10.0, 300.0)
    breaking: Tolerance = Tolerance(20, 1.0, 5.0)
    first_head_line_end: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first_head_line_end", self.head_line_end(self.origins[0]))

    @classmethod
    def of(cls, settings: RouteSettings) -> tuple[Upstream, bytes]:
        """Return the upstream that *settings* describe, and the path that all its URLs have."""
        parsed = [parse_upstream(url) for url in settings.upstream]
        upstream = cls(
            route=settings.path,
            origins=tuple(origin for origin, _ in parsed),
            host=settings.upstream_host,
            tls=settings.tls,
            round_robin=settings.balance == "round-robin",
            resolve_every_s=settings.resolve_every_s,
            kept_connections=settings.kept_connections,
            kept_idle_s=settings.kept_idle_s,
            ejection=Tolerance(settings.eject_after, settings.eject_s, settings.eject_s_max),
            breaking=Tolerance(settings.break_after, settings.break_s, settings.break_s_max),
        )
        return upstream, parsed[0][1]

    def head_line_end(self, origin: Origin) -> bytes:
        """Return what follows the target in every request to *origin*: version and ``Host``."""
        host = self.host or origin.authority
        return b" HTTP/1.1\r\nhost: %b\r\n" % host.encode("ascii")


def parse_upstream(url: str) -> tuple[Origin, bytes]:
    """Return the origin that *url* names and its path without a trailing slash.

    Raises:
        ValueError: neither http nor https nor unix, without a host, or with a query, fragment or
            user.
    """
    parts = urlsplit(url)
    if parts.scheme == _UNIX and parts.path.startswith("/") and not parts.netloc:
        return Origin(_UNIX, parts.path, 0), b""
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("an upstream is http://host[:port][/path], https://… or unix:/path")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("an upstream has no query, fragment or user")
    origin = Origin(parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme])
    return origin, parts.path.rstrip("/").encode("ascii")
