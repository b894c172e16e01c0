"""One refresh a session for everybody, everywhere; three outcomes that are never confused."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from bff.problems import LOGIN_REQUIRED, PROVIDER_UNAVAILABLE, Refused, Unavailable
from bff.sessions.model import TokenSet
from bff.tokens.freshness import Freshness
from bff.tokens.provider import Provider
from tests.support.fake_provider import (
    JWKS,
    REVOKE,
    TOKEN,
    FakeProvider,
    hangs_up,
    says,
    signing_key,
)
from tests.support.token_node import OLD, Node
from tests.unit.bff.tokens.conftest import REDIRECT_URI, Patient

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stores import Store
    from tests.support.upstream import Answer, Received

    Act = Callable[[Received], Answer]


def test_a_fresh_token_is_handed_out_as_it_is(fake: FakeProvider, node: Node) -> None:
    """Nobody is asked."""
    ticket = node.sign_in(fake, left_s=50)
    assert node.ask(ticket) == OLD
    assert fake.asked(TOKEN) == 0


@pytest.mark.rule("B-34")
def test_a_token_near_its_end_is_renewed_ahead(fake: FakeProvider, node: Node) -> None:
    """The set is replaced: token, refresh token and ID token, one generation on."""
    ticket = node.sign_in(fake, left_s=5)
    before = node.tokens(ticket)
    given = node.ask(ticket)
    after = node.tokens(ticket)
    assert given == after.access_tokens[""].value != OLD
    assert after.generation == before.generation + 1
    assert after.refresh_token == fake.successors[str(before.refresh_token)]
    assert after.id_token is not None
    assert after.sub == "ada"


def test_a_provider_that_does_not_rotate_keeps_the_refresh_token(
    fake: FakeProvider, node: Node
) -> None:
    """Where no new refresh token comes, the old one stays; likewise the ID token."""
    ticket = node.sign_in(fake, left_s=-1)
    before = node.tokens(ticket)
    fake.reply = {"refresh_token": None, "id_token": None}
    node.ask(ticket)
    assert node.tokens(ticket).refresh_token == before.refresh_token


@pytest.mark.rule("B-34")
def test_fifty_threads_cause_one_refresh(fake: FakeProvider, node: Node) -> None:
    """And every one of them gets the new token."""
    ticket = node.sign_in(fake, left_s=-1)
    seen = node.tokens(ticket)
    with ThreadPoolExecutor(50) as threads:
        given = list(threads.map(lambda _n: node.ask(ticket, seen), range(50)))
    assert fake.asked(TOKEN) == 1
    assert set(given) == {node.tokens(ticket).access_tokens[""].value}


def test_fifty_coroutines_cause_one_refresh(fake: FakeProvider, node: Node) -> None:
    """And one that is cancelled takes nothing from the others."""
    ticket = node.sign_in(fake, left_s=-1)
    seen = node.tokens(ticket)

    async def herd() -> list[str]:
        ask = node.lifecycle.fresh_set_for
        tasks = [asyncio.create_task(ask(ticket, seen)) for _n in range(50)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        return [
            given.access_tokens[""].value
            for given in await asyncio.gather(*tasks, return_exceptions=True)
            if isinstance(given, TokenSet)
        ]

    given = asyncio.run(herd())
    assert len(given) == 49
    assert set(given) == {node.tokens(ticket).access_tokens[""].value}
    assert fake.asked(TOKEN) == 1


@pytest.mark.rule("B-34", "F-31")
def test_two_nodes_cause_one_refresh(fake: FakeProvider, node_of: Callable[[], Node]) -> None:
    """Twenty-five callers on each of two nodes at expiry: one call at the provider (F-31)."""
    first, second = node_of(), node_of()
    ticket = first.sign_in(fake, left_s=-1)
    seen = first.tokens(ticket)
    with ThreadPoolExecutor(50) as threads:
        nodes = [first, second] * 25
        given = list(threads.map(lambda node: node.ask(ticket, seen), nodes))
    assert fake.asked(TOKEN) == 1
    assert set(given) == {first.tokens(ticket).access_tokens[""].value}


@pytest.mark.rule("S-044")
def test_sessions_refresh_independently(fake: FakeProvider, node: Node) -> None:
    """One flight a session, not one for all: nobody gets another person's token (S-044)."""
    tickets = [node.sign_in(fake, left_s=-1) for _n in range(12)]
    with ThreadPoolExecutor(12) as threads:
        given = list(threads.map(node.ask, tickets))
    assert fake.asked(TOKEN) == 12
    assert given == [node.tokens(ticket).access_tokens[""].value for ticket in tickets]
    assert len(set(given)) == 12


def test_whoever_saw_an_older_set_gets_the_newer_one(fake: FakeProvider, node: Node) -> None:
    """A caller that read before somebody else's refresh causes no second one."""
    ticket = node.sign_in(fake, left_s=-1)
    seen = node.tokens(ticket)
    given = node.ask(ticket, seen)
    assert node.ask(ticket, seen) == given
    assert fake.asked(TOKEN) == 1


@pytest.mark.rule("B-22", "F-25")
def test_a_refused_refresh_token_ends_the_session_once(fake: FakeProvider, node: Node) -> None:
    """Every waiter hears 401, the provider one question (F-25)."""
    ticket = node.sign_in(fake, left_s=-1)
    seen = node.tokens(ticket)
    fake.misbehave(TOKEN, says(400, {"error": "invalid_grant"}))

    def ask(_number: int) -> object:
        with pytest.raises(Refused) as refusal:
            node.ask(ticket, seen)
        return refusal.value.problem

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(ask, range(10))) == {LOGIN_REQUIRED}
    assert fake.asked(TOKEN) == 1
    assert node.store.load_tokens(ticket) is None


OUTAGES: dict[str, Act] = {
    "500": says(500),
    "429": says(429, b"", Retry_After="3"),
    "hangs up": hangs_up,
    "temporarily unavailable": says(400, {"error": "temporarily_unavailable"}),
    "invalid_client": says(401, {"error": "invalid_client"}),
    "unauthorized_client": says(400, {"error": "unauthorized_client"}),
    "html": says(200, b"<html>maintenance</html>"),
    "array": says(200, []),
    "bomb": says(200, b"[" * 100_000),
    "redirect": says(302, b"", Location="https://evil.example"),
    "other token type": says(200, {"access_token": "a", "token_type": "DPoP"}),
}


@pytest.mark.rule("F-23", "F-26")
@pytest.mark.parametrize("outage", OUTAGES)
def test_the_old_token_serves_while_it_is_valid(
    fake: FakeProvider, node: Node, outage: str
) -> None:
    """A provider that is away, overloaded or beside itself takes nothing away (F-23, F-26)."""
    ticket = node.sign_in(fake, left_s=5)
    fake.misbehave(TOKEN, *[OUTAGES[outage]] * 3)
    assert node.ask(ticket) == OLD
    assert node.tokens(ticket).generation == 1


@pytest.mark.rule("F-24", "F-26")
@pytest.mark.parametrize("outage", OUTAGES)
def test_without_a_valid_token_an_outage_keeps_the_session(
    fake: FakeProvider, node: Node, outage: str
) -> None:
    """Never a sign-out; once the provider is back, the session goes on (F-24, F-26)."""
    ticket = node.sign_in(fake, left_s=-1)
    fake.misbehave(TOKEN, *[OUTAGES[outage]] * 3)
    try:
        node.ask(ticket)
    except (Unavailable, Refused) as failure:
        assert failure.problem.status in {502, 503}  # noqa: PT017 - either of two families
    else:
        pytest.fail("an expired token was handed out")
    assert node.tokens(ticket).generation == 1


def test_an_expired_session_goes_on_when_the_provider_is_back(
    fake: FakeProvider, node_of: Callable[[], Node]
) -> None:
    """The kept refresh token works on any node."""
    node = node_of()
    ticket = node.sign_in(fake, left_s=-1)
    fake.misbehave(TOKEN, says(503))
    with pytest.raises(Unavailable):
        node.ask(ticket)
    assert node_of().ask(ticket) == node.tokens(ticket).access_tokens[""].value


@pytest.mark.rule("F-27")
def test_a_lost_reply_goes_unnoticed(fake: FakeProvider, node: Node) -> None:
    """The provider rotated, the reply was lost, the retry yields the successor (F-27)."""
    ticket = node.sign_in(fake, left_s=-1)
    fake.misbehave(TOKEN, fake.loses_its_reply)
    assert node.ask(ticket) == node.tokens(ticket).access_tokens[""].value
    assert node.tokens(ticket).refresh_token in fake.successors.values()
    assert fake.asked(TOKEN) == 2


@pytest.mark.rule("F-28")
def test_a_set_that_cannot_be_stored_serves_the_request(fake: FakeProvider, node: Node) -> None:
    """Redis takes no write after the reply: this request works, the next refreshes anew (F-28)."""
    ticket = node.sign_in(fake, left_s=-1)

    def fills_redis(_received: Received) -> Answer:
        node.client.config_set("maxmemory", 1)
        return fake.answers_rightly(_received)

    fake.misbehave(TOKEN, fills_redis)
    try:
        given = node.ask(ticket)
    finally:
        node.client.config_set("maxmemory", 0)
    assert given != OLD
    assert node.tokens(ticket).generation == 1
    assert node.ask(ticket) == node.tokens(ticket).access_tokens[""].value
    assert node.tokens(ticket).generation == 2


@pytest.mark.rule("S-039")
def test_a_session_that_ended_during_its_refresh_stays_ended(
    fake: FakeProvider, node: Node
) -> None:
    """The new set is not written, not handed out, and does not live on at the provider (S-039)."""
    ticket = node.sign_in(fake, left_s=-1)
    held, sent = node.tokens(ticket).refresh_token, []

    def signs_out(received: Received) -> Answer:
        node.store.delete_by_digest(ticket.digest)
        sent.append(fake.answers_rightly(received))
        return sent[0]

    fake.misbehave(TOKEN, signs_out)
    with pytest.raises(Refused):
        node.ask(ticket)
    assert node.client.exists(ticket.key) == 0
    [revoked] = fake.forms(REVOKE)
    assert revoked["token"] == json.loads(sent[0].body)["refresh_token"] != held


@pytest.mark.rule("F-30")
def test_a_worker_held_up_past_its_lease_overwrites_nothing(
    fake: FakeProvider, node_of: Callable[[], Node]
) -> None:
    """The generation is the fence: the set of the faster node stands and serves both (F-30)."""
    slow, fast = node_of(), node_of()
    ticket = slow.sign_in(fake, left_s=-1)

    def loses_the_lease(received: Received) -> Answer:
        slow.client.delete(f"refresh:{{{ticket.digest}}}")
        fast.ask(ticket)
        return fake.answers_rightly(received)

    fake.misbehave(TOKEN, loses_the_lease)
    given = slow.ask(ticket)
    stored = slow.tokens(ticket)
    assert stored.generation == 2
    assert given == stored.access_tokens[""].value


@pytest.mark.rule("S-030")
def test_another_sub_in_a_refreshed_id_token_ends_the_session(
    fake: FakeProvider, node: Node
) -> None:
    """The session never becomes somebody else's (S-030, OIDC Core §12.2)."""
    ticket = node.sign_in(fake, left_s=5)
    fake.sub = "mallory"
    with pytest.raises(Refused) as refusal:
        node.ask(ticket)
    assert refusal.value.problem is LOGIN_REQUIRED
    assert node.store.load_tokens(ticket) is None


@pytest.mark.parametrize(
    "claims",
    [{"iss": "https://evil.example"}, {"aud": "another"}, {"exp": 1}, {"at_hash": "x"}],
)
def test_an_invalid_refreshed_id_token_is_not_taken(
    fake: FakeProvider, node: Node, claims: dict[str, Any]
) -> None:
    """No token of that reply is handed out; only what the provider rotated is not lost."""
    ticket = node.sign_in(fake, left_s=-1)
    before = node.tokens(ticket)
    fake.claims = claims
    with pytest.raises(Refused) as refusal:
        node.ask(ticket)
    assert refusal.value.problem.status == 502
    kept = node.tokens(ticket)
    assert (kept.access_tokens, kept.id_token) == (before.access_tokens, before.id_token)
    assert kept.refresh_token == fake.successors[before.refresh_token or ""]


def test_a_rotation_whose_id_token_cannot_be_checked_now_is_not_lost(
    fake: FakeProvider, node: Node
) -> None:
    """While the keys are out of reach, only the refresh token moves on; later all is well."""
    ticket = node.sign_in(fake, left_s=-1)
    before = node.tokens(ticket)
    fake.misbehave(JWKS, says(503))
    with pytest.raises(Unavailable):
        node.ask(ticket)
    kept = node.tokens(ticket)
    assert kept.refresh_token != before.refresh_token
    assert kept.access_tokens == before.access_tokens


def test_a_forged_refreshed_id_token_is_not_taken(fake: FakeProvider, node: Node) -> None:
    """The signature counts at a refresh too, also while the old token serves."""
    ticket = node.sign_in(fake, left_s=5)
    fake.header = {"kid": "stranger"}
    fake.misbehave(JWKS, says(200, {"keys": [dict(signing_key().as_dict(private=False))]}))
    assert node.ask(ticket) == OLD
    assert node.tokens(ticket).access_tokens[""].value == OLD


@pytest.mark.rule("F-36")
@pytest.mark.parametrize("step_s", [3600, -3600])
def test_a_clock_that_jumps_signs_nobody_out(
    fake: FakeProvider, node: Node, transport: Patient, step_s: int
) -> None:
    """An hour on, an hour back: 502 or the old token meanwhile, and then as before."""
    fake.forgiving = False
    ticket = node.sign_in(fake, left_s=5)
    settings = fake.settings()

    def clock() -> float:
        return time.time() + step_s

    provider = Provider(settings, redirect_uri=REDIRECT_URI, transport=transport, clock=clock)
    jumped = Node(node.url, provider, clock)
    for _call in range(3):
        with suppress(Refused):
            jumped.ask(ticket)
    jumped.close()
    assert node.ask(ticket) == node.tokens(ticket).access_tokens[""].value != OLD


@pytest.mark.rule("F-06", "F-25")
@pytest.mark.parametrize("forgiving", [True, False])
def test_a_failover_that_loses_a_refresh(fake: FakeProvider, node: Node, forgiving: bool) -> None:  # noqa: FBT001
    """The set before it is back: within the provider's grace nobody notices, after it one sign-in.

    Never a circle of refreshes: the refused token ends the session, once (F-25).
    """
    ticket = node.sign_in(fake, left_s=-1)
    lost = node.client.hmget(ticket.key, "t", "g")
    node.ask(ticket)
    node.client.hset(ticket.key, mapping={"t": str_of(lost[0]), "g": str_of(lost[1])})
    fake.forgiving = forgiving
    if forgiving:
        assert node.ask(ticket) == node.tokens(ticket).access_tokens[""].value
    else:
        seen = node.tokens(ticket)
        for _again in range(3):
            with pytest.raises(Refused):
                node.ask(ticket, seen)
    assert fake.asked(TOKEN) == 2


def str_of(value: object) -> bytes:
    """Return a field that was there."""
    assert isinstance(value, bytes)
    return value


def test_a_token_of_one_second_is_good_for_most_of_it(fake: FakeProvider, node: Node) -> None:
    """``expires_in: 1`` is accepted, and renewed again and again."""
    ticket = node.sign_in(fake, left_s=-1)
    fake.reply = {"expires_in": 1}
    asked_at = time.time()
    given = node.ask(ticket)
    renewed = node.tokens(ticket)
    assert given == renewed.access_tokens[""].value
    fresh = Freshness().find(renewed)
    assert fresh is None or fresh.value == given
    assert asked_at <= renewed.access_tokens[""].expires_at - 1 <= time.time()


@pytest.mark.rule("B-46")
def test_without_a_refresh_token_the_session_ends_with_its_token(
    fake: FakeProvider, node: Node
) -> None:
    """A provider that gives none is tolerated until the token is over (B-46)."""
    ticket = node.sign_in(fake, left_s=5, refresh=False)
    assert node.ask(ticket) == OLD
    over = node.sign_in(fake, left_s=-1, refresh=False)
    with pytest.raises(Refused):
        node.ask(over)
    assert node.store.load_tokens(over) is None
    assert fake.asked(TOKEN) == 0


def test_a_session_that_ended_gives_no_token(fake: FakeProvider, node: Node) -> None:
    """Its refresh token is not even shown to the provider."""
    ticket = node.sign_in(fake, left_s=-1)
    seen = node.tokens(ticket)
    node.store.delete_by_digest(ticket.digest)
    with pytest.raises(Refused):
        node.ask(ticket, seen)
    assert fake.asked(TOKEN) == 0


def test_without_redis_nobody_refreshes(fake: FakeProvider, node: Node, valkey: Store) -> None:
    """An outage of the store is one, and costs the provider nothing."""
    ticket = node.sign_in(fake, left_s=-1)
    seen = node.tokens(ticket)
    node.client.connection_pool.disconnect()
    valkey.program.pause()
    try:
        with pytest.raises(Unavailable) as outage:
            node.ask(ticket, seen)
    finally:
        valkey.program.resume()
    assert outage.value.problem is not PROVIDER_UNAVAILABLE
    assert fake.asked(TOKEN) == 0


@pytest.mark.rule("F-43")
def test_a_token_that_an_upstream_refused_is_replaced_once(fake: FakeProvider, node: Node) -> None:
    """The herd that got 401 shares one refresh; without one there is no replacement (F-43)."""
    ticket = node.sign_in(fake, left_s=50)
    seen = node.tokens(ticket)

    async def herd() -> list[TokenSet | None]:
        ask = node.lifecycle.replacement_for
        return list(await asyncio.gather(*[ask(ticket, seen) for _n in range(20)]))

    given = asyncio.run(herd())
    stored = node.tokens(ticket)
    assert given == [stored] * 20
    assert fake.asked(TOKEN) == 1
    fake.misbehave(TOKEN, says(503))
    assert asyncio.run(node.lifecycle.replacement_for(ticket, node.tokens(ticket))) is None
