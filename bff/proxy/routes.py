"""Which upstream a path belongs to: the longest prefix on a segment boundary, byte by byte.

Nothing is decoded and no case is folded, so that the bytes that were matched are the bytes sent.

Spec: RFC 10017 §6.1.3.6 (allow-list of upstreams); RFC 9110 §15.5.6 (405 names what is allowed).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from bff.problems import METHOD_NOT_ALLOWED, Refused
from bff.proxy.addresses import Upstream
from bff.proxy.exchange import TimeLimits
from bff.proxy.operations import ListedOperations
from bff.proxy.rates import RateLimit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bff.settings import RouteSettings

_USUAL = TimeLimits()
# Never proxied, whatever a route lists: a tunnel and an echo of the request's own headers.
_NEVER_PROXIED = frozenset({"CONNECT", "TRACE"})
# A route for `/` covers everything but these; settings refuse routes within `/bff` by name.
_OWN_PATHS = frozenset({b"/bff", b"/livez", b"/readyz"})
_OWN_PREFIXES = (b"/bff/", b"/static/bff/", b"/static/shared/")


class TokenKind(Enum):
    """What a route's upstream is told about the caller."""

    NONE = "none"
    USER = "user"
    CLIENT = "client"
    USER_OR_NONE = "user-or-none"


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One line of the route table, resolved once at the start.

    Attributes:
        path: the configured prefix; stands for the path in logs and metrics.
        audience: of the access token; empty for the provider's default.
        websocket: handshakes pass too.
        websocket_idle_s: how long neither side of a WebSocket may say anything, pings included.
        websocket_message_limit_bytes: of one message, in either direction, as it is on the wire.
        websockets_per_session: how many one session may have open in this worker.
        limits: how long its upstream may take.
        concurrent_requests: how many may be under way in this worker; 0 for no limit.
        concurrent_per_session: how many of them for one session.
        rate_limits: how many may come in a while.
        operations: those that alone may pass; None for all.
        is_limited: one of the three limits is set.
    """

    path: str
    upstream: Upstream
    base_path: bytes = b""
    strip_prefix: bool = True
    token: TokenKind = TokenKind.USER
    methods: frozenset[str] = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
    audience: str = ""
    body_limit_bytes: int = 10 * 1024 * 1024
    allow_set_cookie: bool = False
    websocket: bool = False
    websocket_idle_s: float = 300.0
    websocket_message_limit_bytes: int = 1024 * 1024
    websockets_per_session: int = 16
    limits: TimeLimits = _USUAL
    concurrent_requests: int = 0
    concurrent_per_session: int = 0
    rate_limits: tuple[RateLimit, ...] = ()
    operations: ListedOperations | None = None
    is_limited: bool = field(init=False)
    prefix: bytes = field(init=False)
    _inner: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", self.path.rstrip("/").encode("ascii"))
        limited = self.concurrent_requests or self.concurrent_per_session or self.rate_limits
        object.__setattr__(self, "is_limited", bool(limited))
        object.__setattr__(self, "_inner", self.prefix + b"/")

    @classmethod
    def of(cls, settings: RouteSettings) -> Route:
        """Return the route that *settings* describe."""
        upstream, base_path = Upstream.of(settings)
        return cls(
            path=settings.path,
            upstream=upstream,
            base_path=base_path,
            strip_prefix=settings.strip_prefix,
            token=TokenKind(settings.token),
            methods=frozenset(settings.methods),
            audience=settings.token_target,
            body_limit_bytes=settings.body_limit_bytes,
            allow_set_cookie=settings.allow_set_cookie,
            websocket=settings.websocket,
            websocket_idle_s=settings.websocket_idle_s,
            websocket_message_limit_bytes=settings.websocket_message_limit_bytes,
            websockets_per_session=settings.websockets_per_session,
            concurrent_requests=settings.concurrent_requests,
            concurrent_per_session=settings.concurrent_per_session,
            operations=ListedOperations.of(settings),
            rate_limits=tuple(
                RateLimit(limit.by, limit.requests, limit.per_s) for limit in settings.rate_limits
            ),
            limits=TimeLimits(
                connect_s=settings.connect_s,
                first_byte_s=settings.first_byte_timeout_s or settings.timeout_s,
                idle_s=settings.idle_timeout_s or settings.timeout_s,
                total_s=settings.total_timeout_s,
                stream_total_s=settings.stream_total_timeout_s,
            ),
        )

    def covers(self, path: bytes) -> bool:
        """Return whether *path* is the prefix itself or lies beneath it."""
        return path == self.prefix or path.startswith(self._inner)

    def require_operation(self, method: str, path: bytes) -> None:
        """Return if *method* may pass for *path*.

        Raises:
            Refused: ``method_not_allowed``, with ``Allow``; ``route_not_found`` for a path that
                the route's document does not list.
            Unavailable: ``upstream_unavailable``; there is no document yet.
        """
        if method not in self.methods or method in _NEVER_PROXIED:
            allowed = ", ".join(sorted(self.methods - _NEVER_PROXIED))
            raise Refused(METHOD_NOT_ALLOWED, headers={"Allow": allowed})
        if self.operations is not None:
            within = path[len(self.prefix) :] or b"/" if self.strip_prefix else path
            self.operations.require(method, within)

    def target(self, judged: bytes) -> bytes:
        """Return the request target for the upstream: the *judged* bytes, the prefix apart."""
        if not self.strip_prefix:
            return self.base_path + judged
        rest = judged[len(self.prefix) :]
        return self.base_path + (rest if rest.startswith(b"/") else b"/" + rest)


class RouteTable:
    """Every route; nothing else is proxied."""

    def __init__(self, routes: Iterable[Route], base_path: str = "") -> None:
        """Take the routes of the front end that begins at *base_path*."""
        self._routes: Sequence[Route] = sorted(routes, key=lambda route: -len(route.prefix))
        self._base = base_path.encode("ascii")
        self._own_paths = frozenset(self._base + path for path in _OWN_PATHS)
        self._own_prefixes = tuple(self._base + prefix for prefix in _OWN_PREFIXES)

    @property
    def documents(self) -> list[ListedOperations]:
        """Every document that scopes a route."""
        return [route.operations for route in self._routes if route.operations is not None]

    def find(self, path: bytes) -> Route | None:
        """Return the route with the longest prefix of *path*, or None."""
        for route in self._routes:
            if route.covers(path):
                return None if route.prefix == self._base and self._is_own(path) else route
        return None

    def _is_own(self, path: bytes) -> bool:
        return path in self._own_paths or path.startswith(self._own_prefixes)
