"""The last refusals of each client, for its developer: few, short, and gone after two weeks.

Kept in Redis and never waited for: where it does not answer, a refusal is only in the log.

Spec: A-59.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog
from flask import g
from redis.exceptions import RedisError

from httpkit.problems import Unavailable
from httpkit.request_ids import current_request_id
from sso.refusals import NOTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response
    from redis import Redis

    from sso.clock import Clock

KEPT: Final = 20
_TTL_S: Final = 14 * 86_400
_REST_S: Final = 10.0
_CLIENT_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True)
class Refusal:
    """One refusal, as its client's developer may see it."""

    at: datetime
    endpoint: str
    code: str
    reason: str
    request_id: str


class RecentRefusals:
    """Keeps and shows them."""

    def __init__(self, redis: Redis, clock: Clock, *, exists: Callable[[str], bool]) -> None:
        """*exists* tells whether there is a client of an id: nothing is kept for invented ones."""
        self._redis = redis
        self._clock = clock
        self._exists = exists
        self._rests_until = 0.0

    def install(self, app: Flask) -> None:
        """Keep what the requests to *app* are refused with."""

        @app.after_request
        def _keep(response: Response) -> Response:
            for code, reason in g.pop(NOTED, []):
                self._keep(code, reason)
            return response

    def of(self, client_id: str) -> list[Refusal]:
        """Return the last refusals of the client, the newest first; none where Redis is away."""
        try:
            kept = self._redis.lrange(_key(client_id), 0, KEPT - 1)
        except RedisError:
            return []
        found = []
        for line in kept:
            with contextlib.suppress(ValueError, TypeError):
                at, *rest = json.loads(line)
                found.append(Refusal(datetime.fromisoformat(at), *rest))
        return found

    def forget(self, client_id: str) -> None:
        """Drop what was kept of a client that is gone."""
        with contextlib.suppress(RedisError):
            self._redis.delete(_key(client_id))

    def _keep(self, code: str, reason: str) -> None:
        context = structlog.contextvars.get_contextvars()
        client_id = str(context.get("client", ""))
        if not _CLIENT_ID.fullmatch(client_id) or time.monotonic() < self._rests_until:
            return
        try:
            if not self._exists(client_id):
                return
            line = json.dumps(
                [
                    self._clock().isoformat(timespec="seconds"),
                    str(context.get("endpoint") or ""),
                    code,
                    reason[:300],
                    current_request_id(),
                ]
            )
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.lpush(_key(client_id), line)
                pipe.ltrim(_key(client_id), 0, KEPT - 1)
                pipe.expire(_key(client_id), _TTL_S)
                pipe.execute()
        except (RedisError, Unavailable):
            # One refusal waits for an outage; those after it do not.
            self._rests_until = time.monotonic() + _REST_S


def _key(client_id: str) -> str:
    return f"sso:refusals:{client_id}"
