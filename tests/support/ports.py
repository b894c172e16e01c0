"""Free loopback ports."""

from __future__ import annotations

import contextlib
import itertools
import random
import socket

# Below 32768, where Linux begins to choose: neither a connection that goes out nor a server at
# port 0 takes one of these between our look and its use.
_FIRST, _LAST = 18_000, 32_000
_numbers = itertools.cycle(range(_FIRST, _LAST))
# Two runs on one machine do not go through them in step.
_ahead = itertools.islice(_numbers, random.SystemRandom().randrange(_LAST - _FIRST), None)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing listens on; none is given twice in a run."""
    while True:
        port = next(_ahead)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
