"""The measurements that are not a table of peers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.rows import auth_request, huge, sign_in, sso, streams, upload, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.run import Contender, Run

    Row = Callable[[Run, Sequence[Contender]], dict[str, dict[str, float | str]]]


def all_rows() -> dict[str, Row]:
    """Return the further measurements by name, in the order they run.

    Streams come last: a pool of threads that they filled stays full for a while.
    """
    return {
        "sign-in": sign_in.measure,
        "workers": workers.measure,
        "auth-request": auth_request.measure,
        "sso": sso.measure,
        "upload": upload.measure,
        "huge": huge.measure,
        "streams": streams.measure,
    }
