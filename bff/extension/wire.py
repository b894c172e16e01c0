"""HTTP towards upstreams from inside a view: every wait and size bounded, nothing remembered.

No cookie jar (one visitor's cookies must not reach another's call), no redirects (a token is
never taken to where a reply points), no proxy from the environment, no compression (a reply could
grow past every limit when it is unpacked).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import httpx2

from bff.problems import (
    UPSTREAM_BAD_REPLY,
    UPSTREAM_TIMEOUT,
    UPSTREAM_UNAVAILABLE,
    UPSTREAM_UNREACHABLE,
    Unavailable,
)
from bff.tokens.dpop import NONCE_HEADER, Proofs, asks_for_nonce
from httpkit.request_ids import HEADER as REQUEST_ID
from httpkit.request_ids import current_request_id, traceparent_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bff.sessions.model import BoundToken

BODY_LIMIT_BYTES: Final = 10 * 1024 * 1024
_CONNECT_TIMEOUT_S = 2.0
_POOL_TIMEOUT_S = 2.0
_CONNECTIONS = 64
_KEPT = 16
_REPEATABLE = frozenset({"GET", "HEAD"})
_NOT_NOW = frozenset({429, 503})
_UNAUTHORIZED = 401
_SERVER_ERROR = 500
_RETRY_AFTER_DIGITS = 5
# Ours to set, or nobody's: whatever a view hands on from its own request.
_NEVER_SENT = frozenset(
    {"authorization", "cookie", "accept-encoding", "dpop", "traceparent", "host"}
)
# What httpx2 calls a kept connection that the upstream had closed meanwhile.
_STALE = (httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.WriteError)


class UpstreamWire:
    """Pooled connections to upstreams; shared by the threads of one application."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_KEPT)
        self._transport = httpx2.HTTPTransport(limits=limits, trust_env=False)
        self._proofs = Proofs()

    def send(self, request: httpx2.Request, token: BoundToken) -> httpx2.Response:
        """Return the reply to *request* made with *token*, its body read whole.

        The reply does not hold the token: it is in no header that a view could print.

        Raises:
            Unavailable: ``upstream_unreachable``, ``upstream_timeout``, ``upstream_bad_reply``.
        """
        reply = self._send(request, token)
        if token.proof_key is not None:
            nonce = reply.headers.get(NONCE_HEADER, "")
            self._proofs.remember(str(request.url), nonce)
            challenges = reply.headers.get_list("WWW-Authenticate")
            refused = reply.status_code == _UNAUTHORIZED and asks_for_nonce(challenges)
            if refused and nonce and is_replayable(request):
                return self._send(request, token)
        return reply

    def close(self) -> None:
        """Close the pooled connections."""
        self._transport.close()

    def _send(self, request: httpx2.Request, token: BoundToken) -> httpx2.Response:
        try:
            return self._exchange(request, token)
        except _STALE as error:
            if request.method not in _REPEATABLE:
                raise Unavailable(UPSTREAM_UNREACHABLE, hint=type(error).__name__) from error
        return self._exchange_once(request, token)

    def _exchange_once(self, request: httpx2.Request, token: BoundToken) -> httpx2.Response:
        try:
            return self._exchange(request, token)
        except _STALE as error:
            raise Unavailable(UPSTREAM_UNREACHABLE, hint=type(error).__name__) from error

    def _credentials(self, request: httpx2.Request, bound: BoundToken) -> Iterator[tuple[str, str]]:
        token = bound.token
        yield "Authorization", f"{token.token_type} {token.value}"
        if bound.proof_key is not None:
            url = str(request.url)
            yield "DPoP", self._proofs.prove(bound.proof_key, request.method, url, token=token)

    def _exchange(self, request: httpx2.Request, token: BoundToken) -> httpx2.Response:
        sent = httpx2.Request(
            request.method,
            request.url,
            headers=[*request.headers.multi_items(), *self._credentials(request, token)],
            stream=request.stream,
            extensions=request.extensions,
        )
        deadline = time.monotonic() + request.extensions["timeout"]["read"]
        try:
            reply = self._transport.handle_request(sent)
            try:
                body = b"".join(_read(reply, deadline))
            finally:
                reply.close()
        except httpx2.TimeoutException as error:
            raise Unavailable(UPSTREAM_TIMEOUT, hint=type(error).__name__) from error
        except _STALE:
            raise
        except httpx2.HTTPError as error:
            raise Unavailable(UPSTREAM_UNREACHABLE, hint=type(error).__name__) from error
        bare = httpx2.Request(request.method, request.url)
        return httpx2.Response(reply.status_code, headers=reply.headers, content=body, request=bare)


def build_request(
    method: str, url: httpx2.URL, timeout_s: float, headers: dict[str, str], **body: object
) -> httpx2.Request:
    """Return the request with our own headers on it, still without a token."""
    given = {name: value for name, value in headers.items() if name.lower() not in _NEVER_SENT}
    request_id = current_request_id()
    ours = {
        "Accept-Encoding": "identity",
        REQUEST_ID: request_id,
        "traceparent": traceparent_for(request_id),
    }
    timeout = httpx2.Timeout(timeout_s, connect=_CONNECT_TIMEOUT_S, pool=_POOL_TIMEOUT_S)
    extensions = {"timeout": timeout.as_dict()}
    return httpx2.Request(
        method,
        url,
        headers={"Accept": "application/json", **given, **ours},
        extensions=extensions,
        **body,  # type: ignore[arg-type] # httpx2's own keywords, passed on
    )


def is_replayable(request: httpx2.Request) -> bool:
    """Return whether the request's body can be sent a second time."""
    return isinstance(request.stream, httpx2.ByteStream)


def require_answer(reply: httpx2.Response) -> httpx2.Response:
    """Return *reply* unless it says "not now" or that the upstream failed.

    Raises:
        Unavailable: 429 and 503 with the upstream's own ``Retry-After``; other 5xx as 502.
    """
    if reply.status_code in _NOT_NOW:
        after = reply.headers.get("Retry-After", "")
        known = after.isascii() and after.isdigit() and len(after) <= _RETRY_AFTER_DIGITS
        raise Unavailable(
            UPSTREAM_UNAVAILABLE,
            retry_after_s=int(after) if known else None,
            hint=f"status {reply.status_code}",
        )
    if reply.status_code >= _SERVER_ERROR:
        raise Unavailable(UPSTREAM_BAD_REPLY, hint=f"status {reply.status_code}")
    return reply


def _read(reply: httpx2.Response, deadline: float) -> Iterator[bytes]:
    if reply.headers.get("Content-Encoding", "identity") != "identity":
        raise Unavailable(UPSTREAM_BAD_REPLY, hint="encoded although identity was asked for")
    size = 0
    for piece in reply.stream:  # type: ignore[union-attr] # HTTPTransport streams synchronously
        size += len(piece)
        if size > BODY_LIMIT_BYTES:
            raise Unavailable(UPSTREAM_BAD_REPLY, hint="reply is too large")
        if time.monotonic() > deadline:
            raise Unavailable(UPSTREAM_TIMEOUT, hint="reply came too slowly")
        yield piece
