"""Random interleavings of all that happens to sessions, on two nodes, against a small model.

Two whole sets of the product's parts over one real Valkey and one provider; the reference model
is a dictionary. What must hold after every step stands in the invariant at the end.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    consumes,
    rule,
    run_state_machine_as_test,
)

from bff import events
from bff.problems import Refused
from bff.sessions.store import Written
from tests.support.fake_provider import TOKEN, says
from tests.support.people_provider import PeopleProvider
from tests.support.session_story import KEYS, NODES, SessionStory

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import Session, Ticket, TokenSet
    from tests.support.stores import Store
    from tests.support.upstream import Answer, Received


_PATIENCE_S = 20.0


class Sessions(SessionStory):
    """What comes between, and what goes wrong."""

    tickets, loaded = SessionStory.tickets, SessionStory.loaded

    # Refreshes, and what may come between

    @rule(ticket=tickets, node=NODES)
    def refresh(self, ticket: Ticket, node: int) -> None:
        """Nothing comes between; a caller who saw the older set gets the newer without a call."""
        expected = self.model[ticket]
        seen = self._renew(ticket, node, between=None)
        if seen is not None:
            expected.generation += 1
            asked = self.fake.asked(TOKEN)
            newer = self.nodes[1 - node].lifecycle.renew(ticket, seen).result()
            assert newer.generation == expected.generation
            assert self.fake.asked(TOKEN) == asked

    @rule(ticket=tickets, node=NODES)
    def refresh_on_both(self, ticket: Ticket, node: int) -> None:
        """While one node refreshes, the other asks for the same: it makes no call of its own."""
        parts = self.nodes[1 - node]

        def between() -> None:
            seen = self.stored(ticket, parts)
            asked = self.fake.asked(TOKEN)
            assert parts.lifecycle.renew(ticket, seen).result() == seen
            assert self.fake.asked(TOKEN) == asked

        if self._renew(ticket, node, between=between) is not None:
            self.model[ticket].generation += 1

    @rule(ticket=tickets, other=tickets, node=NODES)
    def refresh_two_at_once(self, ticket: Ticket, other: Ticket, node: int) -> None:
        """Two sessions are refreshed by one node at once: each gets its own person's tokens."""
        parts = self.nodes[node]
        if other is ticket or not self.model[other].lives:
            return

        def between() -> None:
            seen = self.stored(other, parts)
            renewed = parts.lifecycle.renew(other, seen).result(_PATIENCE_S)
            assert self.fake.issued_to(renewed.access_tokens[""].value) == self.model[other].sub
            self.model[other].generation += 1

        if self._renew(ticket, node, between=between) is not None:
            self.model[ticket].generation += 1

    @rule(ticket=tickets, node=NODES)
    def refresh_past_its_lease(self, ticket: Ticket, node: int) -> None:
        """A node is held up past its lease and another refreshes: only one of them stores."""
        parts = self.nodes[1 - node]

        def between() -> None:
            parts.shared.client.delete(f"refresh:{{{ticket.digest}}}")
            seen = self.stored(ticket, parts)
            self.fake.expect_again(seen.refresh_token)
            faster.append(parts.lifecycle.renew(ticket, seen).result())
            assert faster[0].generation == seen.generation + 1

        faster: list[TokenSet] = []
        if self._renew(ticket, node, between=between) is not None:
            self.model[ticket].generation += 1
            assert self.stored(ticket, parts) == faster[0]

    @rule(ticket=tickets, node=NODES, by=st.sampled_from(["visitor", "sid", "sub"]))
    def sign_out_during_refresh(self, ticket: Ticket, node: int, by: str) -> None:
        """The session ends while it is refreshed: it stays ended."""
        parts, expected = self.nodes[1 - node], self.model[ticket]

        def between() -> None:
            if by == "visitor":
                session = parts.store.load(ticket)
                assert session is not None
                parts.logout.end(session, reason=events.SIGNED_OUT)
                expected.lives = False
            else:
                self.send_logout_token(1 - node, **{by: getattr(expected, by)})

        if expected.lives:
            with pytest.raises(Refused):
                self._renew(ticket, node, between=between)

    @rule(ticket=tickets, node=NODES)
    def write_during_refresh(self, ticket: Ticket, node: int) -> None:
        """A view stores something while the tokens are refreshed: both are kept."""
        parts, expected = self.nodes[1 - node], self.model[ticket]

        def between() -> None:
            session = parts.store.load(ticket)
            assert session is not None
            assert self.write(parts, session, "between") is Written.DONE
            expected.note, expected.revision = "between", expected.revision + 1

        if self._renew(ticket, node, between=between) is not None:
            expected.generation += 1

    @rule(ticket=tickets, node=NODES)
    def refresh_with_its_reply_lost(self, ticket: Ticket, node: int) -> None:
        """The provider rotated, the reply was lost: the retry yields the successor."""
        self._renew(ticket, node, between=None, act=self.fake.loses_its_reply, again=True)
        if self.model[ticket].lives:
            self.model[ticket].generation += 1

    @rule(ticket=tickets, node=NODES)
    def provider_refuses(self, ticket: Ticket, node: int) -> None:
        """The refresh token is no longer good: the session ends, once."""
        if self.model[ticket].lives:
            refusal = says(400, {"error": "invalid_grant"})
            with pytest.raises(Refused):
                self._renew(ticket, node, between=None, act=refusal)
            self.model[ticket].lives = False

    @rule(ticket=tickets, node=NODES)
    def provider_is_away(self, ticket: Ticket, node: int) -> None:
        """An outage takes nothing away; the node is new afterwards, its patience with it."""
        self._renew(ticket, node, between=None, act=says(503))
        self.replace_node(node)

    def _renew(
        self,
        ticket: Ticket,
        node: int,
        *,
        between: Callable[[], None] | None,
        act: Callable[[Received], Answer] | None = None,
        again: bool = False,
    ) -> TokenSet | None:
        """Refresh at *node* with *act* at the provider; return the set before, None if none."""
        parts = self.nodes[node]
        seen = parts.store.load_tokens(ticket)
        assert (seen is not None) == self.model[ticket].lives
        if seen is None:
            return None
        if again:
            self.fake.expect_again(seen.refresh_token)
        if between is not None:
            act = self.fake.after(between)
        if act is not None:
            self.fake.misbehave(TOKEN, act)
        try:
            renewed = parts.lifecycle.renew(ticket, seen).result()
        finally:
            self.fake.raise_failures()
        assert renewed.sub == self.model[ticket].sub
        return seen

    # What goes wrong

    @rule(target=loaded, ticket=tickets, node=NODES)
    def begin_slow_request(self, ticket: Ticket, node: int) -> Session | None:
        """A view loads the session, and will write it later."""
        return self.nodes[node].store.load(ticket)

    @rule(session=consumes(loaded), node=NODES, note=st.sampled_from(["x", "y"]))
    def end_slow_request(self, session: Session | None, node: int, note: str) -> None:
        """The write comes late: it is refused if the session ended or was written meanwhile."""
        if session is None:
            return
        expected = self.model[session.ticket]
        written = self.write(self.nodes[node], session, note)
        if not expected.lives:
            assert written is Written.GONE
        elif expected.revision != session.revision:
            assert written is Written.OVERTAKEN
        else:
            assert written is Written.DONE
            expected.revision, expected.note = expected.revision + 1, note

    @rule(ticket=tickets, node=NODES)
    def two_slow_requests(self, ticket: Ticket, node: int) -> None:
        """Two views load the same state on two nodes; the second write to arrive is refused."""
        expected = self.model[ticket]
        first, second = (parts.store.load(ticket) for parts in self.nodes)
        if first is None or second is None:
            return
        assert self.write(self.nodes[0], first, "first") is Written.DONE
        expected.revision, expected.note = expected.revision + 1, "first"
        assert self.write(self.nodes[node], second, "second") is Written.OVERTAKEN

    @rule(session=consumes(loaded), node=NODES)
    def write_tokens_late(self, session: Session | None, node: int) -> None:
        """A set renewed long ago is written now: never over a newer one, never into nothing."""
        if session is None:
            return
        expected, seen = self.model[session.ticket], session.tokens
        late = msgspec.structs.replace(seen, generation=seen.generation + 1)
        written = self.nodes[node].store.replace_tokens(session.ticket, late)
        if not expected.lives:
            assert written is Written.GONE
        elif expected.generation != seen.generation:
            assert written is Written.OVERTAKEN
        else:
            assert written is Written.DONE
            expected.generation += 1

    @rule(ticket=tickets, node=NODES, rotated=st.booleans())
    def crash_during_refresh(self, ticket: Ticket, node: int, rotated: bool) -> None:  # noqa: FBT001 - drawn
        """A node dies with the lease, before or after the provider rotated.

        Until the lease ends the other node serves the token it has; then it refreshes.
        """
        if not self.model[ticket].lives:
            return
        client, other = self.nodes[node].shared.client, self.nodes[1 - node]
        lease = f"refresh:{{{ticket.digest}}}"
        client.set(lease, "of the dead", nx=True, ex=15)
        seen = self.stored(ticket, other)
        if rotated:
            self.fake.expect_again(seen.refresh_token)
            self.fake.rotate_unheard(seen.refresh_token)
        self.replace_node(node)
        asked = self.fake.asked(TOKEN)
        assert other.lifecycle.renew(ticket, seen).result() == seen
        assert self.fake.asked(TOKEN) == asked
        other.shared.client.delete(lease)

    @rule(ticket=tickets, node=NODES, step_s=st.sampled_from([-3600.0, 3600.0]))
    def clock_jumps(self, ticket: Ticket, node: int, step_s: float) -> None:
        """A node's clock is an hour off for a while: nobody is signed in or out by that.

        What the provider signs meanwhile is not believed; what it rotates is not lost.
        """
        parts, expected = self.nodes[node], self.model[ticket]
        self.clock_is_off_s[node] = step_s
        try:
            self.sessions_are_as_the_model_says()
            sessions = len(self.model)
            with pytest.raises(Refused):
                self._sign_in(node, node, "eve", "sid-0", previous=None)
            assert len(self.model) == sessions
            seen = parts.store.load_tokens(ticket)
            if seen is not None:
                with suppress(Refused):
                    parts.lifecycle.renew(ticket, seen).result()
                expected.generation += 1
                assert self.stored(ticket, parts).access_tokens == seen.access_tokens
        finally:
            self.clock_is_off_s[node] = 0.0

    @rule(node=NODES)
    def crash(self, node: int) -> None:
        """A node is gone and another takes its place."""
        self.replace_node(node)

    @rule(node=NODES, key=st.integers(0, len(KEYS) - 1))
    def rotate_keys(self, node: int, key: int) -> None:
        """One node restarts with another key first; the other follows later, or never."""
        self.newest[node] = key
        self.replace_node(node)


@pytest.mark.rule("B-21", "B-22", "B-34", "B-41", "F-27", "F-29", "F-30", "F-36", "F-46", "S-039")
def test_sessions_behave_as_the_model_says(valkey: Store) -> None:
    """Eighty stories of thirty steps, the same ones at every run."""
    valkey.flush()
    with PeopleProvider() as fake:
        machine = type("Machine", (Sessions,), {"store": valkey, "fake": fake})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=80,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                # Not shrunk: that takes minutes, and a story of thirty steps can be read.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
