"""Plain nginx: the limit. It proxies with a fixed token and knows nobody."""

from __future__ import annotations

import subprocess

from bench import debian
from bench.peers.base import Place, Standing
from bench.stage import wait_until_listening

_CONFIG = """\
daemon off; worker_processes {place.workers}; pid {place.folder}/nginx.pid;
error_log {place.folder}/nginx.err;
events {{ worker_connections 16384; }}
http {{
  access_log {place.folder}/access.log; keepalive_requests 100000000; client_max_body_size 0;
  client_body_temp_path {place.folder}/temp; proxy_temp_path {place.folder}/temp;
  fastcgi_temp_path {place.folder}/temp; uwsgi_temp_path {place.folder}/temp;
  scgi_temp_path {place.folder}/temp;
  upstream api {{ server {authority}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{place.port} backlog=4096;
    location /api/ {{
      proxy_pass http://api/;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;
      proxy_set_header Cookie ""; proxy_set_header Authorization "Bearer {token}";
    }}
  }}
}}
"""


class Nginx:
    """Debian's nginx with ``proxy_pass`` and a keep-alive pool."""

    slug = "nginx"
    title = "nginx proxy_pass, fixed token"

    def start(self, place: Place) -> Standing:
        """Start it.

        Raises:
            CannotRun: nginx is not installed.
        """
        config = place.folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                place=place, authority=place.upstream.removeprefix("http://"), token="f" * 900
            )
        )
        program = place.stage.start(
            "nginx", [_binary(), "-c", str(config), "-e", str(place.folder / "nginx.err")],
            cores=place.cores, folder=place.folder,
        )  # fmt: skip
        wait_until_listening(program, place.port)
        return Standing(program, place.port, login_url=None)

    def versions(self, place: Place) -> dict[str, str]:  # noqa: ARG002 - the peers' common shape
        """Return nginx's version."""
        said = subprocess.run([_binary(), "-v"], capture_output=True, text=True, check=True).stderr
        return {"nginx": said.strip().rpartition("/")[2]}


def _binary() -> str:
    return debian.path_of("nginx")
