"""A cookie jar that keeps to the rules that matter here: SameSite, prefixes, host, path, expiry.

Spec: RFC 6265bis §4.1.3 (prefixes), §5.2 (same-site), §5.6 (storage), §5.7 (retrieval).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Cookie:
    """One stored cookie."""

    name: str
    value: str
    host: str
    path: str
    secure: bool
    http_only: bool
    same_site: str
    expires_at: float | None
    has_domain: bool


@dataclass(frozen=True)
class Step:
    """What decides which cookies a request carries.

    Attributes:
        cross_site: a foreign page, or a foreign hop of a redirect chain, led here.
        navigation: the address bar changes; otherwise a page asks in the background.
    """

    host: str
    path: str
    method: str = "GET"
    cross_site: bool = False
    navigation: bool = True


class Jar:
    """The cookies of one browser."""

    def __init__(self) -> None:
        self.cookies: dict[tuple[str, str, str], Cookie] = {}

    def store(self, host: str, request_path: str, header: str) -> None:
        """Obey one Set-Cookie *header* of *host*; what breaks a rule is dropped, as browsers do."""
        cookie = parse_set_cookie(host, request_path, header)
        if not prefix_allows(cookie):
            return
        key = (cookie.host, cookie.path, cookie.name)
        if cookie.expires_at is not None and cookie.expires_at <= time.time():
            self.cookies.pop(key, None)
        else:
            self.cookies[key] = cookie

    def header_for(self, step: Step) -> str | None:
        """Return the Cookie header of a request, longest path first, or None."""
        chosen = [cookie for cookie in self.cookies.values() if _goes_along(cookie, step)]
        chosen.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in chosen) or None

    def named(self, name: str, host: str | None = None) -> list[Cookie]:
        """Return the cookies called *name*, of *host* alone if given."""
        return [
            cookie
            for cookie in self.cookies.values()
            if cookie.name == name and host in {None, cookie.host}
        ]

    def values(self) -> Iterable[str]:
        """Return the value of every cookie."""
        return [cookie.value for cookie in self.cookies.values()]


def parse_set_cookie(host: str, request_path: str, header: str) -> Cookie:
    """Return what one Set-Cookie *header* asks for; the absent SameSite means Lax."""
    pair, *attributes = header.split(";")
    name, _, value = pair.strip().partition("=")
    given = {}
    for attribute in attributes:
        key, _, content = attribute.strip().partition("=")
        given[key.lower()] = content
    return Cookie(
        name=name,
        value=value,
        host=host,
        path=given.get("path") or _default_path(request_path),
        secure="secure" in given,
        http_only="httponly" in given,
        same_site=given.get("samesite", "Lax").lower(),
        expires_at=_expires_at(given),
        has_domain="domain" in given,
    )


def prefix_allows(cookie: Cookie) -> bool:
    """Tell whether the name's prefix lets the cookie be stored."""
    name = cookie.name.lower()
    if name.startswith(("__host-http-", "__http-")) and not cookie.http_only:
        return False
    if name.startswith("__host-"):
        return cookie.secure and not cookie.has_domain and cookie.path == "/"
    return cookie.secure or not name.startswith("__secure-")


def _goes_along(cookie: Cookie, step: Step) -> bool:
    if cookie.host != step.host or not _path_matches(step.path, cookie.path):
        return False
    if cookie.expires_at is not None and cookie.expires_at <= time.time():
        return False
    if not step.cross_site or cookie.same_site == "none":
        return True
    return cookie.same_site == "lax" and step.navigation and step.method in SAFE_METHODS


def _path_matches(path: str, scope: str) -> bool:
    return path == scope or path.startswith(scope if scope.endswith("/") else scope + "/")


def _default_path(request_path: str) -> str:
    return request_path.rpartition("/")[0] or "/"


def _expires_at(given: dict[str, str]) -> float | None:
    if "max-age" in given:
        return time.time() + int(given["max-age"])
    if "expires" in given:
        return parsedate_to_datetime(given["expires"]).timestamp()
    return None
