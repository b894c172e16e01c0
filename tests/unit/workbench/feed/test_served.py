"""The stream as the launcher serves it: threads of its own, and an end in good order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support import parties
from tests.support.browser import exchange
from tests.support.followed import Follower, following
from tests.support.ports import free_port
from tests.unit.workbench.conftest import ALL_SCOPES, bearer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.parties import Party
    from tests.unit.workbench.conftest import Issuer


@pytest.fixture
def served(issuer: Issuer, tmp_path: Path) -> Iterator[Party]:
    """A workbench of one request thread and two streams."""
    party = parties.workbench(
        tmp_path,
        port=free_port(),
        issuer=issuer.url,
        database_url=f"sqlite:///{tmp_path / 'workbench.sqlite3'}",
        threads=1,
        streams=2,
    )
    party.command("migrate")
    party.start()
    try:
        yield party
    finally:
        party.program.stop()


def test_streams_take_no_thread_from_requests_and_end_with_the_process(
    served: Party, issuer: Issuer
) -> None:
    """Requests are answered beside them, a third stream is 503, SIGTERM ends each cleanly."""

    def headers_of(name: str) -> dict[str, str]:
        aud = served.url
        return bearer(issuer.token(sub=name, name=name, aud=aud, scope=ALL_SCOPES))

    live = f"{served.url}/feed/live"
    with ExitStack() as stack:
        streams: list[Follower] = []
        for name in ("ann", "bob"):
            streams.append(stack.enter_context(following(live, headers_of(name))))
            assert streams[-1].next() is not None
        for _ in range(3):
            assert exchange(f"{served.url}/users/me", headers=headers_of("ann")).status == 200
        refused = exchange(live, headers=headers_of("eve"))
        assert (refused.status, refused.json()["code"]) == (503, "streams_taken")
        assert served.program.process is not None
        served.program.process.terminate()
        # An end without the last chunk would raise: the process was killed in mid-stream.
        assert [stream.next() for stream in streams] == [None, None]
        assert served.program.stop() == 0
