"""Carry a request across our own pages: sealed, in the address, stored nowhere.

The browser cannot change what was judged, and a thousand requests that nobody finishes leave
nothing behind (S-117). The link opens nothing by itself: what follows still needs the person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec

from httpkit.problems import Refused
from sso.keys.ring import Unsealable
from sso.problems import REQUEST_EXPIRED, REQUEST_INVALID
from sso.requests.model import AuthorizationRequest

if TYPE_CHECKING:
    from sso.clock import Clock
    from sso.keys.ring import KeyRing

RESUME_PATH: Final = "/oauth/authorize/resume"
FIELD: Final = "request"
_PURPOSE = "authorization request"
_FUTURE_S = 60

RequestT = TypeVar("RequestT")


class Carrier:
    """Seals requests into addresses and opens them again."""

    def __init__(self, ring: KeyRing, clock: Clock, *, ttl_s: int) -> None:
        self._ring = ring
        self._clock = clock
        self._ttl_s = ttl_s

    def seal(self, request: AuthorizationRequest) -> str:
        """Return *request* in characters that need no escaping in an address."""
        return self._ring.seal_text(_PURPOSE, msgspec.json.encode(request))

    def open(self, sealed: str) -> AuthorizationRequest:
        """Return the request.

        Raises:
            Refused: never sealed here, or older than a person would leave a page open.
        """
        try:
            plain = self._ring.open_text(_PURPOSE, sealed)
            request = msgspec.json.decode(plain, type=AuthorizationRequest)
        except (Unsealable, msgspec.DecodeError) as error:
            raise Refused(REQUEST_INVALID, hint="the carried request cannot be opened") from error
        age_s = self._clock().timestamp() - request.started_at
        if not -_FUTURE_S <= age_s <= self._ttl_s:
            raise Refused(REQUEST_EXPIRED, hint="the carried request is too old")
        return request

    def resume_address(self, request: AuthorizationRequest) -> str:
        """Return the local address at which *request* goes on."""
        return f"{RESUME_PATH}?{urlencode({FIELD: self.seal(request)})}"

    def request_behind(self, address: str) -> AuthorizationRequest | None:
        """Return the request that the local *address* would go on with, if it is such a one."""
        parts = urlsplit(address)
        sealed = parse_qs(parts.query).get(FIELD, [])
        if parts.path != RESUME_PATH or len(sealed) != 1:
            return None
        try:
            return self.open(sealed[0])
        except Refused:
            return None
