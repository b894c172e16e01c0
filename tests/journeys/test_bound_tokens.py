"""Tokens bound to a key of each session: signed in, called with, renewed, refused elsewhere."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.fake_provider import TOKEN
from tests.support.nodes import Nodes, running_nodes
from tests.support.proofs import ProofJudge
from tests.support.upstream import Answer, RecordingUpstream
from tests.support.volley import Reply, ask
from tests.support.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stores import Store
    from tests.support.upstream import Received


class Guarded:
    """An upstream that takes only tokens with a proof of the key that they are bound to."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes, self.judge = nodes, ProofJudge()
        self.served: list[Received] = []
        nodes.upstream.answer = self.answer

    def answer(self, received: Received) -> Answer:
        """Serve *received*, or ask for the nonce."""
        scheme, token = received.values("Authorization")[0].split(" ")
        assert scheme == "DPoP"
        path = received.target.partition(b"?")[0].decode()
        judged = self.judge.judge(received, f"{self._nodes.upstream.url}{path}", token)
        if isinstance(judged, Answer):
            return judged
        assert judged == self._nodes.provider.bound_to[token], "another session's key"
        self.served.append(received)
        return Answer(headers=self.judge.nonce_line())


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, valkey: Store) -> Iterator[Nodes]:
    """Two nodes at a provider that binds what it issues."""
    folder = tmp_path_factory.mktemp("bound")
    with running_nodes(folder, valkey, provider={"dpop": True}) as nodes:
        nodes.provider.bind_tokens()
        yield nodes


@pytest.fixture
def guarded(nodes: Nodes) -> Guarded:
    """The upstream, with a nonce of its own."""
    nodes.store.flush()
    return Guarded(nodes)


def sign_in(nodes: Nodes) -> str:
    """Return the ticket of somebody who has signed in."""

    async def journey() -> Reply:
        return await nodes.come_back(await ask(nodes.ports[0], "/bff/login?return_to=/"))

    landed = asyncio.run(journey())
    assert landed.status == 200, landed.head
    return (landed.header("Set-Cookie") or "").partition(";")[0].partition("=")[2]


def call(nodes: Nodes, path: str, ticket: str, *, node: int = 0, **more: str) -> Reply:
    """Return the answer to one call."""
    return asyncio.run(ask(nodes.ports[node], path, ticket=ticket, **more))


@pytest.mark.rule("B-32")
def test_a_call_carries_a_proof_of_its_own(nodes: Nodes, guarded: Guarded) -> None:
    """The nonce is taken up unseen; the browser gets neither it nor anything of the proof."""
    ticket = sign_in(nodes)
    replies = [call(nodes, f"/api/x?n={n}", ticket, node=n % 2) for n in range(4)]
    assert [reply.status for reply in replies] == [200] * 4
    assert [reply.header("DPoP-Nonce") for reply in replies] == [None] * 4
    # Each node is asked for the nonce once.
    assert guarded.judge.shown == 4 + 2


def test_every_session_has_a_key_of_its_own(nodes: Nodes, guarded: Guarded) -> None:
    """Two devices, two keys: one device's proof does not fit the other's token."""
    for ticket in (sign_in(nodes), sign_in(nodes)):
        assert call(nodes, "/api/x", ticket).status == 200
    tokens = {received.values("Authorization")[0].split(" ")[1] for received in guarded.served}
    assert len({nodes.provider.bound_to[token] for token in tokens}) == 2


def test_a_body_is_sent_again_with_the_nonce(nodes: Nodes, guarded: Guarded) -> None:
    """The upstream had not looked at it yet; it came in one piece and is still at hand."""
    ticket = sign_in(nodes)
    reply = call(nodes, "/api/x", ticket, method="POST", body='{"a": 1}')
    assert reply.status == 200
    assert [received.body for received in guarded.served] == [b'{"a": 1}']


def test_a_nonce_that_changes_for_ever_ends_in_the_upstreams_answer(
    nodes: Nodes, guarded: Guarded
) -> None:
    """One repetition for the nonce, none for a token that was just issued."""
    ticket = sign_in(nodes)

    def never_content(received: Received) -> Answer:
        guarded.judge.renew_nonce()
        return guarded.answer(received)

    nodes.upstream.answer = never_content
    asked = nodes.provider.asked(TOKEN)
    assert call(nodes, "/api/x", ticket).status == 401
    assert guarded.judge.shown == 2
    assert nodes.provider.asked(TOKEN) == asked


@pytest.mark.rule("B-30")
def test_the_browsers_own_proof_is_stripped(nodes: Nodes, guarded: Guarded) -> None:
    """Exactly one goes upstream, and it is ours."""
    ticket = sign_in(nodes)
    headers = "DPoP: forged\r\nDPop: forged\r\nD_Po_P: forged\r\n"
    assert call(nodes, "/api/x", ticket, headers=headers).status == 200
    [received] = guarded.served
    assert len(received.values("DPoP")) == 1
    assert b"forged" not in received.raw()


def test_a_renewal_keeps_the_key(nodes: Nodes, guarded: Guarded) -> None:
    """The successor is bound to the same key; a refresh is proven like the first request."""
    ticket = sign_in(nodes)
    assert call(nodes, "/api/x", ticket).status == 200
    nodes.provider.reply = {"expires_in": 1}
    short = sign_in(nodes)
    nodes.provider.reply = {}
    first = _token_of(nodes, guarded, short)

    def is_renewed() -> bool:
        return _token_of(nodes, guarded, short) != first

    nodes.parties[0].program.wait_until(is_renewed, within_s=60)
    bound, renewed = nodes.provider.bound_to, _token_of(nodes, guarded, short)
    assert bound[first] == bound[renewed]


def _token_of(nodes: Nodes, guarded: Guarded, ticket: str) -> str:
    assert call(nodes, "/api/x", ticket).status == 200
    return guarded.served[-1].values("Authorization")[0].split(" ")[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, valkey: Store) -> Iterator[Home]:
    """Our own server with a client whose tokens it binds, before an upstream that judges."""
    with RecordingUpstream() as upstream:
        world = World(
            tmp_path_factory.mktemp("home"),
            valkey,
            bff_provider={"dpop": True},
            bff_routes=({"path": "/bound", "upstream": upstream.url, "token": "user"},),
            client_options=("--dpop-required", "--access-token-ttl", "2"),
        )
        try:
            world.start()
            yield Home(world, upstream)
        finally:
            world.stop()


@dataclass
class Home:
    """The house, and the upstream beside the workbench."""

    world: World
    upstream: RecordingUpstream


def test_our_own_server_binds_what_it_issues(home: Home) -> None:
    """Sign-in, calls, renewals and sign-out with its nonces; the token names the session's key."""
    visitor = home.world.new_visitor()
    visitor.sign_in()
    judge, keys, tokens = ProofJudge(demands_nonce=False), set[str](), set[str]()

    def renewed() -> bool:
        assert visitor.fetch(f"{home.world.bff.url}/bound/x").status == 200
        received = home.upstream.last
        scheme, token = received.values("Authorization")[0].split(" ")
        assert scheme == "DPoP"
        path = received.target.decode()
        thumbprint = judge.judge(received, f"{home.upstream.url}{path}", token)
        assert isinstance(thumbprint, str)
        claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
        assert claims["cnf"] == {"jkt": thumbprint}
        keys.add(thumbprint)
        tokens.add(token)
        return len(tokens) > 2

    home.world.bff.program.wait_until(renewed, within_s=60)
    assert len(keys) == 1
    visitor.sign_out()
    assert visitor.fetch(f"{home.world.bff.url}/bound/x").status == 401
