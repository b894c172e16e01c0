"""A container's health check: `python -m launcher.probe`.

Whatever party this container runs, the ports of the image tell: at least one must listen, and each
that listens must be alive. It asks `/livez` and not `/readyz`: an outage of a database is no
reason to kill the processes that wait for it.
"""

from __future__ import annotations

import http.client
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS = {"BFF_PORT": 8000, "SSO_PORT": 9000, "WORKBENCH_PORT": 7000}
_TIMEOUT_S = 3


def is_healthy(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether what this container runs is alive."""
    ports = [int(environ.get(name, port)) for name, port in _PORTS.items()]
    statuses = [status for port in ports if (status := _status(port)) is not None]
    return bool(statuses) and all(status == http.client.OK for status in statuses)


def _status(port: int) -> int | None:
    """Return the status of `/livez`, None where nothing listens, 0 where there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.connect()
    except OSError:
        return None
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_healthy() else 1)
