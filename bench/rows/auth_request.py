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
_FLOOR_SERVER = """\
upstream cloakroom_floor {{ server 127.0.0.1:{port}; keepalive 32; }}
server {{
  listen 127.0.0.1:{port}; access_log off; keepalive_requests 100000000;
  location / {{ return 204; }}
}}
"""
_FLOOR = "× nginx, where nginx answers the question itself: the floor"
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
    edge = _edge(config, port)
    nginx = _start_nginx(place, edge)
    standing = Standing(nginx, place.port, login_url=f"{place.base_url}/bff/login")
    cookies = place.folder / "cookies"
    load.write_cookies(cookies, sessions.sign_in_many(standing, _PEOPLE))
    chain = load.Target(place.port, nginx.pid, cookies, beside=(gateway.pid,))
    plain = next((c.target for c in contenders if c.peer.slug == YARDSTICK), None)
    empty = run.place_for("auth-request-floor")
    bare = _start_nginx(empty, _floor(edge, place.port, empty.port))
    floor = load.Target(empty.port, bare.pid, cookies)
    turns = [target for target in (plain, chain, floor) if target is not None]
    rounds: dict[int, list[load.Round]] = {target.port: [] for target in turns}
    load.shoot(chain, "small", run.volley(seconds=1))
    of_gateway = procfs.cpu_s(gateway.pid)
    for _ in range(run.plan.rounds):
        for target in turns:
            one = load.one_round(target, "small", run.volley(), run.grounds.upstream)
            rounds[target.port].append(one)
    of_gateway = procfs.cpu_s(gateway.pid) - of_gateway
    facts = _facts(rounds[chain.port], of_gateway)
    facts["memory MiB"] = sum(map(procfs.memory_bytes, (nginx.pid, gateway.pid))) >> 20
    if plain is not None:
        unit = [one.cpu_us for one in rounds[plain.port]]
        for words, target in (("× nginx", chain), (_FLOOR, floor)):
            times = ratios([one.cpu_us for one in rounds[target.port]], unit)
            facts[words] = round(spread(times).median, 2)
    for program in (nginx, gateway, bare):
        run.stage.stop(program)
    return {"nginx auth_request before Cloakroom": facts}


def _facts(rounds: list[load.Round], gateway_s: float) -> dict[str, float | str]:
    answers = max(1, sum(r.requests for r in rounds))
    return {
        "CPU µs/request, nginx and gateway": round(spread([r.cpu_us for r in rounds]).median, 1),
        "of them the gateway's": round(gateway_s * 1e6 / answers, 1),
        "requests/s on one core": round(spread([r.per_second for r in rounds]).median),
        "p50 ms": round(spread([r.p50_us / 1000 for r in rounds]).median, 2),
        "p99 ms": round(spread([r.p99_us / 1000 for r in rounds]).median, 2),
        "bad": sum(r.bad for r in rounds),
    }


def _floor(edge: str, port: int, floor_port: int) -> str:
    """Return *edge* on another port, asking a server of nginx's own that answers at once.

    It hands out the fixed token of the yardstick: what is left is nginx's own part of the chain.
    """
    asked, answering = "proxy_pass http://cloakroom_gateway/bff/forward-auth;", free_port()
    if asked not in edge:
        raise CannotRun("bff edge nginx asks in a way that the benchmark does not know")
    bare = edge.replace(f":{port};", f":{floor_port};")
    bare = bare.replace(asked, "proxy_pass http://cloakroom_floor/;", 1)
    bare = bare.replace("$upstream_http_authorization", f'"Bearer {"f" * 900}"')
    return _FLOOR_SERVER.format(port=answering) + bare


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
