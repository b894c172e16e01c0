"""One way to reach Redis, from one URL, with every wait bounded.

``redis://``, ``rediss://``, ``unix://``, ``redis+sentinel://h1,h2[:port]/service/db`` and
``redis+cluster://h1,h2``. Redis ≥ 6.2 or Valkey.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.commands.core import Script
from redis.retry import Retry
from redis.sentinel import Sentinel

from bff.problems import STORE_UNAVAILABLE, Unavailable
from bff.sessions.codec import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

CONNECT_TIMEOUT_S = 0.3
COMMAND_TIMEOUT_S = 0.5
_POOL_SIZE = 64
_POOL_WAIT_S = 0.3
_REDIS_PORT = 6379
_SENTINEL_PORT = 26379

# Answers of a server that lives but cannot serve. Any other error reply is a bug of ours.
# Not always the first word: redis-py names the command of a pipeline before it, and Redis before
# 7.0 the script.
_OUTAGE_REPLY = re.compile(
    r"\b(?:CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOAUTH|NOREPLICAS|OOM|READONLY)\b"
)
_FOREIGN_REPLY = "WRONGTYPE"
_OUTAGE_ERRORS = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.ClusterError,
    redis.exceptions.RedisClusterException,
)


@contextmanager
def store_errors() -> Iterator[None]:
    """Translate what redis-py raises at this edge.

    Raises:
        Unavailable: ``store_unavailable``; sessions are kept and nobody is signed out.
        Unreadable: the key holds a value of another kind, which nobody of ours put there.
    """
    try:
        yield
    except _OUTAGE_ERRORS as error:
        raise Unavailable(STORE_UNAVAILABLE, hint=type(error).__name__) from error
    except redis.exceptions.ResponseError as error:
        if outage := _OUTAGE_REPLY.search(str(error)):
            raise Unavailable(STORE_UNAVAILABLE, hint=outage.group()) from error
        if _FOREIGN_REPLY in str(error):
            raise Unreadable("of another kind than ours") from error
        raise


def connect(url: str) -> redis.Redis:
    """Return a client for *url*; nothing is sent yet, so that a party starts without Redis.

    Every operation ends within about a second: connecting 0.3 s, a command 0.5 s, and one retry
    on a link that a restarted server had closed. A timeout is not retried.
    """
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _by_sentinel(parts)
    if parts.scheme == "redis+cluster":
        # It shares the commands that the store uses, if not the base class.
        return cast("redis.Redis", _LazyCluster(parts))
    pool = redis.BlockingConnectionPool.from_url(
        url, max_connections=_POOL_SIZE, timeout=_POOL_WAIT_S, **_options()
    )
    return redis.Redis.from_pool(pool)  # so that closing the client closes its links


def _options() -> dict[str, Any]:
    return {
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": COMMAND_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.exceptions.ConnectionError,)),
    }


def _nodes(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    nodes = parts.netloc.rpartition("@")[2].split(",")
    pairs = (node.partition(":") for node in nodes)
    return [(host, int(own) if own else port) for host, _colon, own in pairs]


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, _colon, password = parts.netloc.rpartition("@")[0].partition(":")
    found = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in found.items() if value}


def _by_sentinel(parts: SplitResult) -> redis.Redis:
    service, _slash, database = parts.path.strip("/").partition("/")
    sentinel = Sentinel(
        _nodes(parts, _SENTINEL_PORT),
        sentinel_kwargs=_options(),  # else redis-py asks a dead sentinel again and again
        **_options(),
        **_credentials(parts),
        db=int(database or 0),
    )
    return cast("redis.Redis", sentinel.master_for(service))


class _LazyCluster:
    """A cluster client that is made when first used, and again until that succeeds.

    redis-py's own asks the cluster for its slots when made: a party could not start while the
    cluster is away.
    """

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._client: RedisCluster | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - every command of the client
        with self._lock:
            if self._client is None:
                self._client = RedisCluster(
                    startup_nodes=[
                        ClusterNode(host, port) for host, port in _nodes(self._parts, _REDIS_PORT)
                    ],
                    **_options(),
                    **_credentials(self._parts),
                )
        return getattr(self._client, name)


def script(client: redis.Redis, text: str) -> Script:
    """Return *text* as a script of *client*; unlike `register_script` it asks nothing of it."""
    return Script(client, text.encode())
