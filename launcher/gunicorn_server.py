"""gunicorn without its command line, its own log format and its name in every answer."""

from __future__ import annotations

import logging
import signal
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.wsgi import Response

from launcher import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

_plain_default_headers = Response.default_headers


def _nameless(response: Response) -> list[str]:
    """Return the headers that gunicorn adds by itself, without `Server`."""
    return [line for line in _plain_default_headers(response) if not line.startswith("Server:")]


class _PartyLogger(Logger):  # type: ignore[misc]
    """Hands gunicorn's few lines to the party's own log, which writes JSON."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn's own type has no name here
        """Set no handlers of its own."""
        super().setup(cfg)
        for name in ("gunicorn.error", "gunicorn.access"):
            logger = logging.getLogger(name)
            logger.handlers.clear()
            logger.propagate = True


class Server(BaseApplication):  # type: ignore[misc]
    """A gunicorn master over one application."""

    def __init__(self, load: Callable[[], Any], options: Mapping[str, Any]) -> None:
        self._load = load
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        """Take our options; a gunicorn.conf.py that lies about is not read."""
        Response.default_headers = _nameless
        guard.lead_workers()
        for name, value in self._options.items():
            self.cfg.set(name, value)
        self.cfg.set("logger_class", _PartyLogger)
        self.cfg.set("post_fork", _follow)
        self.cfg.set("post_worker_init", _tell_when_asked_to_end)

    def load(self) -> Any:  # noqa: ANN401 - any WSGI application
        """Return the application; called in each worker."""
        return self._load()


def _follow(_server: object, _worker: object) -> None:
    guard.follow_leader()


def _tell_when_asked_to_end(worker: Any) -> None:  # noqa: ANN401 - gunicorn's own type
    """Let the application know of SIGTERM, where it wants to: an answer may have no end of its own.

    It says so by a callable `extensions["leaving"]`, which is run in the signal's handler.
    """
    leaving = getattr(worker.wsgi, "extensions", {}).get("leaving")
    if leaving is None:
        return
    own = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        leaving()
        if callable(own):
            own(number, frame)

    signal.signal(signal.SIGTERM, end)
