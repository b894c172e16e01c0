"""Two nodes of one SSO as processes of their own over one MariaDB, and somebody who asks them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.support import parties
from tests.support.volley import ask
from tests.unit.sso.house import CALLBACK, VERIFIER, App, House

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.mariadb import MariaDb
    from tests.support.stores import Store
    from tests.support.volley import Reply

_FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class SsoNodes:
    """The nodes; ``house`` is in this process, over the same database and under the same keys."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        store: Store,
        *,
        count: int = 2,
        **settings: Any,  # noqa: ANN401 - settings
    ) -> None:
        self.house = House(database_url, store.url, **settings)
        self.parties = [
            parties.sso(
                folder / f"node{number}",
                database_url=database_url,
                redis_url=store.url,
                audience="http://127.0.0.1:7000",
                **settings,
            )
            for number in range(count)
        ]

    @property
    def ports(self) -> list[int]:
        """Where the nodes listen."""
        return [int(party.settings["port"]) for party in self.parties]

    async def token(self, port: int, client: App | None = None, **members: str) -> Reply:
        """Post a form to the token endpoint of the node at *port* as *client*."""
        return await self.post(port, "/oauth/token", client, **members)

    async def post(self, port: int, path: str, client: App | None = None, **members: str) -> Reply:
        """Post a form as *client*, the house's first one unless given."""
        who = client or self.house.client
        form = {"client_id": who.client_id, "client_secret": who.client_secret or "", **members}
        return await ask(port, path, method="POST", headers=_FORM, body=urlencode(form))

    def volley(self, each: int, **members: str) -> list[Reply]:
        """Return the answers of the token endpoints to *each* requests a node, sent at once."""

        async def shoot() -> list[Reply]:
            calls = [self.token(port, None, **members) for _ in range(each) for port in self.ports]
            return list(await asyncio.gather(*calls))

        return asyncio.run(shoot())

    def close(self) -> None:
        """Stop the nodes."""
        for party in self.parties:
            party.program.stop(within_s=10)
        self.house.close()


def redemption(code: str) -> dict[str, str]:
    """Return the form that redeems *code*, credentials aside."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def members(reply: Reply) -> dict[str, Any]:
    """Return the members of a JSON answer."""
    found: dict[str, Any] = json.loads(reply.body)
    return found


@contextlib.contextmanager
def running_sso_nodes(
    folder: Path,
    mariadb: MariaDb,
    store: Store,
    **options: Any,  # noqa: ANN401 - of `SsoNodes`
) -> Iterator[SsoNodes]:
    """Run nodes for as long as the block lasts."""
    nodes = SsoNodes(folder, mariadb.fresh_database(), store, **options)
    try:
        for party in nodes.parties:
            party.launch()
        for party in nodes.parties:
            party.wait()
        yield nodes
    finally:
        nodes.close()
