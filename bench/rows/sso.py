"""What the sign-in server's own requests cost on MariaDB, and what a flood of passwords does.

P-10 and P-11. Its processes alone are counted; the database has the other cores.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from bench import procfs
from bench.stage import ROOT, CannotRun, free_port, run_or_refuse, wait_until_listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench.run import Contender, Run
    from bench.stage import Program

_TIMES = 300
_WARM = 30
_FLOOD = 8
_PASSWORD = "a long and quite secret phrase"
_CALLBACK = "http://localhost:8000/back"
_VERIFIER = "v" * 64
_APP = str(ROOT / "app.py")
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
Row = dict[str, dict[str, float | str]]
Form = dict[str, str]


def measure(run: Run, _contenders: Sequence[Contender]) -> Row:
    """Return processor time a request by kind, and another endpoint's p99 under a flood."""
    run.say("sign-in server on MariaDB: starting both")
    started = len(run.stage.programs)
    try:
        return _Server(run).rows()
    except (CannotRun, OSError) as reason:
        return {"sign-in server on MariaDB": {"not measured": str(reason)}}
    finally:
        for program in reversed(run.stage.programs[started:]):
            run.stage.stop(program)


class _Server:
    """A sign-in server over a MariaDB of its own, a person and two clients."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = run.folder / "sso-row"
        self._folder.mkdir()
        self._port = free_port()
        database = _start_mariadb(run, self._folder)
        key = "a-sealing-key-of-the-benchmark-that-lives-some-minutes"
        config = self._folder / "sso.toml"
        config.write_text(
            f'issuer = "http://127.0.0.1:{self._port}"\nport = {self._port}\n'
            f'database_url = "{database}"\nredis_url = "{run.grounds.redis_url(31)}"\n'
            f'secret_keys = ["{key}"]\n'
        )
        self._env = {"SSO_CONFIG": str(config), "CLOAKROOM_VAR": str(self._folder / "var")}
        self._command("migrate")
        person = ["--username", "ada", "--email", "ada@example.org", "--password-stdin"]
        self._command("user", "create", *person, typed=f"{_PASSWORD}\n")
        self._app = self._client("--first-party", "--redirect-uri", _CALLBACK)
        self._machine = self._client("--grant-type", "client_credentials")
        command = [sys.executable, _APP, "sso"]
        self._program: Program = run.stage.start(
            "sso", command, cores=run.ours, folder=self._folder, env=self._env
        )
        wait_until_listening(self._program, self._port)

    def rows(self) -> Row:
        """Return the figures."""
        # Made before: what a code costs is not what its redemption costs.
        forms = iter(list(self._redemptions(_TIMES + _WARM)))
        tokens = json.loads(self._post("/oauth/token", next(forms))[1])
        refreshing = {"grant_type": "refresh_token", **self._app}
        holder = [tokens["refresh_token"]]

        def refresh() -> None:
            form = {**refreshing, "refresh_token": holder[0]}
            holder[0] = json.loads(self._post("/oauth/token", form)[1])["refresh_token"]

        own = {**self._machine, "grant_type": "client_credentials"}
        asked = {**self._app, "token": tokens["access_token"]}
        costs: dict[str, float | str] = {
            "code redemption": self._cost_ms(lambda: self._post("/oauth/token", next(forms))),
            "refresh": self._cost_ms(refresh),
            "client credentials": self._cost_ms(lambda: self._post("/oauth/token", own)),
            "introspection": self._cost_ms(lambda: self._post("/oauth/introspect", asked)),
        }
        return {
            "sign-in server on MariaDB, CPU ms a request": costs,
            "client credentials under a flood of passwords": self._flood(own),
        }

    def _cost_ms(self, ask: Callable[[], object]) -> float:
        for _ in range(_WARM // 2):
            ask()
        times = _TIMES - _WARM
        before = procfs.cpu_s(self._program.pid)
        for _ in range(times):
            ask()
        return round((procfs.cpu_s(self._program.pid) - before) * 1e3 / times, 2)

    def _flood(self, form: Form) -> dict[str, float | str]:
        def p99_ms() -> float:
            took = []
            for _ in range(_TIMES):
                started_at = time.perf_counter()
                self._post("/oauth/token", form)
                took.append(time.perf_counter() - started_at)
            return sorted(took)[int(len(took) * 0.99)] * 1e3

        idle = p99_ms()
        over = threading.Event()
        statuses: list[int] = []

        def guess(number: int) -> None:
            jar, token = self._form_at("/sign-in")
            while not over.is_set():
                form = {"csrf_token": token, "username": f"p{number}-{len(statuses)}"}
                form["password"] = "not this one"
                statuses.append(self._post("/sign-in", form, cookie=jar)[0])

        threads = [threading.Thread(target=guess, args=(n,)) for n in range(_FLOOD)]
        for thread in threads:
            thread.start()
        flooded = p99_ms()
        over.set()
        for thread in threads:
            thread.join()
        refused = sum(status in {429, 503} for status in statuses)
        return {
            "p99 idle, ms": round(idle, 2),
            "p99 under the flood, ms": round(flooded, 2),
            "times": round(flooded / idle, 2),
            "guesses answered": len(statuses),
            "of them told to come back": refused,
        }

    def _redemptions(self, count: int) -> Iterator[Form]:
        """Yield the forms that redeem *count* codes of a person who signed in once."""
        jar, token = self._form_at("/sign-in")
        form = {"csrf_token": token, "username": "ada", "password": _PASSWORD}
        _status, _body, cookie = self._send("POST", "/sign-in", form, jar)
        hashed = hashlib.sha256(_VERIFIER.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._app["client_id"],
            "redirect_uri": _CALLBACK,
            "scope": "openid profile email offline_access",
            "code_challenge": base64.urlsafe_b64encode(hashed).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        for _ in range(count):
            answer = self._location(f"/oauth/authorize?{urlencode(asked)}", f"{jar}; {cookie}")
            code = parse_qs(urlsplit(answer).query)["code"][0]
            redeeming = {"grant_type": "authorization_code", "code": code}
            yield {
                **self._app,
                **redeeming,
                "redirect_uri": _CALLBACK,
                "code_verifier": _VERIFIER,
            }

    def _form_at(self, path: str) -> tuple[str, str]:
        _status, body, cookie = self._send("GET", path)
        found = _CSRF.search(body.decode())
        if found is None:
            raise CannotRun(f"{path} has no form")
        return cookie, found[1]

    def _location(self, path: str, cookie: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", path, headers={"Cookie": cookie})
            return str(connection.getresponse().getheader("Location"))
        finally:
            connection.close()

    def _post(self, path: str, form: Form, *, cookie: str = "") -> tuple[int, bytes]:
        status, body, _cookie = self._send("POST", path, form, cookie)
        return status, body

    def _send(
        self, method: str, path: str, form: Form | None = None, cookie: str = ""
    ) -> tuple[int, bytes, str]:
        """Return status, body and the cookies that were set, as they are sent back."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        headers |= {"Cookie": cookie} if cookie else {}
        try:
            connection.request(method, path, urlencode(form) if form else None, headers)
            response = connection.getresponse()
            body = response.read()
            jar = SimpleCookie()
            for line in response.headers.get_all("Set-Cookie") or []:
                jar.load(line)
        finally:
            connection.close()
        return response.status, body, "; ".join(f"{m.key}={m.coded_value}" for m in jar.values())

    def _client(self, *options: str) -> Form:
        made = self._command("client", "create", "--name", "Bench", *options, "--format", "json")
        return {name: str(value) for name, value in json.loads(made).items()}

    def _command(self, *words: str, typed: str = "") -> str:
        done = subprocess.run(
            [sys.executable, _APP, "sso", *words],
            env={**os.environ, **self._env}, input=typed, capture_output=True, text=True,
            check=False, timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            raise CannotRun(f"sso {words[0]}: {done.stderr.strip()[-200:]}")
        return done.stdout


def _start_mariadb(run: Run, folder: Path) -> str:
    """Return the address of an empty database on a server of its own."""
    data, port, user = folder / "data", free_port(), getpass.getuser()
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--user={user}"]
    run_or_refuse([*install, "--auth-root-authentication-method=normal", "--skip-test-db"])
    start = folder / "start.sql"
    start.write_text(
        "CREATE DATABASE sso;\nCREATE USER bench@'127.0.0.1';\n"
        "GRANT ALL ON sso.* TO bench@'127.0.0.1';\n"
    )
    options = [f"--datadir={data}", f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}"]
    options += [f"--port={port}", "--bind-address=127.0.0.1", f"--user={user}"]
    options += [f"--init-file={start}", "--skip-name-resolve"]
    command = ["mariadbd", "--no-defaults", *options]
    program = run.stage.start("mariadb", command, cores=run.others, folder=folder)
    wait_until_listening(program, port)
    return f"mysql+pymysql://bench@127.0.0.1:{port}/sso?charset=utf8mb4"
