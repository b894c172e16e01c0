"""Cloakroom itself: its gateway alone, started as an operator starts it, every check on."""

from __future__ import annotations

import sys
from importlib.metadata import version

from bench.peers.base import Place, Standing
from bench.provider import CLIENT_ID, CLIENT_SECRET
from bench.stage import ROOT, wait_until_listening

_SECRET_KEY = "a-sealing-key-of-the-benchmark-that-lives-some-minutes"
_BODY_LIMIT_BYTES = 2 << 30

_CONFIG = """\
public_url = "{place.base_url}"
port = {place.port}
workers = {place.workers}
secret_keys = ["{key}"]
redis_url = "{place.redis_url}"

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
        config = place.folder / "bff.toml"
        config.write_text(
            _CONFIG.format(
                place=place, key=_SECRET_KEY, client_id=CLIENT_ID, secret=CLIENT_SECRET,
                limit=_BODY_LIMIT_BYTES,
            )
        )  # fmt: skip
        config.chmod(0o600)
        program = place.stage.start(
            self.slug, [sys.executable, "app.py", "bff", "--config", str(config)],
            cores=place.cores, folder=place.folder, cwd=ROOT,
            env={"CLOAKROOM_VAR": str(place.folder / "var")},
        )  # fmt: skip
        wait_until_listening(program, place.port)
        return Standing(program, place.port, login_url=f"{place.base_url}/bff/login")

    def versions(self, place: Place) -> dict[str, str]:  # noqa: ARG002 - the peers' common shape
        """Return the versions of the parts that the hot path is made of."""
        return {name: version(name) for name in ("uvicorn", "uvloop", "httptools", "hiredis")}
