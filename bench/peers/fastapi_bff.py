"""The FastAPI BFF of PyPI, ``axmp-oidc-bff-provider``."""

from __future__ import annotations

from bench.peers.base import HERE, Place, Standing, pinned_versions, python_with
from bench.provider import CLIENT_ID, CLIENT_SECRET
from bench.stage import wait_until_listening

_APP = HERE / "fastapi_app"
_REQUIREMENTS = _APP / "requirements.txt"


class FastApiBff:
    """``axmp-oidc-bff-provider`` under uvicorn, with uvloop and httptools."""

    slug = "axmp"
    title = "FastAPI: axmp-oidc-bff-provider"

    def start(self, place: Place) -> Standing:
        """Install its packages and start it.

        Raises:
            CannotRun: the packages could not be installed, or it ended at once.
        """
        python = python_with(place, _REQUIREMENTS)
        program = place.stage.start(
            self.slug,
            [str(python), "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(place.port),
             "--workers", str(place.workers), "app:app"],
            cores=place.cores, folder=place.folder, cwd=_APP,
            env={
                "PEER_UPSTREAM": place.upstream,
                "PEER_REDIS_URL": place.redis_url,
                "PEER_ISSUER": place.issuer,
                "PEER_CLIENT_ID": CLIENT_ID,
                "PEER_SECRET": CLIENT_SECRET,
                "PEER_BASE_URL": place.base_url,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )  # fmt: skip
        wait_until_listening(program, place.port)
        return Standing(program, place.port, login_url=f"{place.base_url}/oauth2/start")

    def versions(self, place: Place) -> dict[str, str]:  # noqa: ARG002 - the peers' common shape
        """Return the pinned versions."""
        names = ("axmp-oidc-bff-provider", "fastapi", "httpx", "uvicorn", "redis")
        return pinned_versions(_REQUIREMENTS, names)
