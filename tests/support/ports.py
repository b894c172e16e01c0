"""Free loopback ports."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of *host* that nothing listened on a moment ago.

    The kernel hands out ephemeral ports in a wide cycle, so two calls do not meet.
    """
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
