"""The OpenAPI document that scopes a route: read at the start, and anew now and then.

What it does not list does not pass. While there is none, nothing does; once there is one, it holds
until a better one is read.
"""

from __future__ import annotations

import asyncio
import http.client
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bff import events
from bff.problems import UPSTREAM_UNAVAILABLE, Unavailable
from bff.settings import UpstreamTls
from bff.settings.openapi import DOCUMENT_BYTES_MAX, Operations, parse_operations
from httpkit.events import get_logger

if TYPE_CHECKING:
    from bff.settings import RouteSettings

_WITHIN_S: Final = 5.0
_AGAIN_S: Final = 5.0
_PIECE_BYTES: Final = 64 * 1024


class ListedOperations:
    """The operations of one route; used from a worker's event loop alone."""

    def __init__(
        self, route: str, where: str, *, tls: UpstreamTls | None = None, refresh_s: float = 300.0
    ) -> None:
        """Nothing is read yet.

        Args:
            route: stands for it in events.
            where: the document's file, or its URL.
            tls: how the URL's server is known.
            refresh_s: how old it may be.
        """
        self._route = route
        self._where = where
        self._tls = tls or UpstreamTls()
        self._refresh_s = refresh_s
        self._operations: Operations | None = None

    @classmethod
    def of(cls, settings: RouteSettings) -> ListedOperations | None:
        """Return what *settings* name, None where a route is not scoped."""
        if settings.openapi is None:
            return None
        refresh_s = settings.openapi_refresh_s
        return cls(settings.path, settings.openapi, tls=settings.tls, refresh_s=refresh_s)

    def require(self, method: str, path: bytes) -> None:
        """Return if *method* is listed for *path*, the route's prefix apart.

        Raises:
            Refused: ``route_not_found``, ``method_not_allowed``.
            Unavailable: ``upstream_unavailable``; the document could not be read yet.
        """
        if self._operations is None:
            raise Unavailable(UPSTREAM_UNAVAILABLE, hint="no OpenAPI document yet")
        self._operations.require(method, path)

    async def load(self) -> bool:
        """Read the document; return whether it could be, and keep the former one otherwise."""
        try:
            async with asyncio.timeout(2 * _WITHIN_S):
                document = await asyncio.to_thread(read_document, self._where, self._tls)
            self._operations = parse_operations(document)
        except (OSError, ValueError, http.client.HTTPException) as error:
            hint = str(error) or type(error).__name__
            get_logger().warning(events.OPENAPI_NOT_LOADED, route=self._route, hint=hint)
            return False
        get_logger().info(events.OPENAPI_LOADED, route=self._route, paths=len(self._operations))
        return True

    async def keep(self) -> None:
        """Read the document again and again; never returns."""
        loaded = self._operations is not None
        while True:
            await asyncio.sleep(self._refresh_s if loaded else min(_AGAIN_S, self._refresh_s))
            loaded = await self.load()


def read_document(where: str, tls: UpstreamTls) -> bytes:
    """Return the document at *where*, a file or a URL; redirects are not followed.

    Raises:
        OSError: it cannot be read.
        ValueError: something else than a document is there.
    """
    if not where.startswith(("http://", "https://")):
        return Path(where).read_bytes()
    parts = urlsplit(where)
    if parts.scheme == "https":
        link: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=_WITHIN_S, context=tls.context()
        )
    else:
        link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_WITHIN_S)
    try:
        link.request("GET", parts.path or "/", headers={"Accept": "application/json"})
        reply = link.getresponse()
        if reply.status != http.client.OK:
            raise ValueError(f"the answer is {reply.status}")
        document = b""
        while piece := reply.read(_PIECE_BYTES):
            document += piece
            if len(document) > DOCUMENT_BYTES_MAX:
                raise ValueError("is too large")
        return document
    finally:
        link.close()


async def keep_up(documents: list[ListedOperations]) -> list[asyncio.Task[None]]:
    """Read *documents*, and return the tasks that go on reading them; cancel them at the end."""
    await asyncio.gather(*(document.load() for document in documents))
    return [asyncio.create_task(document.keep()) for document in documents]
