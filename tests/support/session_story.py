"""Sessions as a model sees them: two nodes of the product's parts beside a dictionary.

Here is what people and the provider do, and what must hold after every step; what comes between
and what goes wrong stands in tests/unit/bff/sessions/test_model.py.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from bff import events
from bff.login.flow import LoginRequest
from bff.parts import Parts, build_parts, build_shared
from bff.sessions.model import Device, Session, Ticket
from bff.settings import Settings
from bff.tokens.logout_token import EVENT
from tests.support.fake_provider import CLIENT_ID, sign_well

if TYPE_CHECKING:
    from bff.sessions.model import TokenSet
    from bff.sessions.store import Written
    from tests.support.people_provider import PeopleProvider
    from tests.support.stores import Store

KEYS = [letter * 32 for letter in "abc"]
NODES = st.integers(0, 1)
PEOPLE = st.sampled_from(["ada", "bob", "eve"])
SIDS = st.sampled_from([f"sid-{number}" for number in range(8)])


@dataclass
class Expected:
    """What the model knows of one session."""

    sub: str
    sid: str
    lives: bool = True
    generation: int = 1
    revision: int = 1
    note: str | None = None


class SessionStory(RuleBasedStateMachine):
    """Two nodes and the model."""

    store: Store
    fake: PeopleProvider

    tickets = Bundle("tickets")
    loaded = Bundle("loaded")

    @initialize()
    def start(self) -> None:
        """Empty the store; start both nodes with the oldest key first."""
        self.newest, self.clock_is_off_s = [0, 0], [0.0, 0.0]
        self.nodes = [self._node(number) for number in range(2)]
        self.store.flush()
        self.fake.forget()
        self.model: dict[Ticket, Expected] = {}

    def _node(self, number: int) -> Parts:
        keys = KEYS[self.newest[number] :] + KEYS[: self.newest[number]]
        route = {"path": "/api", "upstream": "http://127.0.0.1:1"}
        made = Settings.model_validate(
            {
                "public_url": "https://app.example.com",
                "secret_keys": keys,
                "redis_url": self.store.url,
                "providers": [self.fake.settings()],
                "routes": [route],
            }
        )

        def clock() -> float:
            return time.time() + self.clock_is_off_s[number]

        return build_parts(build_shared(made), made.all_frontends()[0], clock=clock)

    # What people do

    @rule(target=tickets, leaves=NODES, returns=NODES, sub=PEOPLE, sid=SIDS)
    def sign_in(self, leaves: int, returns: int, sub: str, sid: str) -> Ticket:
        """Sign in, leaving from one node and coming back to any."""
        return self._sign_in(leaves, returns, sub, sid, previous=None)

    @rule(target=tickets, previous=tickets, leaves=NODES, returns=NODES, sub=PEOPLE, sid=SIDS)
    def sign_in_again(
        self, previous: Ticket, leaves: int, returns: int, sub: str, sid: str
    ) -> Ticket:
        """Sign in where somebody is, or was, signed in: that session ends."""
        ticket = self._sign_in(leaves, returns, sub, sid, previous=previous)
        before = self.model[previous]
        if before.lives and before.sub == sub:
            self.model[ticket].note = before.note
        before.lives = False
        return ticket

    def _sign_in(
        self, leaves: int, returns: int, sub: str, sid: str, *, previous: Ticket | None
    ) -> Ticket:
        started = self.nodes[leaves].flow.start(LoginRequest(), previous, ())
        pairs = [line.split(";")[0].partition("=") for line in started.set_cookies]
        cookies = [(name, value) for name, _equals, value in pairs]
        answer = self.fake.authorize_as(started.authorization_url, sub, sid)
        done = self.nodes[returns].flow.complete("sso", answer, cookies, Device(ip="192.0.2.1"))
        assert done.ticket is not None
        assert done.ticket not in self.model
        self.model[done.ticket] = Expected(sub, sid)
        return done.ticket

    @rule(ticket=tickets, node=NODES)
    def sign_out(self, ticket: Ticket, node: int) -> None:
        """Sign out at any node."""
        parts = self.nodes[node]
        session = parts.store.load(ticket)
        assert (session is not None) == self.model[ticket].lives
        if session is not None:
            parts.logout.end(session, reason=events.SIGNED_OUT)
        self.model[ticket].lives = False

    @rule(ticket=tickets, node=NODES)
    def end_others(self, ticket: Ticket, node: int) -> None:
        """End the same person's other sessions."""
        parts, mine = self.nodes[node], self.model[ticket]
        session = parts.store.load(ticket)
        if session is None:
            return
        for listed in parts.own.others_of(session):
            assert parts.own.end(listed, sub=mine.sub)
        for other, expected in self.model.items():
            if other is not ticket and expected.sub == mine.sub:
                expected.lives = False

    @rule(ticket=tickets, node=NODES)
    def touch(self, ticket: Ticket, node: int) -> None:
        """Use the session: its idle time slides, and it may be sealed anew."""
        assert self.nodes[node].store.touch(ticket) == self.model[ticket].lives

    # What the provider does

    @rule(sid=SIDS, node=NODES)
    def back_channel_by_sid(self, sid: str, node: int) -> None:
        """One sign-in at the provider is over."""
        self.send_logout_token(node, sid=sid)

    @rule(sub=PEOPLE, node=NODES)
    def back_channel_by_sub(self, sub: str, node: int) -> None:
        """All of one person's sign-ins are over."""
        self.send_logout_token(node, sub=sub)

    def send_logout_token(self, node: int, **named: str) -> None:
        """Let the provider say at *node* what is over; as many sessions end as the model says."""
        ended = self.nodes[node].provider_logout.back_channel("sso", self._logout_token(**named))
        assert ended == self._expect_ended(**named)

    def _logout_token(self, **named: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.fake.issuer, "aud": CLIENT_ID, "iat": now, **named}
        claims |= {"exp": now + 120, "jti": secrets.token_hex(8), "events": {EVENT: {}}}
        return sign_well({"alg": "RS256", "kid": "good", "typ": "logout+jwt"}, claims)

    def _expect_ended(self, *, sub: str | None = None, sid: str | None = None) -> int:
        named = [
            expected
            for expected in self.model.values()
            if expected.lives and (expected.sid == sid if sid else expected.sub == sub)
        ]
        for expected in named:
            expected.lives = False
        return len(named)

    def replace_node(self, node: int) -> None:
        """Drop a node with all that it knew, and start another."""
        self._close(self.nodes[node])
        self.nodes[node] = self._node(node)

    @staticmethod
    def _close(parts: Parts) -> None:
        parts.close()
        parts.shared.transport.close()
        parts.shared.client.close()

    @staticmethod
    def write(parts: Parts, session: Session, note: str) -> Written:
        """Write *note* into what a view had loaded."""
        record = msgspec.structs.replace(session.record, flask={"note": note})
        return parts.store.replace_record(session.ticket, record, session.revision)

    @staticmethod
    def stored(ticket: Ticket, parts: Parts) -> TokenSet:
        """Return what the store holds; the session must live."""
        tokens = parts.store.load_tokens(ticket)
        assert tokens is not None
        return tokens

    # What must hold

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def sessions_are_as_the_model_says(self) -> None:
        """Alive or dead alike at both nodes; its own person's; refreshed as often as counted."""
        for ticket, expected in self.model.items():
            for parts in self.nodes:
                session = parts.store.load(ticket)
                assert (session is not None) == expected.lives
                if session is not None:
                    self._holds(session, expected)

    def _holds(self, session: Session, expected: Expected) -> None:
        record, tokens = session.record, session.tokens
        assert (record.sub, record.sid, tokens.sub) == (expected.sub, expected.sid, expected.sub)
        assert self.fake.issued_to(tokens.access_tokens[""].value) == expected.sub
        assert self.fake.issued_to(tokens.refresh_token) == expected.sub
        assert tokens.generation == expected.generation
        assert session.revision == expected.revision
        assert record.flask.get("note") == expected.note

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def one_refresh_a_generation(self) -> None:
        """No refresh token was shown twice, but where a reply was lost or a lease outlived."""
        assert self.fake.shown_too_often() == []

    def teardown(self) -> None:
        """Nothing in Redis opens anything; the dead are gone from it."""
        if not hasattr(self, "model"):
            return
        dump = self.store.dump()
        held = b"\n".join([*dump.keys(), *dump.values()])
        for secret in [*(ticket.encode() for ticket in self.model), *self.fake.all_issued()]:
            assert secret.encode() not in held
        living = {ticket.key.encode() for ticket, one in self.model.items() if one.lives}
        assert {key for key in dump if key.startswith(b"session:")} == living
        for parts in self.nodes:
            self._close(parts)
