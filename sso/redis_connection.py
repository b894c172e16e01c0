"""One way to reach Redis, from one URL, with every wait bounded.

``redis://``, ``rediss://``, ``unix://``, ``redis+sentinel://h1,h2[:port]/service/db`` and
``redis+cluster://h1,h2``. Redis 6.2 or newer, or Valkey.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote, urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEMES: Final = ("redis://", "rediss://", "unix://", "redis+sentinel://", "redis+cluster://")
_TIMEOUT_S: Final = 1.0
_REDIS_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


def open_redis(url: str) -> Redis:
    """Return a client that gives up after a second; nothing is asked of the server yet."""
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _by_sentinel(parts)
    if parts.scheme == "redis+cluster":
        # It shares the commands that are used here, if not the base class.
        return cast("Redis", _LazyCluster(parts))
    return Redis.from_url(url, health_check_interval=30, max_connections=64, **_options())


def _options() -> dict[str, Any]:
    return {"socket_timeout": _TIMEOUT_S, "socket_connect_timeout": _TIMEOUT_S}


def _nodes(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    nodes = parts.netloc.rpartition("@")[2].split(",")
    pairs = (node.partition(":") for node in nodes)
    return [(host, int(own) if own else port) for host, _colon, own in pairs]


def _credentials(parts: SplitResult) -> dict[str, Any]:
    user, _colon, password = parts.netloc.rpartition("@")[0].partition(":")
    found = {"username": unquote(user), "password": unquote(password)}
    return {name: value for name, value in found.items() if value}


def _by_sentinel(parts: SplitResult) -> Redis:
    service, _slash, database = parts.path.strip("/").partition("/")
    # Else redis-py asks a dead sentinel again and again.
    asking = {**_options(), "retry": Retry(NoBackoff(), 0)}
    sentinel = Sentinel(
        _nodes(parts, _SENTINEL_PORT),
        sentinel_kwargs=asking,
        **_options(),
        **_credentials(parts),
        db=int(database or 0),
    )
    return cast("Redis", sentinel.master_for(service))


class _LazyCluster:
    """A cluster client that is made when first used, and again until that succeeds.

    redis-py's own asks the cluster for its slots when made: this server could not start while the
    cluster is away.
    """

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._client: RedisCluster | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - every command of the client
        with self._lock:
            if self._client is None:
                self._client = self._connected()
        return getattr(self._client, name)

    def _connected(self) -> RedisCluster:
        nodes = [ClusterNode(host, port) for host, port in _nodes(self._parts, _REDIS_PORT)]
        try:
            return RedisCluster(startup_nodes=nodes, **_options(), **_credentials(self._parts))
        except RedisClusterException as error:
            # Not of the family that callers know as an outage.
            raise RedisConnectionError(str(error)) from error
