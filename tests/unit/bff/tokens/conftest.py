"""A provider that can misbehave, and ours as its client, impatient where a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from bff.tokens.provider import Provider
from bff.tokens.wire import BoundedTransport
from tests.support.token_node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.fake_provider import FakeProvider

REDIRECT_URI = "https://app.example.com/bff/callback/sso"
PATIENCE_S = 30.0


class Patient(httpx2.BaseTransport):
    """The product's own transport with other waits: a busy machine is no silent provider."""

    def __init__(self) -> None:
        self.patience_s = PATIENCE_S
        self._inner = BoundedTransport(total_s=PATIENCE_S)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send *request*, waiting for nothing longer than `patience_s`."""
        waits = ("connect", "read", "write", "pool")
        request.extensions["timeout"] = dict.fromkeys(waits, self.patience_s)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the pooled connections."""
        self._inner.close()


@pytest.fixture(scope="session")
def transport() -> Iterator[Patient]:
    """One for all tests: making it reads every trusted certificate."""
    transport = Patient()
    yield transport
    transport.close()


@pytest.fixture
def client_of(transport: Patient) -> Callable[..., Provider]:
    """A function that returns ours as a client of a fake provider."""

    def make(fake: FakeProvider, **settings: object) -> Provider:
        return Provider(fake.settings(**settings), redirect_uri=REDIRECT_URI, transport=transport)

    return make


@pytest.fixture
def client(fake: FakeProvider, client_of: Callable[..., Provider]) -> Provider:
    """Ours as its client."""
    return client_of(fake)


@pytest.fixture
def node_of(
    fake: FakeProvider, client_of: Callable[..., Provider], valkey_url: str
) -> Iterator[Callable[[], Node]]:
    """A function that starts one more node."""
    nodes: list[Node] = []

    def make() -> Node:
        nodes.append(Node(valkey_url, client_of(fake)))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def node(node_of: Callable[[], Node]) -> Node:
    return node_of()
