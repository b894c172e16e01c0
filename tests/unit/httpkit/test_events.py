"""Logs are one JSON line a fact, and no line holds a secret."""

from __future__ import annotations

import io
import json
import logging
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
import structlog
from flask import Flask
from prometheus_client import CollectorRegistry

from httpkit.events import configure_logging, get_logger, install_access_log, log_bug
from httpkit.metrics import HttpMetrics, start_management_listener

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; the state of logging before the test comes back after it."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    configure_logging("bff", level="DEBUG", stream=stream, quiet=["noisy"])
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.rule("S-114")
def test_a_fact_is_one_json_line(stream: io.StringIO) -> None:
    """Event, party, level, time and fields; line breaks stay inside (S-114)."""
    get_logger().info("token.refreshed", sid="abc", agent='a\n{"event": "forged"}\x1b[31m')
    [line] = _lines(stream)
    assert (line["event"], line["party"], line["level"]) == ("token.refreshed", "bff", "info")
    assert line["at"].endswith("Z")
    assert line["agent"] == 'a\n{"event": "forged"}\x1b[31m'
    assert "\x1b" not in stream.getvalue()


@pytest.mark.rule("F-21")
def test_lines_that_a_full_disk_takes_are_counted(stream: io.StringIO) -> None:
    """Whoever logs goes on; the metric says how many lines are missing (F-21)."""
    registry = CollectorRegistry()
    HttpMetrics(registry)
    before = registry.get_sample_value("log_lines_lost_total")
    assert before is not None
    full = io.FileIO("/dev/full", "w")
    configure_logging("bff", stream=io.TextIOWrapper(full, write_through=True))
    get_logger().info("token.refreshed")
    get_logger().info("token.refreshed")
    full.close()
    get_logger().info("token.refreshed")
    assert registry.get_sample_value("log_lines_lost_total") == before + 3
    assert not stream.getvalue()


@pytest.mark.parametrize(
    "field", ["access_token", "refresh_token", "id_token", "code", "state", "cookie", "password"]
)
def test_a_field_named_like_a_secret_is_masked(stream: io.StringIO, field: str) -> None:
    """The net under the rope."""
    get_logger().error("slipped", **{field: "sesame"})
    assert "sesame" not in stream.getvalue()
    assert _lines(stream)[0][field] == "[masked]"


def test_libraries_write_the_same_lines_and_the_noisy_are_held(stream: io.StringIO) -> None:
    """Authlib prints tokens at DEBUG: it never gets to."""
    logging.getLogger("other").info("said %s", "this")
    logging.getLogger("noisy").info("secret")
    logging.getLogger("noisy").warning("loud")
    assert [line["event"] for line in _lines(stream)] == ["said this", "loud"]


def test_a_bug_is_written_with_its_traceback(stream: io.StringIO) -> None:
    """On one line."""
    with pytest.raises(ValueError, match="invalid literal") as error:
        int("why")
    log_bug(error.value)
    [line] = _lines(stream)
    assert line["event"] == "http.failed"
    assert "ValueError: invalid literal" in line["exception"]


def test_the_access_log_names_the_route_and_not_the_path(stream: io.StringIO) -> None:
    """A path or a query may hold a code or a name."""
    app = Flask("party")
    install_access_log(app)
    app.add_url_rule("/people/<name>", "people", lambda name: name)
    app.test_client().get("/people/mallory?code=sesame")
    app.test_client().get("/sesame")
    first, second = _lines(stream)
    assert (first["route"], first["status"]) == ("/people/<name>", 200)
    assert (second["route"], second["status"]) == (None, 404)
    assert "sesame" not in stream.getvalue()
    # A name of other letters than a request's hexadecimal id, which spells "ada" now and then.
    assert "mallory" not in stream.getvalue()


def test_requests_are_counted_by_route_at_the_management_listener_alone() -> None:
    """Invented paths make no new series; the application itself serves no metrics."""
    registry = CollectorRegistry()
    app = Flask("party")
    HttpMetrics(registry).install(app)
    app.add_url_rule("/people/<name>", "people", lambda name: name)
    for path in ("/people/mallory", "/people/bob", "/x", "/y", "/metrics"):
        app.test_client().get(path)
    port = start_management_listener(registry, host="127.0.0.1", port=0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
        text = reply.read().decode()
    assert 'http_requests_total{method="GET",route="/people/<name>",status="200"} 2.0' in text
    assert 'http_requests_total{method="GET",route="unmatched",status="404"} 3.0' in text
    assert "mallory" not in text
    for path in ("/", "/metrics/", "/livez", "/sessions"):
        with pytest.raises(HTTPError, match="404") as nothing:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)
        nothing.value.close()


def test_of_several_workers_the_first_has_the_management_port(stream: io.StringIO) -> None:
    """The others serve their own counts at free ports, and each says where; one alone gives up."""

    def listen(port: int, workers: int) -> int:
        registry = CollectorRegistry()
        return start_management_listener(registry, host="127.0.0.1", port=port, workers=workers)

    ports = [first := listen(0, 2), listen(first, 2)]
    assert first != ports[1]
    with pytest.raises(OSError, match="in use"):
        listen(first, 1)
    told = [(line["event"], line["port"]) for line in _lines(stream)]
    assert told == [("management.listening", port) for port in ports]
