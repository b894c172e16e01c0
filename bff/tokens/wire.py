"""HTTP towards providers: every wait, every size and every foreign error bounded at this edge.

Requests run in worker threads, never on the event loop.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import httpx2
import msgspec
from authlib.integrations.base_client import OAuthError

from bff.problems import (
    PROVIDER_ERROR,
    PROVIDER_UNAVAILABLE,
    Refused,
    Unavailable,
)
from bff.tokens.network import Backend, PooledTransport

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from bff.tokens.network import Names

TOTAL_S: Final = 4.0
_TIMEOUT = httpx2.Timeout(connect=1.0, read=3.0, write=2.0, pool=1.0)
_BODY_LIMIT_BYTES = 1024 * 1024
_RETRY_AFTER_LIMIT_S = 120
_DIGITS = 10
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_OK = range(200, 300)
# What httpx2 calls a reply that may have been sent and never came.
REPLY_LOST: Final = frozenset({"ReadError", "ReadTimeout", "RemoteProtocolError", "WriteError"})
_PASSING_ERRORS = frozenset({"temporarily_unavailable", "server_error"})


class GrantRefused(Exception):  # noqa: N818 - the provider's answer, not an error of ours
    """The provider answered with an OAuth error (RFC 6749 §5.2); *error* is its code."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class ProviderFault(Refused):
    """The provider gave an answer that no valid provider gives; 502, and nothing is kept of it."""

    def __init__(self, hint: str) -> None:
        super().__init__(PROVIDER_ERROR, hint=hint)


@cache
def _trusted() -> ssl.SSLContext:
    # Once a process: reading every trusted certificate takes longer than all else at the start.
    return httpx2.create_ssl_context(trust_env=False)


class BoundedTransport(httpx2.BaseTransport):
    """Sends a request and returns its reply whole: at most 4 s, 1 MiB, unencoded, not followed."""

    def __init__(self, *, total_s: float = TOTAL_S, names: Names | None = None) -> None:
        limits = httpx2.Limits(max_connections=32, max_keepalive_connections=8)
        backend = Backend(names)
        self._total_s = total_s
        self._deadline = backend.deadline
        self._inner = PooledTransport(backend, tls=_trusted(), limits=limits)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the reply with its body read; httpx2's own errors are left to the caller."""
        # A compressed reply could grow past every limit when it is unpacked.
        request.headers["Accept-Encoding"] = "identity"
        with self._deadline.within(self._total_s):
            reply = self._inner.handle_request(request)
            try:
                body = _read(reply)
            finally:
                reply.close()
        return httpx2.Response(
            reply.status_code, headers=reply.headers, content=body, request=request
        )

    def close(self) -> None:
        """Close the pooled connections."""
        self._inner.close()


def _read(reply: httpx2.Response) -> bytes:
    if reply.headers.get("Content-Encoding", "identity") != "identity":
        raise ProviderFault("reply is encoded although identity was asked for")
    body = bytearray()
    for chunk in reply.stream:  # type: ignore[union-attr] # HTTPTransport streams synchronously
        body += chunk
        if len(body) > _BODY_LIMIT_BYTES:
            raise ProviderFault("reply is too large")
    return bytes(body)


def open_client(transport: httpx2.BaseTransport) -> httpx2.Client:
    """Return a plain client over *transport*, for documents that need no client authentication."""
    return httpx2.Client(transport=transport, timeout=_TIMEOUT, trust_env=False)


CLIENT_OPTIONS: Final = {"timeout": _TIMEOUT, "trust_env": False}


@contextmanager
def provider_errors() -> Iterator[None]:
    """Translate what a call to a provider raises.

    Raises:
        GrantRefused: an OAuth error that says no.
        Unavailable: no answer, or one that says "not now"; may be repeated.
        ProviderFault: an answer that cannot be used.
    """
    try:
        yield
    except httpx2.TransportError as error:
        raise Unavailable(PROVIDER_UNAVAILABLE, hint=type(error).__name__) from error
    except OAuthError as error:
        if error.error in _PASSING_ERRORS:
            raise Unavailable(PROVIDER_UNAVAILABLE, hint=error.error) from error
        raise GrantRefused(str(error.error)) from error
    except (httpx2.HTTPError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ProviderFault(f"reply cannot be read: {type(error).__name__}") from error


def require_answer(reply: httpx2.Response) -> httpx2.Response:
    """Return *reply* unless it says "not now" or sends us elsewhere.

    Raises:
        Unavailable: 429 or 5xx, with the provider's own ``Retry-After`` where it gives one.
        ProviderFault: a redirect; a token or a key is never fetched from where a reply points.
    """
    status = reply.status_code
    if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
        raise Unavailable(
            PROVIDER_UNAVAILABLE,
            retry_after_s=_retry_after_s(reply.headers.get("Retry-After", "")),
            hint=f"status {status}",
        )
    if reply.is_redirect:
        raise ProviderFault(f"reply redirects with {status}")
    return reply


def require_document(reply: httpx2.Response) -> bytes:
    """Return the body of a reply that must be a document; raises as `require_answer`."""
    if require_answer(reply).status_code not in _OK:
        raise ProviderFault(f"status {reply.status_code} in place of a document")
    return reply.content


def require_plain(claims: dict[str, Any]) -> dict[str, Any]:
    """Return *claims* where a session can hold them and a page can read them.

    Raises:
        ProviderFault: lone surrogates, not-a-numbers, integers beyond 64 bits, endless nesting:
            JSON to a lenient parser, and a failure of ours wherever they go next.
    """
    try:
        json.dumps(claims, allow_nan=False, ensure_ascii=False).encode()
        msgspec.msgpack.encode(claims)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ProviderFault("claims that nobody can hold") from error
    return claims


def _retry_after_s(value: str) -> int | None:
    if not (value.isascii() and value.isdigit()):
        return None
    # By length first: Python refuses to read a number of thousands of digits.
    return min(int(value), _RETRY_AFTER_LIMIT_S) if len(value) < _DIGITS else _RETRY_AFTER_LIMIT_S
