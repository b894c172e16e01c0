"""A link's socket ends with its link, in whatever order the garbage collector comes to them.

redis-py closes the socket in the link's ``__del__``. An application that a test leaves is a cycle
of garbage with links in it, and so is an error with its traceback; where the collector comes to the
socket first, that is a ``ResourceWarning``, and the failure of whichever test runs just then. Which
comes first depends on the collections before.
"""

from __future__ import annotations

import weakref
from typing import Any

from redis.connection import AbstractConnection


def end_with_their_owners() -> None:
    """Let every link to Redis keep its socket out of the collector's reach until it ends."""
    really = AbstractConnection.connect_check_health

    def connect_and_keep(self: Any, *given: Any, **named: Any) -> None:  # noqa: ANN401 - as redis-py's
        before = self._sock
        really(self, *given, **named)
        if self._sock is not before:
            weakref.finalize(self, self._sock.close).atexit = False

    AbstractConnection.connect_check_health = connect_and_keep  # type: ignore[method-assign]
