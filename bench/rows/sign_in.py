"""What signing in costs the proxy's processes, and what it leaves in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from bench import procfs
from bench.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.run import Contender, Run

_TIMES = 200


def measure(run: Run, contenders: Sequence[Contender]) -> dict[str, dict[str, float | str]]:
    """Return processor time of a login's start and of a whole sign-in, and Redis's share."""
    rows: dict[str, dict[str, float | str]] = {}
    for contender in contenders:
        login_url = contender.standing.login_url
        if login_url is not None:
            run.say(f"signing in: {contender.peer.title}")
            rows[f"signing in: {contender.peer.title}"] = _one(contender, login_url)
    return rows


def _one(contender: Contender, login_url: str) -> dict[str, float | str]:
    pid = contender.target.pid
    with redis.Redis.from_url(contender.place.redis_url) as store:
        people = int(store.dbsize())
        memory = sum(int(store.memory_usage(key, samples=0) or 0) for key in store.scan_iter())
        sessions = len(contender.target.cookies.read_text().splitlines())
        before = procfs.cpu_s(pid)
        for _ in range(_TIMES):
            Visitor().get(login_url, navigation=True)
        starts = procfs.cpu_s(pid) - before
        left_behind = int(store.dbsize()) - people
    before = procfs.cpu_s(pid)
    for _ in range(_TIMES):
        Visitor().sign_in(login_url)
    whole = procfs.cpu_s(pid) - before
    return {
        "CPU µs of a login's start": round(starts * 1e6 / _TIMES),
        "CPU µs of a whole sign-in": round(whole * 1e6 / _TIMES),
        f"Redis keys that {_TIMES} abandoned logins left": left_behind,
        "Redis bytes a session, indexes included": round(memory / max(1, sessions)),
    }
