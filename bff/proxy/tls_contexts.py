"""TLS contexts of upstreams, made anew when their files change.

Certificates are replaced while we run. The files are looked at when a connection is opened, at most
once in ten seconds, beside the calls; what cannot be used is told once, and the last good context
holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from bff.proxy.upstream_news import UpstreamNews
    from bff.settings import UpstreamTls

    Mark = tuple[tuple[int, int, int] | None, ...]

_LOOK_EVERY_S: Final = 10.0


class TlsContexts:
    """The contexts of one worker; used from its event loop alone."""

    def __init__(self, news: UpstreamNews, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is read yet; *news* is told of what changes, *clock* is monotonic."""
        self._news = news
        self._clock = clock
        self._contexts: dict[UpstreamTls, ssl.SSLContext] = {}
        self._marks: dict[UpstreamTls, Mark] = {}
        self._faults: dict[UpstreamTls, str] = {}
        self._look_at: dict[UpstreamTls, float] = {}
        self._looking: dict[UpstreamTls, asyncio.Task[None]] = {}

    async def find(self, tls: UpstreamTls, route: str) -> ssl.SSLContext:
        """Return the context for *tls*; *route* stands for it in events.

        Raises:
            ValueError: a file cannot be used, and there is no former context.
        """
        looking = self._looking.get(tls)
        if looking is None and self._clock() >= self._look_at.get(tls, 0.0):
            looking = self._looking[tls] = asyncio.create_task(self._look(tls, route))
        if tls not in self._contexts and looking is not None:
            await asyncio.shield(looking)
        context = self._contexts.get(tls)
        if context is None:
            raise ValueError(self._faults.get(tls, "not read"))
        return context

    async def close(self) -> None:
        """Look no more."""
        for looking in tuple(self._looking.values()):
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    async def _look(self, tls: UpstreamTls, route: str) -> None:
        try:
            # Before it is read: what changes meanwhile is another mark the next time.
            mark = await asyncio.to_thread(_mark_of, tls)
            if tls not in self._contexts or mark != self._marks.get(tls):
                self._marks[tls] = mark
                await self._read(tls, route)
        finally:
            del self._looking[tls]
            if tls in self._contexts:
                self._look_at[tls] = self._clock() + _LOOK_EVERY_S

    async def _read(self, tls: UpstreamTls, route: str) -> None:
        try:
            context = await asyncio.to_thread(tls.context)
        except ValueError as error:
            self._faults[tls] = str(error)
            self._news.tls_refused(route, str(error))
            return
        if tls in self._contexts:
            self._news.tls_renewed(route)
        self._contexts[tls] = context


def _mark_of(tls: UpstreamTls) -> Mark:
    """Return what changes with the files; empty where there are none."""
    return tuple(
        _file_mark(file)
        for file in (tls.ca_file, tls.certificate_file, tls.key_file)
        if file is not None
    )


def _file_mark(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
