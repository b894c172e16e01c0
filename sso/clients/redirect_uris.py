"""Where an answer may be sent: what can be registered, and what counts as the same.

Spec: OAuth 2.1 §2.3.1 and §8.4.2; A-02 to A-04; S-015, S-017.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_CHARS: Final = 2_000
CHARACTERS: Final = "characters"
NO_ADDRESS: Final = "no_address"
NOT_WHOLE: Final = "not_whole"
SCHEME: Final = "scheme"
HOST: Final = "host"
PLAIN_HTTP: Final = "plain_http"
_WORDS: Final = {
    CHARACTERS: "must be printable ASCII without quotes, brackets or backslash",
    NO_ADDRESS: "must be an address",
    NOT_WHOLE: "must be one whole address: no fragment, no wildcard",
    SCHEME: "must be https, or a scheme of the app's own with a dot, as com.example.app:/back",
    HOST: "must name a host and no user",
    PLAIN_HTTP: "must be https; plain http is for loopback only",
}
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# What a browser would act upon instead of handing over, whatever its place in the address.
_FORBIDDEN_SCHEMES: Final = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "about", "view-source", "ws", "wss", "ftp"}
)
# What else the grammar lets a host have (`;`, `,`) would end a directive of our own policies.
_PLACE = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_PRINTABLE = re.compile(r"[!-~]+")
# `localhost` is missing on purpose: it may resolve to elsewhere (RFC 8252 §8.3).
_LOOPBACK_LITERAL = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)")


def registration_fault(uri: str) -> str | None:
    """Return in words why *uri* cannot be registered, or None."""
    code = fault_code(uri)
    return _WORDS[code] if code else None


def fault_code(uri: str) -> str | None:
    """Return the code of what keeps *uri* from being registered, or None."""
    if len(uri) > MAX_CHARS or not _PRINTABLE.fullmatch(uri) or set(uri) & set('\\"<>^`{|}'):
        return CHARACTERS
    try:
        parts = urlsplit(uri)
        _port = parts.port
    except ValueError:
        return NO_ADDRESS
    if "#" in uri or "*" in uri:
        return NOT_WHOLE
    if parts.scheme in {"http", "https"}:
        return _web_fault(parts.scheme, parts.hostname, parts.netloc)
    if parts.scheme in _FORBIDDEN_SCHEMES or "." not in parts.scheme:
        return SCHEME
    return None


def _web_fault(scheme: str, host: str | None, netloc: str) -> str | None:
    if not host or not _PLACE.fullmatch(netloc):
        return HOST
    if scheme == "http" and host not in _LOOPBACK:
        return PLAIN_HTTP
    return None


def matches(registered: Sequence[str], presented: str) -> bool:
    """Return whether *presented* is, character for character, one of *registered*.

    The one exception is the port of a loopback literal: a native app takes what is free.
    """
    if presented in registered:
        return True
    form = _without_loopback_port(presented)
    return form is not None and any(_without_loopback_port(each) == form for each in registered)


def origin_of(uri: str) -> str:
    """Return the CSP source that *uri* is of: its origin, or its scheme where it has none."""
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https"}:
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"


def is_of_same_origin(uri: str, registered: Sequence[str]) -> bool:
    """Return whether *uri* is a web address of the origin of one of *registered*."""
    web = uri.startswith(("https://", "http://")) and fault_code(uri) is None
    return web and origin_of(uri) in [origin_of(each) for each in registered]


def host_of(uri: str) -> str:
    """Return what a person is shown of *uri*: its host, or its scheme where it has none."""
    parts = urlsplit(uri)
    return parts.hostname or f"{parts.scheme}:"


def _without_loopback_port(uri: str) -> tuple[str, str] | None:
    if not _PRINTABLE.fullmatch(uri) or "#" in uri or "\\" in uri:
        return None
    match = _LOOPBACK_LITERAL.fullmatch(uri)
    return (match.group(1), match.group(2)) if match else None
