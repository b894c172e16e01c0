"""Flask with Flask-Session and a blocking client: what is written first, and often kept."""

from __future__ import annotations

from bench.peers.base import HERE, THREADS, Place, Standing, pinned_versions, python_with
from bench.provider import CLIENT_ID, CLIENT_SECRET
from bench.stage import wait_until_listening

_APP = HERE / "flask_app"
_REQUIREMENTS = _APP / "requirements.txt"


class FlaskNaive:
    """The Flask application of ``flask_app/naive.py`` under gunicorn's threads."""

    def __init__(self, client: str) -> None:
        self.slug = f"flask-{client}"
        self.title = f"Flask + Flask-Session + {client}"
        self._client = client

    def start(self, place: Place) -> Standing:
        """Install its packages and start it.

        Raises:
            CannotRun: the packages could not be installed, or it ended at once.
        """
        python = python_with(place, _REQUIREMENTS)
        program = place.stage.start(
            self.slug,
            [str(python), "-m", "gunicorn", "--workers", str(place.workers),
             "--worker-class", "gthread", "--threads", str(THREADS), "--keep-alive", "75",
             "--access-logfile", str(place.folder / "access.log"), "--no-control-socket",
             "--bind", f"127.0.0.1:{place.port}", "naive:app"],
            cores=place.cores, folder=place.folder, cwd=_APP,
            env={
                "PEER_UPSTREAM": place.upstream,
                "PEER_REDIS_URL": place.redis_url,
                "PEER_ISSUER": place.issuer,
                "PEER_CLIENT_ID": CLIENT_ID,
                "PEER_SECRET": CLIENT_SECRET,
                "PEER_BASE_URL": place.base_url,
                "PEER_CLIENT": self._client,
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )  # fmt: skip
        wait_until_listening(program, place.port)
        return Standing(program, place.port, login_url=f"{place.base_url}/login")

    def versions(self, place: Place) -> dict[str, str]:  # noqa: ARG002 - the peers' common shape
        """Return the pinned versions."""
        names = ("Flask", "Flask-Session", self._client, "redis", "gunicorn")
        return pinned_versions(_REQUIREMENTS, names)
