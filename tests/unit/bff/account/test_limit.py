"""The most sessions of one person: the oldest ends, never the one that has just begun."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from bff.sessions.model import Device
from tests.support.lobby import Lobby, Visitor, open_lobby

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bff.sessions.model import SessionRecord, Ticket
    from tests.support.fake_provider import FakeProvider


@pytest.fixture
def opened(fake: FakeProvider, valkey_url: str) -> Iterator[Callable[..., Lobby]]:
    """A function that opens a node with a limit; all nodes share one store."""
    lobbies = []

    def make(most: int, provider_most: int | None = None) -> Lobby:
        more: dict[str, Any] = {} if provider_most is None else {"max_per_person": provider_most}
        context = open_lobby(
            fake, valkey_url, session={"max_per_person": most}, providers=[fake.settings(**more)]
        )
        lobbies.append(context)
        return context.__enter__()

    yield make
    for context in lobbies:
        context.__exit__(None, None, None)


def living(visitors: list[Visitor]) -> list[bool]:
    """Return which of *visitors* are signed in."""
    return [visitor.session() is not None for visitor in visitors]


def test_the_oldest_session_ends_when_one_too_many_begins(
    opened: Callable[..., Lobby], capfd: pytest.CaptureFixture[str]
) -> None:
    """Of the same person; others are left alone."""
    lobby = opened(2)
    other = lobby.signed_in("bob")
    visitors = [lobby.signed_in("ada") for _n in range(4)]
    assert living(visitors) == [False, False, True, True]
    assert living([other]) == [True]
    assert "".join(capfd.readouterr()).count("limit_reached") == 2


@pytest.mark.parametrize(
    ("most", "provider_most", "left"), [(0, None, 4), (1, None, 1), (0, 3, 3), (1, 0, 4), (4, 2, 2)]
)
def test_a_providers_own_limit_comes_first(
    opened: Callable[..., Lobby], most: int, provider_most: int | None, left: int
) -> None:
    """0 is no limit, in either place."""
    lobby = opened(most, provider_most)
    for _n in range(4):
        lobby.signed_in("ada")
    assert lobby.sessions() == left


def test_a_browser_that_signs_in_again_takes_nobodys_place(opened: Callable[..., Lobby]) -> None:
    """Its old session ends anyway."""
    lobby = opened(2)
    first, second = lobby.signed_in("ada"), lobby.signed_in("ada")
    second.sign_in("ada")
    assert living([first, second]) == [True, True]


def test_the_servers_clock_decides_and_not_the_nodes(opened: Callable[..., Lobby]) -> None:
    """A node whose clock is behind does not end the session that it has just begun."""
    lobby = opened(1)
    first = lobby.signed_in("ada")
    lobby.parts.flow._clock = lambda: time.time() - 100
    second = lobby.signed_in("ada")
    assert living([first, second]) == [False, True]


def test_nodes_that_race_leave_exactly_the_limit(opened: Callable[..., Lobby]) -> None:
    """Twelve sign-ins at once on two nodes: neither too many survive nor too few."""
    nodes = [opened(3), opened(3)]
    visitors = [nodes[number % 2].visitor() for number in range(12)]
    callbacks = [visitor.lobby.fake.callback(visitor.begin()) for visitor in visitors]
    with ThreadPoolExecutor(12) as threads:
        replies = list(
            threads.map(
                lambda pair: pair[0].come_back(pair[1]), zip(visitors, callbacks, strict=True)
            )
        )
    assert {reply.status_code for reply in replies} == {200}
    assert sum(living(visitors)) == 3
    assert nodes[0].sessions() == 3


def test_a_session_that_is_listed_while_it_is_made_can_be_found(
    opened: Callable[..., Lobby], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its entry points at nothing for a moment, and stays: a logout must find the session."""
    lobby = opened(0)
    session = lobby.signed_in("ada").session()
    assert session is not None
    store, record = lobby.parts.store, session.record

    def found() -> set[str]:
        return {one.digest for one in store.sessions_of_subject(record.iss, record.sub)}

    seal = store._codec.seal_record

    def and_somebody_lists(ticket: Ticket, given: SessionRecord) -> bytes:
        found()
        return seal(ticket, given)

    monkeypatch.setattr(store._codec, "seal_record", and_somebody_lists)
    ticket = store.create(record, session.tokens, Device())
    assert ticket.digest in found()
