"""The upstream that every peer stands before: a strict, cheap nginx.

It answers 418 to a request that carries a cookie or lacks a bearer token, so a proxy that skips
its work cannot have a good figure, and it counts what it answered.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import debian
from bench.stage import Program, Stage, free_port, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZES = {"small": 200, "medium": 10_240, "large": 1_048_576}
"""Body name (also its path) → bytes."""

HUGE_BYTES = 1_073_741_824

_CONFIG = """\
daemon off; worker_processes 1; pid {folder}/upstream.pid; error_log {folder}/upstream.err;
events {{ worker_connections 16384; }}
http {{
  access_log off; default_type application/json; sendfile on; tcp_nopush on;
  keepalive_requests 100000000; keepalive_timeout 600s; client_max_body_size 0;
  open_file_cache max=16; client_body_temp_path {folder}/upstream-temp;
  proxy_temp_path {folder}/upstream-temp; fastcgi_temp_path {folder}/upstream-temp;
  uwsgi_temp_path {folder}/upstream-temp; scgi_temp_path {folder}/upstream-temp;
  map $http_authorization $token {{ default none; "~^Bearer [A-Za-z0-9._~+/=-]{{20,}}$" one; }}
  map "$token:$http_cookie" $refused {{ default 1; "one:" 0; }}
  upstream slow {{ server 127.0.0.1:{slow_port}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096; root {folder}/bodies;
    if ($refused) {{ return 418; }}
    location ~ ^/(slow|events|sink)$ {{
      proxy_pass http://slow; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering off; proxy_read_timeout 600s;
    }}
  }}
  server {{ listen 127.0.0.1:{count_port}; location = /count {{ stub_status; }} }}
}}
"""


@dataclass(frozen=True)
class Upstream:
    """Where the upstream listens."""

    program: Program
    port: int
    count_port: int

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.port}"

    def answered(self) -> int:
        """Return how many requests it has answered since it started, this question included."""
        connection = http.client.HTTPConnection("127.0.0.1", self.count_port, timeout=10)
        try:
            connection.request("GET", "/count")
            return parse_stub_status(connection.getresponse().read().decode())
        finally:
            connection.close()


def parse_stub_status(text: str) -> int:
    """Return the number of requests from nginx's ``stub_status`` page.

    Raises:
        ValueError: not such a page.
    """
    lines = text.splitlines()
    if len(lines) < 3 or not lines[1].startswith("server accepts handled requests"):
        raise ValueError("not a stub_status page")
    return int(lines[2].split()[2])


def start(stage: Stage, folder: Path, cores: Sequence[int], slow_port: int) -> Upstream:
    """Start the upstream with its bodies in *folder*, slow answers taken from *slow_port*.

    Raises:
        CannotRun: it did not come up.
    """
    nginx = debian.path_of("nginx")
    port, count_port = free_port(), free_port()
    _write_bodies(folder / "bodies")
    config = folder / "upstream.conf"
    config.write_text(
        _CONFIG.format(folder=folder, port=port, count_port=count_port, slow_port=slow_port)
    )
    program = stage.start(
        "upstream", [nginx, "-c", str(config), "-e", str(folder / "upstream.err")],
        cores=cores, folder=folder,
    )  # fmt: skip
    wait_until_listening(program, port)
    return Upstream(program, port, count_port)


def _write_bodies(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in SIZES.items():
        filler = b'{"of":"the benchmark","filler":"' + b"x" * size
        (folder / name).write_bytes(filler[: size - 2] + b'"}')
    with (folder / "huge").open("wb") as huge:
        huge.truncate(HUGE_BYTES)  # sparse: takes no room on the disk
