"""Header rules, both ways: what passes, what never does, and what is ours alone to say.

Spec: RFC 9110 §7.6.1 (hop by hop), §12.5.5 (Vary); RFC 9111 §5.2.2; RFC 7239; RFC 10017 §6.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# Said by us, decided by framing, or a claim that only an authenticating proxy may make.
_NEVER_UP = _HOP_BY_HOP | {
    b"authorization",
    b"cf-connecting-ip",
    b"content-length",
    b"cookie",
    b"cookie2",
    b"dpop",
    b"expect",
    b"forwarded",
    b"front-end-https",
    b"host",
    b"proxy",
    b"remote-addr",
    b"remote-email",
    b"remote-groups",
    b"remote-name",
    b"remote-user",
    b"traceparent",
    b"tracestate",
    b"true-client-ip",
    b"x-access-token",
    b"x-authenticated-user",
    b"x-client-ip",
    b"x-cluster-client-ip",
    b"x-email",
    b"x-groups",
    b"x-host",
    b"x-http-method",
    b"x-http-method-override",
    b"x-id-token",
    b"x-method",
    b"x-method-override",
    b"x-proxy-user",
    b"x-real-ip",
    b"x-request-id",
    b"x-script-name",
    b"x-sub",
    b"x-subject",
}
_NEVER_UP_PREFIXES = (
    b"ssl-client-",
    b"x-amzn-oidc-",
    b"x-auth-",
    b"x-client-cert",
    b"x-forwarded",
    b"x-goog-authenticated-user",
    b"x-goog-iap-",
    b"x-ms-client-principal",
    b"x-ms-token-",
    b"x-original-",
    b"x-remote-",
    b"x-rewrite-",
    b"x-ssl-client",
    b"x-user",
    b"x-webauth-",
)

# Beside hop-by-hop: what an upstream may not do to our origin, our caches, or the server before us.
_NEVER_DOWN = _HOP_BY_HOP | {
    b"access-control-allow-credentials",
    b"access-control-allow-origin",
    b"alt-svc",
    b"cache-control",
    b"clear-site-data",
    b"dpop-nonce",
    b"set-cookie2",
    b"surrogate-control",
    b"vary",
    b"x-accel-charset",
    b"x-accel-expires",
    b"x-accel-limit-rate",
    b"x-accel-redirect",
    b"x-request-id",
    b"x-sendfile",
}
_JUDGED_DOWN = _NEVER_DOWN | {b"set-cookie"}
_NEVER_DOWN_SUFFIX = b"cdn-cache-control"

_CACHE_CONTROL: Final = b"private, no-store"
_CACHE_CONTROL_KEPT = (b"no-cache", b"must-revalidate", b"proxy-revalidate", b"no-transform")
_PLAIN_CONNECTION: Final = frozenset({b"keep-alive", b"close", b"Keep-Alive"})
_MEMO_LIMIT: Final = 4096


class UpstreamHeaders:
    """Writes the header block of a request to an upstream.

    The host and scheme that it tells are those of ``public_url``, never of the request.
    """

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        host, proto = parts.netloc.encode("ascii"), parts.scheme.encode("ascii")
        self._after_client = b';host="%b";proto=%b\r\nx-forwarded-for: ' % (host, proto)
        self._after_address = b"\r\nx-forwarded-host: %b\r\nx-forwarded-proto: %b\r\n" % (
            host,
            proto,
        )
        self._forwarded: dict[str, bytes] = {}
        self._passes: dict[bytes, bool] = {}

    def sieve(self, received: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return the lines of the browser's that go on, names in lower case, each ended by CRLF."""
        passes = self._passes
        kept = []
        named = None
        for line in received:
            name = line[0]
            passed = passes.get(name)
            if passed is None:
                passed = self._judge(name)
            if passed:
                kept.append(b"%b: %b\r\n" % line)
            elif name == b"connection" and line[1] not in _PLAIN_CONNECTION:
                named = connection_options(received)
        return b"".join(kept if named is None else _without(kept, named))

    def ours(self, *, client_ip: str, request_id: str, span_id: str, credentials: str) -> bytes:
        """Return the lines that we say ourselves, ``Host`` and framing apart.

        They follow the sieve's: no ``Connection`` option of the browser's can name them away.

        Args:
            client_ip: the peer's address.
            request_id: 32 hexadecimal digits; the trace id too.
            span_id: 16 hexadecimal digits, new for this call.
            credentials: whole lines, as `Credentials` writes them; empty on routes without.
        """
        trace = f"traceparent: 00-{request_id}-{span_id}-01"
        ours = f"x-request-id: {request_id}\r\n{trace}\r\n{credentials}"
        forwarded = self._forwarded.get(client_ip) or self._write_forwarded(client_ip)
        return forwarded + ours.encode("ascii")

    def _judge(self, name: bytes) -> bool:
        passed = passes_up(name)
        if len(self._passes) < _MEMO_LIMIT:
            self._passes[name] = passed
        return passed

    def _write_forwarded(self, client_ip: str) -> bytes:
        address = client_ip.encode("ascii")
        node = b'"[%b]"' % address if b":" in address else address
        block = b"".join(
            (b"forwarded: for=", node, self._after_client, address, self._after_address)
        )
        if len(self._forwarded) >= _MEMO_LIMIT:
            self._forwarded.clear()
        self._forwarded[client_ip] = block
        return block


def _without(lines: Iterable[bytes], named: frozenset[bytes]) -> list[bytes]:
    return [line for line in lines if line.split(b":", 1)[0] not in named]


def passes_up(name: bytes) -> bool:
    """Return whether a request header of this name (lower case) is relayed at all.

    A name with an underscore never is: CGI and WSGI read `X_User` as `X-User`.
    """
    return not (
        b"_" in name
        or name in _NEVER_UP
        or name.startswith(_NEVER_UP_PREFIXES)
        or not name.isascii()
    )


def connection_options(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes] | None:
    """Return the names that ``Connection`` declares hop-by-hop, or None if it names none."""
    named: set[bytes] = set()
    for name, value in headers:
        if name == b"connection":
            named.update(option.strip(b" \t") for option in value.lower().split(b","))
    return frozenset(named) or None


class ReplyHeaders:
    """Sieves the headers of an upstream's reply on their way to the browser."""

    def __init__(self, own_cookies: Iterable[str] = ()) -> None:
        """Take the names of the cookies that no upstream may set, whatever its route allows."""
        self._own_cookies = frozenset(name.encode("ascii") for name in own_cookies)

    def sieve(
        self, received: Sequence[tuple[bytes, bytes]], *, request_id: str, allow_set_cookie: bool
    ) -> Headers:
        """Return what the browser gets.

        Args:
            received: as the upstream sent them, names in lower case.
            request_id: ours, in the place of any that the upstream made up.
            allow_set_cookie: the route lets the upstream set cookies of its own.
        """
        kept: Headers = []
        named = caching = varying = None
        for line in received:
            name = line[0]
            if name in _JUDGED_DOWN or name.endswith(_NEVER_DOWN_SUFFIX):
                if name == b"connection":
                    if line[1] not in _PLAIN_CONNECTION:
                        named = connection_options(received)
                elif name == b"cache-control":
                    caching = cache_control(received)
                elif name == b"vary":
                    varying = vary(received)
                elif name == b"set-cookie" and allow_set_cookie and self._is_foreign(line[1]):
                    kept.append(line)
            else:
                kept.append(line)
        if named is not None:
            kept = [line for line in kept if line[0] not in named]
        kept.append((b"cache-control", caching or _CACHE_CONTROL))
        kept.append((b"vary", varying or b"Cookie"))
        kept.append((b"x-request-id", request_id.encode("ascii")))
        return kept

    def _is_foreign(self, set_cookie: bytes) -> bool:
        name = set_cookie.split(b";", 1)[0].split(b"=", 1)[0].strip(b" \t")
        # A nameless cookie `=session=x` comes back as `session=x`.
        return bool(name) and name not in self._own_cookies


def cache_control(received: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return ``private, no-store`` and whatever the upstream said that is stricter still."""
    value = b",".join(value for name, value in received if name == b"cache-control").lower()
    if not value:
        return _CACHE_CONTROL
    said = {directive.split(b"=", 1)[0].strip(b" \t") for directive in value.split(b",")}
    return b", ".join((_CACHE_CONTROL, *(word for word in _CACHE_CONTROL_KEPT if word in said)))


def vary(received: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the upstream's ``Vary`` with ``Cookie`` in it."""
    value = b", ".join(value for name, value in received if name == b"vary")
    if not value:
        return b"Cookie"
    fields = {field.strip(b" \t") for field in value.lower().split(b",")}
    return value if b"cookie" in fields else value + b", Cookie"
