"""Lines of proxied calls: what a full disk takes is counted, and no call pays for it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from bff.proxy.access_log import AccessLog
from bff.proxy.call import Call
from httpkit.metrics import HttpMetrics


async def _record(log: AccessLog, calls: int) -> None:
    for _ in range(calls):
        log.record(Call("0" * 32, "1" * 16, "GET", "/api", 0.0, status=200))
    log.close()


@pytest.mark.rule("F-21")
def test_lines_that_cannot_be_written_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A full disk: the calls are counted all the same, and so are their missing lines (F-21)."""
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    before = registry.get_sample_value("log_lines_lost_total")
    assert before is not None
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stderr", full)
        asyncio.run(_record(AccessLog(metrics), 30))
    labels = {"method": "GET", "route": "/api", "status": "200"}
    assert registry.get_sample_value("http_requests_total", labels) == 30
    assert registry.get_sample_value("log_lines_lost_total") == before + 30

    with (tmp_path / "log").open("wb", buffering=0) as roomy:
        monkeypatch.setattr(sys, "stderr", roomy)
        asyncio.run(_record(AccessLog(metrics), 30))
    assert (tmp_path / "log").read_text().count('"route":"/api"') == 30
    assert registry.get_sample_value("log_lines_lost_total") == before + 30
