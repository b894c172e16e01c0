"""Rules that several settings share; each raises `ValueError` with what would be right."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from urllib.parse import SplitResult

_PLAIN_PATH = re.compile(r"/|(?:/[A-Za-z0-9_.~!$&'()*+,=:@-]+)+/?")
COOKIE_PREFIX: Final = re.compile(r"__(?:Host-Http|Host|Http|Secure)-")
_COOKIE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_NO_URL = "is not a URL of plain ASCII such as https://host.example"
_URL = re.compile(r"[!-\[\]-~]+")  # what is printable but the blank and the backslash
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_SCOPE = re.compile(r"[!#-\[\]-~]+")  # RFC 6749 §3.3
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-\[\]-~]+")
# What signing in leaves in a browser, and what forms and languages do.
_COOKIES_OF_OURS = re.compile(r"(?:login-.*|recent-sign-ins|sign-in-tries|forms|language)?")
_UNIX = "unix:"
_SOCKET = re.compile(r"(?:/[A-Za-z0-9._@+~-]+)+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_RSA_BITS_MIN = 2048


def is_loopback(host: str | None) -> bool:
    """Return whether *host* can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    # As browsers spell it in `Origin`: a name of another alphabet in its ASCII form.
    return bool(_HOST.fullmatch(host)) or ":" in host  # the latter was checked when it was split


def require_http_url(value: str, *, plain_http: bool = False) -> SplitResult:
    """Return *value* split, where it is an absolute http(s) URL without user, query or fragment."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(_NO_URL) from error  # its words may hold a part of a password
    if not _URL.fullmatch(value) or not _is_host(parts.hostname or "host"):
        raise ValueError(_NO_URL)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("must be an absolute URL such as https://host.example")
    if (
        parts.username
        or parts.password
        or parts.query
        or parts.fragment
        or value.endswith(("#", "?"))
    ):
        raise ValueError("must not carry a user, a query or a fragment")
    if parts.scheme == "http" and not plain_http and not is_loopback(parts.hostname):
        raise ValueError("plain http is accepted on loopback only; use https")
    return parts


def require_upstreams(values: Sequence[str], *, plain_http: bool = False) -> None:
    """Return if *values* are addresses of one upstream: URLs with one path, or unix sockets."""
    if not values:
        raise ValueError("must name at least one address")
    if len(set(values)) != len(values):
        raise ValueError("the same address stands twice")
    paths = set()
    for value in values:
        if value.startswith(_UNIX):
            if not _SOCKET.fullmatch(value.removeprefix(_UNIX)):
                raise ValueError("a unix socket is unix: and an absolute path of plain ASCII")
            paths.add("")
        else:
            paths.add(require_http_url(value, plain_http=plain_http).path.rstrip("/"))
    if len(paths) != 1:
        raise ValueError("all addresses of a route must have the same path")


def require_origin(value: str) -> str:
    """Return *value* as browsers spell an origin: lower case, no default port, no path."""
    parts = require_http_url(value)
    if parts.path not in {"", "/"}:
        raise ValueError("must be an origin without a path, such as https://app.example.com")
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    if port in {None, _DEFAULT_PORTS[parts.scheme]}:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def require_private_key(file: Path) -> None:
    """Return if *file* holds a key that client assertions can be signed with (RS256, ES256)."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    rsa = isinstance(key, RSAPrivateKey) and key.key_size >= _RSA_BITS_MIN
    if not rsa and not (
        isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)
    ):
        raise ValueError(
            f"{file} must hold an RSA key of {_RSA_BITS_MIN} bits or more, or a P-256 key, "
            "in PEM and without a passphrase"
        )


def require_plain_path(value: str) -> str:
    """Return *value* without a final slash, where it is a path that is read in one way only."""
    if not _PLAIN_PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError("must be a plain path such as /api")
    return value.rstrip("/") or "/"


def require_cookie_name(value: str) -> str:
    """Return *value*, where it is made of what every browser takes in a cookie's name."""
    if not _COOKIE_NAME.fullmatch(value):
        raise ValueError("must be made of letters, digits, - and _")
    if _COOKIES_OF_OURS.fullmatch(COOKIE_PREFIX.sub("", value)):
        raise ValueError("is, without its prefix, the name of another cookie of ours, or none")
    return value


def require_scopes(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return *values*, where each can stand in a list of scopes."""
    if not all(map(_SCOPE.fullmatch, values)):
        raise ValueError("a scope is printable ASCII without a blank, a quote or a backslash")
    return values


def require_resource(value: str) -> str:
    """Return *value*, where it is an absolute URI without a fragment (RFC 8707 §2)."""
    if not _ABSOLUTE_URI.fullmatch(value) or "#" in value:
        raise ValueError("must be an absolute URI without a fragment")
    return value


def words_or_list(value: object) -> object:
    """Let a list of words be written as one string, as the environment must."""
    return value.split() if isinstance(value, str) else value


def lines_or_list(value: object) -> object:
    """Let a list be written one item a line, as a secret file must."""
    if isinstance(value, str):
        return [line.strip() for line in value.splitlines() if line.strip()]
    return value
