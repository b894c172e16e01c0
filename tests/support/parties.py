"""The three parties as processes of their own, started as an operator starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.ports import free_port
from tests.support.programs import ROOT, Program, answers, bare_environ
from tests.support.settings_file import write_toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

APP = str(ROOT / "app.py")
SECRET_KEYS = ["for-tests-only-" + "0123456789abcdef" * 2]
COMMAND_WITHIN_S = 150


@dataclass(eq=False)
class Party:
    """One party: its public address, its settings file, its process."""

    name: str
    url: str
    folder: Path
    settings: dict[str, Any]
    config: Path = field(init=False)
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        """Write the settings; nothing runs yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = write_toml(self.folder / f"{self.name}.toml", self.settings)
        self.program = Program(
            self.name,
            [sys.executable, APP, self.name, "--config", str(self.config)],
            self.folder / f"{self.name}.log",
            environ=self.environ(),
        )

    def environ(self) -> dict[str, str]:
        """Return the environment that the server and its command line share."""
        named = {f"{self.name.upper()}_CONFIG": str(self.config)}
        return {**named, "CLOAKROOM_VAR": str(self.folder / "var")}

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self.program.start()

    def wait(self, path: str = "/readyz") -> None:
        """Return when *path* answers 200."""
        self.program.wait_until(lambda: answers(self.url + path))

    def start(self, path: str = "/readyz") -> None:
        """Start the process and wait until *path* answers 200."""
        self.launch()
        self.wait(path)

    def command(self, *arguments: str, typed: str = "") -> str:
        """Run ``python app.py <party> …`` beside it; return what it printed.

        Raises:
            AssertionError: it failed; carries what it said.
        """
        done = run_app([self.name, *arguments], self.environ(), typed)
        if done.returncode != 0:
            raise AssertionError(f"{arguments} failed: {done.stdout}{done.stderr}")
        return done.stdout


def run_app(
    arguments: Sequence[str], environ: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``python app.py`` to its end with *typed* on standard input."""
    return subprocess.run(
        [sys.executable, APP, *arguments],
        env={**bare_environ(), **environ},
        input=typed,
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
        cwd=ROOT,
    )


def sso(folder: Path, *, database_url: str, redis_url: str, audience: str, **more: Any) -> Party:  # noqa: ANN401 - settings
    """Return an SSO on a free port that issues access tokens for *audience*."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"issuer": url, "host": "127.0.0.1", "port": port, "management_port": free_port()}
    settings |= {"database_url": database_url, "redis_url": redis_url, "secret_keys": SECRET_KEYS}
    return Party("sso", url, folder, {**settings, "default_audience": audience, **more})


def workbench(folder: Path, *, port: int, issuer: str, database_url: str, **more: Any) -> Party:  # noqa: ANN401 - settings
    """Return a workbench on *port* that trusts *issuer*."""
    url = f"http://127.0.0.1:{port}"
    settings = {"identifier": url, "issuer": issuer, "host": "127.0.0.1", "port": port}
    settings |= {"database_url": database_url, "management_port": free_port()}
    return Party("workbench", url, folder, settings | more)


def bff(
    folder: Path,
    *,
    redis_url: str,
    providers: list[dict[str, Any]],
    routes: list[dict[str, Any]],
    port: int | None = None,
    **more: Any,  # noqa: ANN401 - settings
) -> Party:
    """Return a BFF on ``localhost``, another host than the providers' on purpose."""
    port = port or free_port()
    url = f"http://localhost:{port}"
    settings = {"public_url": url, "host": "127.0.0.1", "port": port}
    settings |= {"management_port": free_port(), "secret_keys": SECRET_KEYS}
    settings |= {"redis_url": redis_url, **more, "providers": providers, "routes": routes}
    return Party("bff", url, folder, settings)


def create_client(party: Party, bff_url: str, *more: str) -> dict[str, str]:
    """Register the BFF at the SSO, first-party; return its ``client_id`` and ``client_secret``."""
    arguments = ["client", "create", "--name", "Cloakroom", "--first-party"]
    arguments += ["--redirect-uri", f"{bff_url}/bff/callback/sso"]
    arguments += ["--post-logout-redirect-uri", f"{bff_url}/"]
    made: dict[str, str] = json.loads(party.command(*arguments, *more, "--format", "json"))
    return made
