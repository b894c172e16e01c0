"""The control plane with a provider behind it, for every room that is reached through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.fake_provider import FakeProvider
from tests.support.lobby import Lobby, open_lobby

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    """A provider that behaves until it is told otherwise."""
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def lobby(fake: FakeProvider, valkey_url: str) -> Iterator[Lobby]:
    """A control plane at https://app.example.com over an empty store."""
    with open_lobby(fake, valkey_url) as lobby:
        yield lobby
