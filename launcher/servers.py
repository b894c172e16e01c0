"""One party in this process, under a server that is set up for it.

The settings are read before anything listens, so that a fault is a line and not a dead worker.
"""

from __future__ import annotations

import logging
import resource
from typing import TYPE_CHECKING, Any, Protocol

from launcher import guard
from launcher.listening import listen, require_free
from launcher.words import CannotStart

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

# The launcher allows 30 s in all; a container's grace period is the same by default.
_DRAIN_S = 22
_KEEP_ALIVE_S = 75
_WORKER_STARTS_WITHIN_S = 60
_HEAD_FIELD_BYTES = 16_384
_LINE_BYTES = 8190


class Bound(Protocol):
    """What a server needs to know of a party's settings."""

    @property
    def host(self) -> str:
        """The address to listen on."""

    @property
    def port(self) -> int:
        """The port to listen on."""

    @property
    def workers(self) -> int:
        """How many processes share the port."""

    @property
    def management_host(self) -> str:
        """The address that operators' things are at."""

    @property
    def management_port(self) -> int:
        """Their port; 0 is a free one."""


def run_asgi(target: str, settings: Bound, *, setting: str, http: str) -> None:
    """Serve *target* (`module:name`) by uvicorn until SIGTERM; *http* names its protocol's class.

    Raises:
        CannotStart: the address cannot be had.
    """
    import uvicorn  # noqa: PLC0415 - the other parties never load it
    from uvicorn.supervisors import Multiprocess  # noqa: PLC0415 - as above

    _open_more_files()
    listener = _listen(settings, setting)
    config = uvicorn.Config(
        target,
        workers=settings.workers,
        loop="uvloop",
        http=http,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Who the client is, and by which scheme, is the gateway's to judge; no peer is believed.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        # On a busy machine a worker takes longer than uvicorn's 5 s to start; a replacement that is
        # not ready by then ends the whole rolling restart.
        timeout_worker_healthcheck=_WORKER_STARTS_WITHIN_S,
    )
    server = uvicorn.Server(config)
    if settings.workers == 1:
        server.run(sockets=[listener])
    else:
        guard.lead_workers()
        listener.set_inheritable(True)
        Multiprocess(config, sockets=[listener]).run()


def _listen(settings: Bound, setting: str) -> socket.socket:
    listener = listen(settings.host, settings.port, setting=setting)
    try:
        # A worker listens there, after the start; what is taken already is told now, in words.
        require_free(
            settings.management_host, settings.management_port, setting=f"{setting}MANAGEMENT_"
        )
    except CannotStart:
        listener.close()
        raise
    return listener


def _open_more_files() -> None:
    """Allow this process and its workers as many open files as the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run_wsgi(load: Callable[[], Any], settings: Bound, *, setting: str, threads: int) -> None:
    """Serve the application that *load* makes by gunicorn's thread workers until SIGTERM.

    Raises:
        CannotStart: the address cannot be had.
    """
    from launcher.gunicorn_server import Server  # noqa: PLC0415 - the gateway never loads it

    listener = _listen(settings, setting)
    options = {
        "bind": f"fd://{listener.fileno()}",
        "workers": settings.workers,
        "threads": threads,
        "worker_class": "gthread",
        "timeout": 60,
        "graceful_timeout": _DRAIN_S,
        "keepalive": _KEEP_ALIVE_S,
        "limit_request_line": _LINE_BYTES,
        "limit_request_field_size": _HEAD_FIELD_BYTES,
        "limit_request_fields": 100,
        "forwarded_allow_ips": "",
        "control_socket_disable": True,
        "accesslog": None,
    }
    logging.getLogger("gunicorn.error").setLevel(logging.INFO)
    Server(load, options).run()
