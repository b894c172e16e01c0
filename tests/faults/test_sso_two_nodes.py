"""One SSO on two processes over MariaDB: what is good once is good once, whoever is asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text, update

from sso.clients.registration import CLIENT_CREDENTIALS
from sso.storage.digests import digest
from sso.storage.grants import RefreshToken
from tests.support.sso_nodes import SsoNodes, members, redemption, running_sso_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sso.storage.engine import Storage
    from tests.support.mariadb import MariaDb
    from tests.support.stores import Store
    from tests.support.volley import Reply

EACH = 25  # on each of two nodes: fifty at once


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDb, valkey: Store
) -> Iterator[SsoNodes]:
    """Two nodes with the settings of every installation."""
    with running_sso_nodes(tmp_path_factory.mktemp("nodes"), mariadb, valkey) as running:
        yield running


def refreshed(nodes: SsoNodes, token: str) -> list[Reply]:
    """Return the answers to fifty refreshes of *token* at once."""
    return nodes.volley(EACH, grant_type="refresh_token", refresh_token=token)


@pytest.mark.rule("A-07", "S-084")
def test_of_fifty_redemptions_at_once_exactly_one_succeeds(nodes: SsoNodes) -> None:
    """Of one code, on two processes; the others are told ``invalid_grant``."""
    code = nodes.house.signed_in().code()
    replies = nodes.volley(EACH, **redemption(code))
    assert sorted({reply.status for reply in replies}) == [200, 400]
    assert sum(reply.status == 200 for reply in replies) == 1
    errors = {members(reply)["error"] for reply in replies if reply.status == 400}
    assert errors == {"invalid_grant"}


@pytest.mark.rule("A-26", "S-086")
def test_of_fifty_refreshes_at_once_there_is_one_successor(nodes: SsoNodes) -> None:
    """Whoever gets an answer within the grace gets the very same one; the family lives."""
    token = nodes.house.tokens()["refresh_token"]
    replies = refreshed(nodes, token)
    assert {reply.status for reply in replies} == {200}
    [successor] = {members(reply)["refresh_token"] for reply in replies}
    with nodes.house.base.storage.reading() as session:
        used = session.get_one(RefreshToken, digest(token))
        of_grant = select(func.count()).where(RefreshToken.grant_id == used.grant_id)
        assert session.scalar(of_grant) == 2
        assert used.successor == digest(successor)


@pytest.mark.rule("A-26", "S-085")
def test_a_replay_after_the_grace_kills_the_family(nodes: SsoNodes) -> None:
    """On whichever node; the successor is dead on the other at once."""
    token = nodes.house.tokens()["refresh_token"]
    successor = members(refreshed(nodes, token)[0])["refresh_token"]
    long_ago = (
        update(RefreshToken)
        .where(RefreshToken.digest == digest(token))
        .values(used_at=nodes.house.clock() - timedelta(minutes=1))
    )
    nodes.house.base.storage.write(lambda session: session.execute(long_ago))
    here, there = nodes.ports

    async def replay() -> tuple[Reply, Reply]:
        late = await nodes.token(here, grant_type="refresh_token", refresh_token=token)
        next_ = await nodes.token(there, grant_type="refresh_token", refresh_token=successor)
        return late, next_

    for reply in asyncio.run(replay()):
        assert reply.status == 400
        assert members(reply)["error"] == "invalid_grant"


@pytest.mark.rule("A-26", "S-086")
def test_without_a_grace_exactly_one_of_fifty_refreshes_succeeds(
    tmp_path: Path, mariadb: MariaDb, valkey: Store
) -> None:
    """The race itself is a replay then: the family is dead afterwards."""
    strict = {"refresh_grace_s": 0}
    with running_sso_nodes(tmp_path, mariadb, valkey, lifetimes=strict) as nodes:
        replies = refreshed(nodes, nodes.house.tokens()["refresh_token"])
        assert sum(reply.status == 200 for reply in replies) == 1
        assert {reply.status for reply in replies} == {200, 400}
        [kept] = [members(reply) for reply in replies if reply.status == 200]
        again = nodes.volley(1, grant_type="refresh_token", refresh_token=kept["refresh_token"])
        assert {members(reply)["error"] for reply in again} == {"invalid_grant"}


async def _loop(
    nodes: SsoNodes, done: asyncio.Event, failures: list[str], counted: list[int]
) -> None:
    """Refresh, ask about the token, take a machine's one; on both nodes, until *done*."""
    house = nodes.house
    machine = house.new_client(grant_types=[CLIENT_CREDENTIALS], redirect_uris=[])
    token = house.tokens()["refresh_token"]
    while not done.is_set():
        for port in nodes.ports:
            answers = [await nodes.token(port, grant_type="refresh_token", refresh_token=token)]
            if answers[0].status == 200:
                given = members(answers[0])
                token = given["refresh_token"]
                asked = await nodes.post(port, "/oauth/introspect", token=given["access_token"])
                if not members(asked).get("active"):
                    failures.append(f"inactive: {asked.body!r}")
                answers.append(asked)
            answers.append(await nodes.token(port, machine, grant_type="client_credentials"))
            failures += [f"{a.status} {a.body!r}" for a in answers if a.status != 200]
            counted[0] += len(answers)


@pytest.mark.rule("A-21", "A-35", "F-44", "F-46")
def test_nothing_fails_while_keys_secrets_and_the_schema_change(nodes: SsoNodes) -> None:
    """A client goes on and on; operators rotate, migrate, and widen tables beneath it."""
    house = nodes.house
    failures: list[str] = []
    counted = [0]
    party = nodes.parties[0]

    async def answered_since() -> None:
        before = counted[0]
        while counted[0] < before + 12:  # noqa: ASYNC110 - a count, on both nodes
            await asyncio.sleep(0.05)

    async def change(*words: str) -> None:
        await asyncio.to_thread(party.command, *words)
        await answered_since()

    async def alter(statement: str) -> None:
        await asyncio.to_thread(_run, house.base.storage, statement)
        await answered_since()

    async def all_at_once() -> None:
        done = asyncio.Event()
        client = asyncio.create_task(_loop(nodes, done, failures, counted))
        try:
            await change("keys", "rotate")
            await change("keys", "rotate", "--algorithm", "ES256")
            new = house.base.clients.add_secret(house.client.client_id, old_valid_s=600)
            await change("migrate")
            # From here on the client uses its second secret; both were good meanwhile.
            house.client = type(house.client)(house.client.client_id, new)
            # What the next version's migration does to tables in use.
            for table in ("clients", "grants", "refresh_tokens"):
                await alter(f"ALTER TABLE {table} ADD COLUMN of_tomorrow VARCHAR(32)")
            for table in ("clients", "grants", "refresh_tokens"):
                await alter(f"ALTER TABLE {table} DROP COLUMN of_tomorrow")
        finally:
            done.set()
            await client

    asyncio.run(all_at_once())
    assert failures == []
    assert counted[0] >= 100


def _run(storage: Storage, statement: str) -> None:
    with storage.engine.connect() as connection:
        connection.execute(text(statement))
        connection.commit()
