"""Thousands of generated exchanges through the gateway and through nginx: the same meaning.

Both stand before one upstream. What it is asked, and what two clients of different make are
answered, may differ only in what each proxy says for itself.

`CLOAKROOM_EXCHANGES` sets how many are drawn.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support import needs
from tests.support.exchanges import (
    METHODS,
    Exchange,
    Seen,
    by_library,
    by_wire,
    exchanges,
    serve_exchanges,
)
from tests.support.ports import free_port
from tests.support.programs import Program, listens
from tests.support.served import COOKIE, Desk, Served, desk, serve, upstream
from tests.support.wire import MEGABYTE, ScriptedUpstream, Wire, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Serve = Callable[..., Served]

__all__ = ["desk", "serve", "upstream"]

EXCHANGES = int(os.environ.get("CLOAKROOM_EXCHANGES", "1000"))
CONFIG = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/temp; uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port}; client_max_body_size 0;
    location / {{
      proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off;
    }}
  }}
}}
"""


@pytest.fixture
def nginx(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[int]:
    """Return the port of a plain nginx before the upstream."""
    port = free_port()
    (tmp_path / "temp").mkdir()
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(folder=tmp_path, port=port, upstream=upstream.port), "utf-8")
    binary = needs.program("nginx", package="nginx")
    command = [binary, "-c", str(config), "-e", str(tmp_path / "nginx.err")]
    program = Program("nginx", command, tmp_path / "nginx.log")
    program.start()
    try:
        program.wait_until(lambda: listens(port))
        yield port
    finally:
        program.stop()


class Way:
    """One connection to one proxy, made again where the proxy closed it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._wire: Wire | None = None

    def ask(self, exchange: Exchange, sent: bytes) -> Seen:
        """Return what a client is answered that comes this way."""
        if self._wire is None:
            self._wire = connect(self.port)
        try:
            seen, keeps = by_wire(self._wire, exchange, sent)
        except BaseException:
            self.close()
            raise
        if not keeps:
            self.close()
        return seen

    def close(self) -> None:
        """Leave; the next exchange comes anew."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None


@pytest.mark.timeout(1800)
@pytest.mark.rule("S-074")
def test_gateway_and_nginx_carry_the_same_meaning(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, nginx: int
) -> None:
    """Both ways, for two clients, over connections that many exchanges share."""
    gateway = serve(strip_prefix=False, methods=frozenset(METHODS), body_limit_bytes=MEGABYTE)
    drawn: dict[str, Exchange] = {}
    asked: dict[str, Seen] = {}
    upstream.serve = serve_exchanges(drawn, asked)
    cookie = f"Cookie: theme=dark; {COOKIE.name}={desk.sign_in().encode()}"
    ways = Way(gateway.port), Way(nginx)

    @settings(
        max_examples=EXCHANGES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(exchange=exchanges())
    def carry(exchange: Exchange) -> None:
        numbers = [len(drawn) + place for place in range(3)]
        drawn.update({str(number): exchange for number in numbers})
        sent = [exchange.request(number, "X-CSRF: 1", cookie) for number in numbers]
        ours, theirs = (way.ask(exchange, data) for way, data in zip(ways, sent, strict=False))
        library = by_library(gateway.port, exchange, sent[2])
        assert ours == theirs
        assert library == ours
        told = [without_number(asked[str(number)]) for number in numbers]
        assert told[0] == told[1] == told[2]

    with closing(ways[0]), closing(ways[1]):
        carry()
    assert len(drawn) >= EXCHANGES


def without_number(seen: Seen) -> Seen:
    """Return *seen* without the line that tells one asker from the other."""
    headers = tuple(line for line in seen.headers if line[0] != "x-exchange")
    return Seen(seen.start, headers, seen.body)
