"""Cloakroom itself: its gateway alone, started as an operator starts it, every check on."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.peers.base import Place, Standing
from bench.provider import CLIENT_ID, CLIENT_SECRET
from bench.stage import ROOT, Program, wait_until_listening

if TYPE_CHECKING:
    from pathlib import Path

_SECRET_KEY = "a-sealing-key-of-the-benchmark-that-lives-some-minutes"
_BODY_LIMIT_BYTES = 2 << 30

_CONFIG = """\
public_url = "{place.base_url}"
port = {port}
workers = {place.workers}
secret_keys = ["{key}"]
redis_url = "{place.redis_url}"
{more}
[[providers]]
name = "sso"
issuer = "{place.issuer}"
client_id = "{client_id}"
client_secret = "{secret}"

[[routes]]
path = "/api"
upstream = "{place.upstream}"
token = "user"
body_limit_bytes = {limit}
"""


class Cloakroom:
    """``python app.py bff``; its log goes to a file like everybody's."""

    slug = "cloakroom"
    title = "Cloakroom"

    def start(self, place: Place) -> Standing:
        """Start it.

        Raises:
            CannotRun: it ended at once or did not listen.
        """
        config = write_config(place, port=place.port)
        program = start_gateway(place, config, port=place.port)
        return Standing(program, place.port, login_url=f"{place.base_url}/bff/login")

    def versions(self, place: Place) -> dict[str, str]:  # noqa: ARG002 - the peers' common shape
        """Return the versions of the parts that the hot path is made of."""
        return {name: version(name) for name in ("uvicorn", "uvloop", "httptools", "hiredis")}


def write_config(place: Place, *, port: int, more: str = "") -> Path:
    """Write the settings of a gateway that listens on *port*; *more* are further lines of them."""
    config = place.folder / "bff.toml"
    config.write_text(
        _CONFIG.format(
            place=place, key=_SECRET_KEY, client_id=CLIENT_ID, secret=CLIENT_SECRET,
            limit=_BODY_LIMIT_BYTES, port=port, more=more,
        )
    )  # fmt: skip
    config.chmod(0o600)
    return config


def start_gateway(place: Place, config: Path, *, port: int) -> Program:
    """Start a gateway and return once it listens.

    Raises:
        CannotRun: it ended at once or did not listen.
    """
    program = place.stage.start(
        Cloakroom.slug, [sys.executable, "app.py", "bff", "--config", str(config)],
        cores=place.cores, folder=place.folder, cwd=ROOT,
        env={"CLOAKROOM_VAR": str(place.folder / "var")},
    )  # fmt: skip
    wait_until_listening(program, port)
    return program
