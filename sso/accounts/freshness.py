"""Whether a sign-in is recent enough for a change that a thief of the open browser would make.

Spec: ASVS 7.5.1.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from sso.accounts.sessions import SignedIn
    from sso.clock import Clock


class Freshness:
    """Judges how long ago somebody proved who they are."""

    def __init__(self, clock: Clock, *, recent_s: int) -> None:
        self._clock = clock
        self._recent = timedelta(seconds=recent_s)

    def is_recent(self, signed_in: SignedIn) -> bool:
        """Return whether *signed_in* may change what keeps others out."""
        return self._clock() - signed_in.auth_time <= self._recent


def sign_in_address(next_address: str, *, again: bool = False) -> str:
    """Return where somebody signs in to go on at *next_address*; *again* tells them why."""
    fields = {"next": next_address, **({"again": "1"} if again else {})}
    return f"/sign-in?{urlencode(fields)}"
