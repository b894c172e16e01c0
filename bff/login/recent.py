"""The last sign-ins of this browser, kept by the browser itself in one small sealed cookie.

For a callback that comes late or twice, and for a browser that signs in round and round. It says
nothing of who signed in, opens no session, and costs Redis nothing.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final

import msgspec

from bff.login.return_to import HOME
from bff.login.sealed_cookie import SealedCookie

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bff.sessions.codec import KeyRing

LIFETIME_S: Final = 1800
LOOP_WINDOW_S: Final = 60
#: So many completed sign-ins within a minute are no person's doing.
LOOP_COUNT: Final = 10
_STARTS_KEPT = 4
_NAME_BYTES = 8
_RETURN_TO_LIMIT = 96  # a longer one is remembered as the start page: the cookie stays small
_PURPOSE: Final = b"recent sign-ins"


class Start(msgspec.Struct, frozen=True, array_like=True):
    """One attempt; *done* once it has become a session in this browser."""

    name: bytes
    provider: str
    return_to: str
    at: float
    done: bool = False


class Recent(msgspec.Struct, frozen=True, array_like=True):
    """The last attempts, newest first, and the Unix seconds of the last completions."""

    starts: tuple[Start, ...] = ()
    completed_at: tuple[int, ...] = ()


class RecentLogins:
    """Reads and writes the cookie."""

    def __init__(
        self, ring: KeyRing, *, secure: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._cookie = SealedCookie(
            ring, Recent, purpose=_PURPOSE, name="recent-sign-ins", secure=secure
        )
        self._clock = clock

    def started(
        self, cookies: Iterable[tuple[str, str]], *, state: str, provider: str, return_to: str
    ) -> str:
        """Return the ``Set-Cookie`` value that remembers a new attempt."""
        recent = self._read(cookies)
        kept = return_to if len(return_to) <= _RETURN_TO_LIMIT else HOME
        start = Start(_name_of(state), provider, kept, self._clock())
        starts = (start, *recent.starts)[:_STARTS_KEPT]
        return self._set(msgspec.structs.replace(recent, starts=starts))

    def completed(self, cookies: Iterable[tuple[str, str]], state: str, *, done: bool) -> str:
        """Return the value that remembers that the attempt with *state* came back.

        Args:
            cookies: of the request.
            state: of the attempt.
            done: it has become a session.
        """
        recent, name = self._read(cookies), _name_of(state)
        starts = tuple(
            msgspec.structs.replace(start, done=start.done or done) if start.name == name else start
            for start in recent.starts
        )
        completed_at = (int(self._clock()), *recent.completed_at)[:LOOP_COUNT]
        return self._set(Recent(starts, completed_at))

    def find(self, cookies: Iterable[tuple[str, str]], state: str, provider: str) -> Start | None:
        """Return this browser's attempt with *state* at *provider*, spent or not."""
        name = _name_of(state)
        starts = self._read(cookies).starts
        return next((one for one in starts if (one.name, one.provider) == (name, provider)), None)

    def is_loop(self, cookies: Iterable[tuple[str, str]]) -> bool:
        """Return whether this browser has come back too often within the last minute."""
        since = self._clock() - LOOP_WINDOW_S
        return sum(at >= since for at in self._read(cookies).completed_at) >= LOOP_COUNT

    def forget(self) -> str:
        """Return the value that takes the cookie away."""
        return self._cookie.set_cookie("", 0)

    def _read(self, cookies: Iterable[tuple[str, str]]) -> Recent:
        recent = self._cookie.find(cookies)
        if recent is None:
            return Recent()
        oldest = self._clock() - LIFETIME_S
        starts = tuple(start for start in recent.starts if start.at >= oldest)
        return msgspec.structs.replace(recent, starts=starts)

    def _set(self, recent: Recent) -> str:
        return self._cookie.set_cookie(self._cookie.seal(recent), LIFETIME_S)


def _name_of(state: str) -> bytes:
    return hashlib.sha256(state.encode(errors="surrogatepass")).digest()[:_NAME_BYTES]
