"""The front ends that one deployment serves, strictly apart: by host, by path, or both.

The settings' own ``public_url`` and ``routes`` are the first of them; each ``[[frontends]]`` adds
one with an address, providers, cookie, routes and files of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bff.settings.model import ProviderSettings
    from bff.settings.routes import RouteSettings

_OWN_SEGMENTS = frozenset({"bff", "livez", "readyz", "static"})


@dataclass(frozen=True, slots=True)
class Frontend:
    """One front end, resolved.

    Attributes:
        name: empty for the first.
        public_url: its origin; the only one whose pages may call.
        base_path: where it begins; empty where it has the whole host.
        cookie_name: of its session cookie.
        providers: those that its visitors may sign in at, the default first.
        routes: what is proxied for its pages.
        static_dir: its own files, served beneath the base path; None for our own pages.
        workbench: whoever is signed in gets the workbench in the place of their ticket.
    """

    name: str
    public_url: str
    base_path: str
    cookie_name: str
    providers: tuple[ProviderSettings, ...]
    routes: tuple[RouteSettings, ...]
    static_dir: Path | None = None
    workbench: bool = False

    @property
    def https(self) -> bool:
        """Whether browsers reach it over https; plain http is loopback only."""
        return self.public_url.startswith("https://")

    @property
    def base_url(self) -> str:
        """Its address without a final slash."""
        return self.public_url + self.base_path

    @property
    def authority(self) -> bytes:
        """What browsers send as ``Host``."""
        return urlsplit(self.public_url).netloc.encode("ascii")

    def callback_url(self, provider: str) -> str:
        """Return the one redirect URI that it has at *provider*."""
        return f"{self.base_url}/bff/callback/{provider}"

    def covers(self, path: bytes) -> bool:
        """Return whether *path* lies within it."""
        base = self.base_path.encode("ascii")
        return not base or path == base or path.startswith(base + b"/")


def require_apart(frontends: Sequence[Frontend]) -> None:
    """Pass when no two front ends could be taken for one another; else `ValueError`."""
    for index, one in enumerate(frontends):
        for other in frontends[:index]:
            if one.name == other.name:
                raise ValueError(f"the name {one.name!r} stands twice")
            if one.base_url == other.base_url:
                raise ValueError(f"{one.base_url} stands twice")
            # Cookies know hosts, not ports.
            same_host = urlsplit(one.public_url).hostname == urlsplit(other.public_url).hostname
            if same_host and one.cookie_name == other.cookie_name:
                raise ValueError(f"{one.name!r} and {other.name!r} share host and cookie_name")
            if one.public_url == other.public_url:
                outer, inner = sorted((one, other), key=lambda each: len(each.base_path))
                _require_room(outer, inner)


def _require_room(outer: Frontend, inner: Frontend) -> None:
    """Pass when *inner*, whose path wins, takes nothing of *outer*'s own away."""
    if not outer.covers(inner.base_path.encode("ascii")):
        return
    first = inner.base_path.removeprefix(outer.base_path).split("/")[1]
    if first in _OWN_SEGMENTS:
        raise ValueError(f"frontend {inner.name}.path: /{first} is the outer front end's own")
    hidden = [route.path for route in outer.routes if inner.covers(route.path.encode("ascii"))]
    if hidden:
        raise ValueError(f"frontend {inner.name}.path: hides the route {', '.join(hidden)}")


def require_provable(frontend: Frontend) -> None:
    """Pass when every proof of possession can name the address that it is for; else `ValueError`.

    A proof's ``htu`` (RFC 9449 §4.2) is made before one of several addresses is chosen.
    """
    if not any(provider.dpop for provider in frontend.providers):
        return
    for route in frontend.routes:
        schemes = {url.startswith("https://") for url in route.upstream}
        if route.token == "none" or len(route.upstream) == 1:  # noqa: S105 - a mode
            continue
        if route.upstream_host is None or len(schemes) > 1:
            raise ValueError(
                f"route {route.path}.upstream: with dpop and several addresses set upstream_host, "
                "which the proofs name, and let all addresses be of one scheme"
            )
