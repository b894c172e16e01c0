"""Sign many people in at a peer and keep the cookie each came away with."""

from __future__ import annotations

import contextlib
import http.client
import time
from typing import TYPE_CHECKING

from bench.stage import CannotRun
from bench.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.peers.base import Standing

_WHY_BYTES = 160
_TRIES = 4
_TRY_AGAIN_AFTER_S = 1.0


def sign_in_many(standing: Standing, people: int) -> list[str]:
    """Return the ``Cookie`` headers of *people* who each signed in by the peer's own login.

    The first of them also makes a call, so that a peer that is set up wrongly fails here, in words.

    Raises:
        CannotRun: signing in or the call failed.
    """
    origin = f"http://localhost:{standing.port}"
    if standing.login_url is None:
        _prove(Visitor(), origin)
        return []
    headers = []
    for number in range(people):
        with _as_cannot_run():
            visitor = _sign_in_patiently(standing.login_url)
            if number == 0:
                _prove(visitor, origin)
        header = visitor.cookie_header(origin, "/api/small")
        if not header:
            raise CannotRun("signing in left no cookie")
        headers.append(header)
    return headers


def _sign_in_patiently(login_url: str) -> Visitor:
    """Return somebody who is signed in, trying again as a person would on a busy machine."""
    for _ in range(_TRIES - 1):
        visitor = Visitor()
        with contextlib.suppress(CannotRun):
            visitor.sign_in(login_url)
            return visitor
        time.sleep(_TRY_AGAIN_AFTER_S)
    visitor = Visitor()
    visitor.sign_in(login_url)
    return visitor


@contextlib.contextmanager
def _as_cannot_run() -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as failure:
        raise CannotRun(f"signing in: {failure!r}") from failure


def _prove(visitor: Visitor, origin: str) -> None:
    answer = visitor.get(f"{origin}/api/small")
    if answer.status != 200 or b"the benchmark" not in answer.body:
        said = answer.body[:_WHY_BYTES].decode(errors="replace")
        raise CannotRun(f"a signed-in call answered {answer.status}: {said}")
