"""Certificates that are replaced while the gateway runs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from bff.proxy.tls_contexts import TlsContexts
from bff.proxy.upstream_news import UpstreamNews
from bff.settings import UpstreamTls
from tests.support.authority import Authority

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


class Files:
    """Contexts of one upstream, their files, and a clock by hand."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.own = self.authority.certificate("ada.client")
        self.tls = UpstreamTls(self.authority.file, self.own)
        self.now = 0.0
        self.contexts = TlsContexts(UpstreamNews(), clock=lambda: self.now)

    async def find(self) -> ssl.SSLContext:
        """Return what a new connection gets."""
        return await self.contexts.find(self.tls, "/api")

    async def find_later(self) -> ssl.SSLContext:
        """Return what it gets when the files may be looked at again, and were."""
        self.now += 10.0
        await self.find()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        return await self.find()

    def replace(self, content: bytes) -> None:
        """Put *content* in the place of our certificate, as a renewal does."""
        fresh = self.own.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(self.own)


def told(logs: list[Any]) -> list[str]:
    """Return the events."""
    return [line["event"] for line in logs]


def test_a_renewed_certificate_holds_for_new_connections(tmp_path: Path) -> None:
    """It is read once, beside the calls; what did not change is not read again."""

    async def run() -> None:
        files = Files(tmp_path)
        with capture_logs() as logs:
            first = await files.find()
            assert await files.find_later() is first
            files.replace(files.authority.certificate("bob.client").read_bytes())
            assert await files.find() is first  # nobody has looked since
            second = await files.find_later()
            assert second is not first
            assert await files.find_later() is second
        assert told(logs) == ["upstream.tls_loaded"]
        await files.contexts.close()

    asyncio.run(run())


def test_the_last_good_one_holds(tmp_path: Path) -> None:
    """What cannot be used is told once, by its name and never its content; then all is well."""

    async def run() -> None:
        files = Files(tmp_path)
        first = await files.find()
        good = files.own.read_bytes()
        with capture_logs() as logs:
            files.replace(b"half of a certific")
            for _ in range(3):
                assert await files.find_later() is first
            assert told(logs) == ["upstream.tls_not_loaded"]
            assert "ada.client.pem" in str(logs[0]["hint"])
            assert "half of" not in str(logs)
            files.own.unlink()
            assert await files.find_later() is first
            files.replace(good)
            assert await files.find_later() is not first
        assert told(logs)[1:] == ["upstream.tls_not_loaded", "upstream.tls_loaded"]
        await files.contexts.close()

    asyncio.run(run())


def test_without_a_good_one_every_connection_is_refused(tmp_path: Path) -> None:
    """And read again by the next: there is nothing else to go by."""

    async def run() -> None:
        files = Files(tmp_path)
        good = files.own.read_bytes()
        files.replace(b"nothing")
        for _ in range(2):
            with pytest.raises(ValueError, match=r"ada\.client\.pem"):
                await files.find()
        files.replace(good)
        await files.find()
        await files.contexts.close()

    asyncio.run(run())
