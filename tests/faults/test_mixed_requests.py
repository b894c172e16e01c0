"""Calls of every kind by several people at once, with callers who leave and tokens that end.

Nobody is ever answered for somebody else, nothing is left open, memory stays flat. A bounded
number in every run; ``CLOAKROOM_CALLS=1000000`` for the long form.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import AccessToken, Device, SessionRecord, TokenSet
from bff.sessions.store import SessionStore
from tests.support import parties
from tests.support.fake_provider import CLIENT_ID, CLIENT_SECRET
from tests.support.figures import show
from tests.support.mixed import Caller, Tally, WhoseUpstream
from tests.support.parties import SECRET_KEYS, Party
from tests.support.people_provider import PeopleProvider

if TYPE_CHECKING:
    from tests.support.stores import Store

CALLS = int(os.environ.get("CLOAKROOM_CALLS", "6000"))
CALLERS = 32
PEOPLE = [f"person-{number}" for number in range(20)]
LIFETIME_S = 4
MIB = 1024 * 1024
GROWTH_MIB = 24  # allocator and caches; a leak of 1 KiB a call would show from 25,000 calls on
WITHIN_S = 30


def sign_in(store: Store, provider: PeopleProvider) -> dict[str, str]:
    """Return each person's name by the ticket of a session whose token is about to end."""
    client = connect(store.url)
    desk = SessionStore(
        client, SessionCodec(KeyRing(SECRET_KEYS)), idle_ttl_s=7200, absolute_ttl_s=28800
    )
    now = time.time()
    tickets = {}
    for sub in PEOPLE:
        access = f"access-of-{sub}-at-first"
        refresh = provider.sign_in_by_hand(sub, f"sid-of-{sub}", access)
        tokens = TokenSet(1, "sso", sub, {"": AccessToken(access, now + LIFETIME_S)}, refresh)
        record = SessionRecord("sso", provider.issuer, sub, now, now, now + 28800)
        tickets[desk.create(record, tokens, Device()).encode()] = sub
    client.close()
    return tickets


def gateway(folder: Path, store: Store, provider: PeopleProvider, upstream: WhoseUpstream) -> Party:
    """Return a node before *upstream*."""
    known = {"name": "sso", "issuer": provider.issuer, "client_id": CLIENT_ID}
    return parties.bff(
        folder,
        redis_url=store.url,
        providers=[{**known, "client_secret": CLIENT_SECRET, "scopes": ["openid"]}],
        routes=[{"path": "/api", "upstream": upstream.url, "timeout_s": 20}],
        session={"idle_ttl_s": 7200, "absolute_ttl_s": 28800},
        log_level="WARNING",
    )


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def open_files(pid: int, upstream: WhoseUpstream) -> int:
    """Return how many files and sockets a process has open, kept upstream connections apart."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()) - upstream.open_connections


async def call(port: int, people: dict[str, str], count: int, seed: int) -> Tally:
    """Make *count* calls and return what came of them."""
    tally = Tally()
    callers = [Caller(port, people, tally, seed + number) for number in range(CALLERS)]
    await asyncio.gather(*(caller.call(count // CALLERS) for caller in callers))
    return tally


@pytest.mark.timeout(4 * 3600)
@pytest.mark.rule("B-34", "S-047", "F-38", "F-39")
def test_nobody_is_answered_for_somebody_else(tmp_path: Path, valkey: Store) -> None:
    """Whatever is sent, left, cut or refreshed meanwhile."""
    valkey.flush()
    provider = PeopleProvider()
    provider.reply = {"expires_in": LIFETIME_S}
    with provider, WhoseUpstream(provider.issued_to) as upstream:
        people = sign_in(valkey, provider)
        node = gateway(tmp_path, valkey, provider, upstream)
        try:
            node.start("/livez")
            port, pid = int(node.settings["port"]), node.program.pid
            asyncio.run(call(port, people, max(CALLS // 10, CALLERS), seed=1_000_000))
            files, memory = open_files(pid, upstream), memory_mib(pid)
            tally = asyncio.run(call(port, people, CALLS, seed=0))
            grown = memory_mib(pid) - memory
            left_open = _settled(pid, files, upstream)
        finally:
            node.program.stop(within_s=10)
    for kind, count in sorted(tally.outcomes.items()):
        show(f"{kind}: {count}")
    refreshes = provider.asked("/token")
    show(f"{CALLS} calls, {refreshes} refreshes, {grown:+.1f} MiB, {left_open:+d} files")
    assert tally.mixed_up == []
    assert provider.shown_too_often() == []
    assert refreshes >= len(PEOPLE)
    assert unexpected(tally) == {}
    assert left_open <= 0
    assert upstream.open_connections <= CALLERS
    assert grown < GROWTH_MIB


def unexpected(tally: Tally) -> dict[str, int]:
    """Return the outcomes that no caller should meet."""
    right = {"anonymous": {"401"}, "forged": {"401"}, "leave_early": {"left"}, "broken": {"cut"}}
    return {
        outcome: count
        for outcome, count in tally.outcomes.items()
        if outcome.split(": ")[1] not in right.get(outcome.split(": ")[0], {"200"})
    }


def _settled(pid: int, files: int, upstream: WhoseUpstream) -> int:
    """Return how many files more than *files* stay open once everybody has left."""
    deadline = time.monotonic() + WITHIN_S
    while (left_open := open_files(pid, upstream) - files) > 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    return left_open
