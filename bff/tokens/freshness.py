"""Which tokens of a set serve now, and which are due for renewal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bff.sessions.model import DEFAULT_AUDIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import AccessToken, TokenSet

AHEAD_S: Final = 30.0
_AHEAD_OF_LIFETIME = 0.2
_JUST_ISSUED_S = 10.0


class Freshness:
    """Judges tokens by this host's clock; *target* is as `RouteSettings.token_target` spells it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def find(self, tokens: TokenSet, target: str = DEFAULT_AUDIENCE) -> AccessToken | None:
        """Return the token for *target* where it needs no renewal: the hot path's whole work."""
        token = tokens.access_tokens.get(target)
        if token is None:
            return None
        ahead_s = min(AHEAD_S, token.lifetime_s * _AHEAD_OF_LIFETIME)
        return token if self._clock() < token.expires_at - ahead_s else None

    def is_valid(self, tokens: TokenSet, target: str) -> bool:
        """Return whether the token for *target* still serves, due for renewal or not."""
        token = tokens.access_tokens.get(target)
        return token is not None and self._clock() < token.expires_at

    def is_just_issued(self, tokens: TokenSet, target: str) -> bool:
        """Return whether the token for *target* is so new that another would fare no better."""
        token = tokens.access_tokens.get(target)
        return token is not None and self._clock() - token.issued_at < _JUST_ISSUED_S

    def still_valid(self, tokens: TokenSet) -> dict[str, AccessToken]:
        """Return the tokens that still serve, by their targets."""
        now = self._clock()
        return {key: token for key, token in tokens.access_tokens.items() if now < token.expires_at}
