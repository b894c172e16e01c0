"""What every proxy must be told, whatever its language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bff.proxy.addresses import Origin, parse_upstream
from bff.settings import UpstreamTls

if TYPE_CHECKING:
    from bff.settings import RouteSettings, Settings

_PLAIN = re.compile(r"[A-Za-z0-9/_.~-]*")
# No proxy here removes headers by a pattern alone: the spellings that upstreams are known to read.
IDENTITY_HEADERS: Final = (
    "Forwarded", "Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Access-Token",
    "X-Auth-Email", "X-Auth-Groups", "X-Auth-Request-Access-Token", "X-Auth-Request-Email",
    "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username", "X-Auth-Request-User",
    "X-Auth-Roles", "X-Auth-Token", "X-Auth-User", "X-Auth-Username", "X-Authenticated-User",
    "X-Client-Cert", "X-Email", "X-Forwarded-Access-Token", "X-Forwarded-Client-Cert",
    "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
    "X-Forwarded-Prefix", "X-Forwarded-User", "X-Groups", "X-HTTP-Method-Override", "X-Id-Token",
    "X-Method-Override", "X-Original-Method", "X-Original-URI", "X-Original-URL", "X-Proxy-User",
    "X-Real-IP", "X-Remote-User", "X-Rewrite-URL", "X-User", "X-User-Email", "X-User-Id",
    "X-User-Name", "X-Webauth-User",
)  # fmt: skip
# What the gateway adds to an answer that lets a call pass, for the browser to see.
METER: Final = ("RateLimit-Policy", "RateLimit")
# What the gateway adds, and nobody before it may.
OURS: Final = ("Authorization", "X-Auth-Subject", "X-Auth-Session")
# All that the gateway reads of a request.
ASKED_WITH: Final = (
    *("Cookie", "Origin", "X-CSRF"),
    *("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"),
)


class EdgeImpossible(ValueError):  # noqa: N818 - says what cannot be written
    """The settings hold something that no generated configuration can carry safely."""


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """One proxied prefix.

    Attributes:
        strip: *path* is cut off before *base* is put in front.
        host: the ``Host`` that the upstream is told instead of its addresses' own.
        concurrent_requests: how many calls may be under way; 0 for no limit.
        is_metered: the gateway counts rates, and its answers tell of them.
    """

    name: str
    path: str
    strip: bool
    origins: tuple[Origin, ...]
    host: str | None
    base: str
    body_limit_bytes: int
    timeout_s: int
    websocket: bool
    allow_set_cookie: bool
    concurrent_requests: int
    is_metered: bool

    @property
    def scheme(self) -> str:
        """``http`` or ``https``; all addresses have the same."""
        return self.origins[0].scheme


@dataclass(frozen=True, slots=True)
class PlannedFrontend:
    """One front end: its address and its routes, the longest first."""

    name: str
    https: bool
    host: str
    port: int
    authority: str
    base: str
    routes: tuple[PlannedRoute, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All front ends, the deepest first, and where the gateway listens."""

    gateway: str
    frontends: tuple[PlannedFrontend, ...]

    def routes(self) -> list[PlannedRoute]:
        """Return the routes of all front ends."""
        return [route for frontend in self.frontends for route in frontend.routes]

    def by_authority(self) -> dict[str, list[PlannedFrontend]]:
        """Return the front ends of each host."""
        hosts: dict[str, list[PlannedFrontend]] = {}
        for frontend in self.frontends:
            hosts.setdefault(frontend.authority, []).append(frontend)
        return hosts


def plan_of(settings: Settings, gateway: str, style: str = "headers") -> Plan:
    """Return what to write for *settings*, whose gateway listens at *gateway* (host:port).

    The proxy names the original request in the given *style*.

    Raises:
        EdgeImpossible: a path holds signs that mean something in a configuration, or the settings
            let no proxy ask.
    """
    if not re.fullmatch(r"[A-Za-z0-9.\[\]:-]+:\d+", gateway):
        raise EdgeImpossible("--gateway is host:port")
    if settings.forward_auth == "off" or not settings.trusted_proxies:
        raise EdgeImpossible(
            "No proxy may ask: name its address in trusted_proxies, and leave forward_auth on."
        )
    if settings.forward_auth != style:
        raise EdgeImpossible(f'This proxy asks otherwise: set forward_auth = "{style}".')
    planned = []
    for frontend in settings.all_frontends():
        url = urlsplit(frontend.public_url)
        routes = [
            _planned(frontend.name.replace("-", "_"), number, route)
            for number, route in enumerate(frontend.routes, 1)
        ]
        planned.append(
            PlannedFrontend(
                name=frontend.name.replace("-", "_") or "main",
                https=frontend.https,
                host=url.hostname or "",
                port=url.port or (443 if frontend.https else 80),
                authority=url.netloc,
                base=_plain(frontend.base_path),
                routes=tuple(sorted(routes, key=lambda route: -len(route.path))),
            )
        )
    return Plan(gateway, tuple(sorted(planned, key=lambda frontend: -len(frontend.base))))


def _planned(frontend: str, number: int, route: RouteSettings) -> PlannedRoute:
    parsed = [parse_upstream(url) for url in route.upstream]
    origins, base = tuple(origin for origin, _ in parsed), parsed[0][1]
    alike = len(origins) == 1 or all(origin.scheme == "http" for origin in origins)
    if origins[0].scheme == "unix" or not alike or route.tls != UpstreamTls():
        raise EdgeImpossible(
            f"{route.path}: unix sockets, several https addresses, client certificates and names "
            "other than the address' own are the gateway's to reach; write this upstream by hand."
        )
    name = "_".join(filter(None, ("cloakroom", frontend, "route", str(number))))
    return PlannedRoute(
        name=name,
        path=_plain(route.path.rstrip("/")),
        strip=route.strip_prefix,
        origins=origins,
        host=route.upstream_host,
        base=_plain(base.decode("ascii")),
        body_limit_bytes=route.body_limit_bytes,
        timeout_s=max(1, round(route.timeout_s)),
        websocket=route.websocket,
        allow_set_cookie=route.allow_set_cookie,
        concurrent_requests=route.concurrent_requests,
        is_metered=bool(route.rate_limits),
    )


def _plain(path: str) -> str:
    if not _PLAIN.fullmatch(path):
        raise EdgeImpossible(f"{path!r} holds signs that mean something in a configuration")
    return path
