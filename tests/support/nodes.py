"""Two nodes of one BFF, as processes of their own: one public address, one store, one provider."""

from __future__ import annotations

import contextlib
import time
import urllib.request
from typing import TYPE_CHECKING, Any

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from bff.sessions.store import SessionStore
from tests.support import parties
from tests.support.fake_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider
from tests.support.parties import SECRET_KEYS, Party
from tests.support.upstream import RecordingUpstream
from tests.support.volley import ask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.stores import Store
    from tests.support.volley import Reply

TIMES = {"idle_ttl_s": 1800, "absolute_ttl_s": 28800}


class Nodes:
    """The nodes, and sessions that are put into their store by hand."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        *,
        redis_url: str | None = None,
        count: int = 2,
        workers: int = 1,
        provider: dict[str, Any] | None = None,
    ) -> None:
        """Prepare *count* nodes over *store*, reached by *redis_url* where that is another way.

        *provider* is set beside what every provider needs.
        """
        self.store, self._workers = store, workers
        self.provider, self.upstream = FakeProvider(), RecordingUpstream()
        self._folder, self._redis_url = folder, redis_url or store.url
        self._provider_settings = provider or {}
        self._client = connect(store.url)
        self._desk = SessionStore(
            self._client,
            SessionCodec(KeyRing(SECRET_KEYS)),
            idle_ttl_s=TIMES["idle_ttl_s"],
            absolute_ttl_s=TIMES["absolute_ttl_s"],
        )
        first = self._party(0)
        rest = [self._party(n, public_url=first.url) for n in range(1, count)]
        self.parties = [first, *rest]

    @property
    def ports(self) -> list[int]:
        """Where the nodes listen."""
        return [int(party.settings["port"]) for party in self.parties]

    def sign_in(self, sub: str = "ada", *, left_s: float = 3600) -> tuple[Ticket, TokenSet]:
        """Return the ticket of a new session whose access token has *left_s* left."""
        now = time.time()
        access = AccessToken(f"access-of-{sub}", now + left_s, lifetime_s=3600)
        refresh = self.provider.new_refresh_token()
        tokens = TokenSet(1, "sso", sub, {"": access}, refresh)
        record = SessionRecord("sso", self.provider.issuer, sub, now, now, now + 28800)
        return self._desk.create(record, tokens, Device()), tokens

    def tokens(self, ticket: Ticket) -> TokenSet | None:
        """Return what the store holds for *ticket*."""
        return self._desk.load_tokens(ticket)

    async def come_back(self, started: Reply) -> Reply:
        """Return from the provider to the first node, signed in, after the 303 *started*."""
        callback = self.provider.callback(started.header("Location") or "")
        cookie = (started.header("Set-Cookie") or "").partition(";")[0]
        return await ask(self.ports[0], callback, cookie=cookie)

    def waiters(self) -> int:
        """Return how many calls wait for a refresh just now, on all nodes that live."""
        return sum(self._gauge(party, "bff_refresh_waiters") for party in self.parties)

    def restart_with(self, node: int, secret_keys: Sequence[str]) -> None:
        """Stop a node in good order and start it again with another key ring."""
        old = self.parties[node]
        old.program.stop()
        settings = {**old.settings, "secret_keys": list(secret_keys)}
        self.parties[node] = Party("bff", old.url, old.folder, settings)
        self.parties[node].start("/livez")

    def _party(self, number: int, **more: Any) -> Party:  # noqa: ANN401 - settings
        provider: dict[str, Any] = {
            "name": "sso",
            "issuer": self.provider.issuer,
            "client_id": CLIENT_ID,
        }
        provider |= {"client_secret": CLIENT_SECRET, "scopes": ["openid", "offline_access"]}
        provider |= self._provider_settings
        route = {"path": "/api", "upstream": self.upstream.url, "strip_prefix": True}
        return parties.bff(
            self._folder / f"node{number}",
            redis_url=self._redis_url,
            providers=[provider],
            routes=[{**route, "token": "user", "timeout_s": 20}],
            session=TIMES,
            workers=self._workers,
            **more,
        )

    @staticmethod
    def _gauge(party: Party, name: str) -> int:
        if not party.program.is_running():
            return 0
        url = f"http://127.0.0.1:{party.settings['management_port']}/metrics"
        with urllib.request.urlopen(url, timeout=30) as reply:
            lines = reply.read().decode().splitlines()
        return sum(int(float(line.split()[-1])) for line in lines if line.startswith(f"{name} "))

    def close(self) -> None:
        """Stop the nodes and let the store go."""
        for party in self.parties:
            party.program.stop(within_s=10)
        self._client.close()


@contextlib.contextmanager
def running_nodes(folder: Path, store: Store, **options: Any) -> Iterator[Nodes]:  # noqa: ANN401 - of `Nodes`
    """Run nodes with their provider and upstream for as long as the block lasts."""
    nodes = Nodes(folder, store, **options)
    with nodes.provider, nodes.upstream:
        try:
            for party in nodes.parties:
                party.launch()
            for party in nodes.parties:
                party.wait()
            yield nodes
        finally:
            nodes.close()
