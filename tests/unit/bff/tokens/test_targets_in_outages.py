"""F-23 for every kind of token: what is due for renewal and still valid serves in an outage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from bff.problems import Unavailable
from bff.sessions.model import AccessToken
from bff.tokens.client_tokens import ClientTokens
from bff.tokens.provider import Provider
from bff.tokens.wire import ProviderFault
from tests.support.fake_provider import TOKEN, FakeProvider, hangs_up, says
from tests.unit.bff.tokens.conftest import REDIRECT_URI

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bff.sessions.model import Ticket
    from tests.support.token_node import Node
    from tests.support.upstream import Answer, Received
    from tests.unit.bff.tokens.conftest import Patient

    Act = Callable[[Received], Answer]

ORDERS = "audience=https://orders.example"
FAILURES = [says(503), says(429), hangs_up, says(200, b"<html>"), says(400, {"error": "no_target"})]


@pytest.fixture
def at() -> list[float]:
    """What the clock of the client's own tokens says: one instant, to be moved on."""
    return [time.time()]


@pytest.fixture
def own_tokens(fake: FakeProvider, at: list[float], transport: Patient) -> Iterator[ClientTokens]:
    """The client's own tokens."""
    provider = Provider(
        fake.settings(), redirect_uri=REDIRECT_URI, transport=transport, clock=lambda: at[0]
    )
    tokens = ClientTokens(provider, clock=lambda: at[0])
    yield tokens
    tokens.close()


def _sign_in(node: Node, fake: FakeProvider, *, left_s: float, orders_left_s: float) -> Ticket:
    """Return the ticket of a session with a token for orders beside its own."""
    ticket = node.sign_in(fake, left_s=left_s)
    seen = node.tokens(ticket)
    orders = AccessToken("held-for-orders", time.time() + orders_left_s, lifetime_s=60)
    both = {**seen.access_tokens, ORDERS: orders}
    node.store.replace_tokens(
        ticket, msgspec.structs.replace(seen, generation=2, access_tokens=both)
    )
    return ticket


@pytest.mark.rule("F-23")
@pytest.mark.parametrize("failure", FAILURES)
def test_an_exchanged_token_serves_while_it_is_valid(
    fake: FakeProvider, node: Node, failure: Act
) -> None:
    """Neither an outage nor a refused trade takes away what is still good."""
    ticket = _sign_in(node, fake, left_s=50, orders_left_s=8)
    fake.misbehave(TOKEN, *[failure] * 3)
    served = node.lifecycle.fresh_set(ticket, node.tokens(ticket), ORDERS)
    assert served.access_tokens[ORDERS].value == "held-for-orders"


@pytest.mark.rule("F-23")
def test_an_exchanged_token_serves_also_where_the_own_one_is_over(
    fake: FakeProvider, node: Node
) -> None:
    """The call at hand does not need what cannot be had."""
    ticket = _sign_in(node, fake, left_s=-1, orders_left_s=8)
    fake.misbehave(TOKEN, *[says(503)] * 3)
    served = node.lifecycle.fresh_set(ticket, node.tokens(ticket), ORDERS)
    assert served.access_tokens[ORDERS].value == "held-for-orders"


@pytest.mark.parametrize("failure", FAILURES)
def test_an_exchanged_token_that_is_over_does_not(
    fake: FakeProvider, node: Node, failure: Act
) -> None:
    """Then it is "not now", and the session is kept."""
    ticket = _sign_in(node, fake, left_s=50, orders_left_s=-1)
    fake.misbehave(TOKEN, *[failure] * 3)
    with pytest.raises((Unavailable, ProviderFault)):
        node.lifecycle.fresh_set(ticket, node.tokens(ticket), ORDERS)
    assert node.store.load(ticket) is not None


@pytest.mark.rule("F-23")
@pytest.mark.parametrize("failure", FAILURES)
def test_the_clients_own_token_serves_while_it_is_valid(
    fake: FakeProvider, own_tokens: ClientTokens, at: list[float], failure: Act
) -> None:
    """A fifth of its life before its end it is due, and good for that fifth."""
    held = own_tokens.wait_for_access_token("scope=orders")
    at[0] = held.token.expires_at - 1
    fake.misbehave(TOKEN, *[failure] * 3)
    assert own_tokens.wait_for_access_token("scope=orders") == held
    at[0] = held.token.expires_at
    with pytest.raises((Unavailable, ProviderFault)):
        own_tokens.wait_for_access_token("scope=orders")
