"""The Node stack: express-openid-connect, connect-redis and http-proxy-middleware."""

from __future__ import annotations

import json
import os
import shutil

from bench.peers.base import HERE, Place, Standing
from bench.provider import CLIENT_ID, CLIENT_SECRET
from bench.stage import CannotRun, run_or_refuse, wait_until_listening

_APP = HERE / "node_app"


class NodeStack:
    """The Express application of ``node_app/server.mjs``; one event loop."""

    slug = "node"
    title = "Node: express-openid-connect"

    def start(self, place: Place) -> Standing:
        """Install its packages and start it.

        Raises:
            CannotRun: no Node here, or its packages could not be installed.
        """
        node = shutil.which("node")
        if node is None:
            raise CannotRun("node is not installed")
        self._install(place)
        program = place.stage.start(
            self.slug, [node, "server.mjs"], cores=place.cores, folder=place.folder,
            cwd=place.packages,
            env={
                "NODE_ENV": "production",
                "PEER_UPSTREAM": place.upstream,
                "PEER_REDIS_URL": place.redis_url,
                "PEER_ISSUER": place.issuer,
                "PEER_CLIENT_ID": CLIENT_ID,
                "PEER_SECRET": CLIENT_SECRET,
                "PEER_BASE_URL": place.base_url,
                "PEER_PORT": str(place.port),
                "PEER_LOG": str(place.folder / "access.log"),
            },
        )  # fmt: skip
        wait_until_listening(program, place.port)
        return Standing(program, place.port, login_url=f"{place.base_url}/login")

    def versions(self, place: Place) -> dict[str, str]:
        """Return the pinned versions and Node's own."""
        wanted = json.loads((place.packages / "package.json").read_text())["dependencies"]
        return {"node": run_or_refuse(["node", "--version"]).strip(), **wanted}

    def _install(self, place: Place) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise CannotRun("npm is not installed")
        place.packages.mkdir(parents=True, exist_ok=True)
        lock = (_APP / "package-lock.json").read_bytes()
        stamp = place.packages / "installed"
        shutil.copy(_APP / "server.mjs", place.packages)
        if stamp.exists() and stamp.read_bytes() == lock:
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_APP / name, place.packages)
        run_or_refuse(
            [npm, "ci", "--no-audit", "--no-fund"], cwd=place.packages, env=dict(os.environ)
        )
        stamp.write_bytes(lock)
