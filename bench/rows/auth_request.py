"""nginx that asks Cloakroom by `auth_request` and carries the call itself: the chain's cost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from bench import debian, load, procfs, sessions
from bench.figures import ratios, spread
from bench.peers.base import Place, Standing
from bench.peers.cloakroom import start_gateway, write_config
from bench.report import YARDSTICK
from bench.stage import ROOT, CannotRun, Program, free_port, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.run import Contender, Run

_PEOPLE = 100
_TRUSTED = 'trusted_proxies = ["127.0.0.1/32"]\n'
_WRAP = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 16384; }}
http {{
  access_log {folder}/access.log; keepalive_requests 100000000;
  client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/temp; uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
  include {folder}/edge.conf;
}}
"""


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return what a call costs in nginx and gateway together, in turns with plain nginx.

    Both stand on the one core; every call asks the gateway anew, so that a revocation holds at
    once.
    """
    if not any(contender.peer.slug == "cloakroom" for contender in contenders):
        return {}
    place = run.place_for("auth-request")
    port = free_port()
    config = write_config(place, port=port, more=_TRUSTED)
    gateway = start_gateway(place, config, port=port)
    nginx = _start_nginx(place, _edge(config, port))
    standing = Standing(nginx, place.port, login_url=f"{place.base_url}/bff/login")
    cookies = place.folder / "cookies"
    load.write_cookies(cookies, sessions.sign_in_many(standing, _PEOPLE))
    chain = load.Target(place.port, nginx.pid, cookies, beside=(gateway.pid,))
    plain = next((c.target for c in contenders if c.peer.slug == YARDSTICK), None)
    rounds: list[load.Round] = []
    yardstick: list[load.Round] = []
    load.shoot(chain, "small", run.volley(seconds=1))
    for _ in range(run.plan.rounds):
        if plain is not None:
            yardstick.append(load.one_round(plain, "small", run.volley(), run.grounds.upstream))
        rounds.append(load.one_round(chain, "small", run.volley(), run.grounds.upstream))
    facts: dict[str, float | str] = {
        "CPU µs/request, nginx and gateway": round(spread([r.cpu_us for r in rounds]).median, 1),
        "requests/s on one core": round(spread([r.per_second for r in rounds]).median),
        "p50 ms": round(spread([r.p50_us / 1000 for r in rounds]).median, 2),
        "p99 ms": round(spread([r.p99_us / 1000 for r in rounds]).median, 2),
        "bad": sum(r.bad for r in rounds),
        "memory MiB": sum(map(procfs.memory_bytes, (nginx.pid, gateway.pid))) >> 20,
    }
    if yardstick:
        times = ratios([r.cpu_us for r in rounds], [r.cpu_us for r in yardstick])
        facts["× nginx"] = round(spread(times).median, 2)
    for program in (nginx, gateway):
        run.stage.stop(program)
    return {"nginx auth_request before Cloakroom": facts}


def _edge(config: Path, port: int) -> str:
    """Return what the gateway's own command writes for nginx."""
    command = [sys.executable, "app.py", "bff", "edge", "nginx"]
    command += ["--gateway", f"127.0.0.1:{port}", "--config", str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotRun(f"bff edge nginx: {done.stderr.strip()[:300]}")
    return done.stdout


def _start_nginx(place: Place, edge: str) -> Program:
    (place.folder / "edge.conf").write_text(edge)
    wrap = place.folder / "nginx.conf"
    wrap.write_text(_WRAP.format(folder=place.folder))
    program = place.stage.start(
        "nginx", [debian.path_of("nginx"), "-c", str(wrap), "-e", str(place.folder / "nginx.err")],
        cores=place.cores, folder=place.folder,
    )  # fmt: skip
    wait_until_listening(program, place.port)
    return program
