"""An upstream that refuses the token of a living session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from bff.sessions.model import AccessToken
from bff.sessions.scripts import CHANGES
from tests.support.served import ACCESS_TOKEN, Desk, Served, ask, request
from tests.support.wire import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from bff.sessions.model import Ticket, TokenSet
    from tests.support.wire import ScriptedUpstream, Wire

    Serve = Callable[..., Served]

RENEWED = "access-token-after-the-refresh-0123456789abcdef"
STEP_UP = (
    b'WWW-Authenticate: Bearer error="insufficient_user_authentication", acr_values="gold"\r\n'
)
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n%b\r\nno"


def in_turn(upstream: ScriptedUpstream, *scripted: bytes) -> None:
    """Let *upstream* give one reply a request, whatever connection it comes on."""
    left = iter(scripted)

    def serve(wire: Wire) -> None:
        while True:
            upstream.take(wire)
            wire.send(next(left))

    upstream.serve = serve


async def renewed(_ticket: Ticket, tokens: TokenSet, _target: str) -> TokenSet:
    """Refresh."""
    token = AccessToken(RENEWED, tokens.access_tokens[""].expires_at)
    return msgspec.structs.replace(tokens, generation=2, access_tokens={"": token})


@pytest.mark.rule("F-43")
def test_refused_token_is_refreshed_and_the_call_repeated_once(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """One refresh, one repetition with the new token; the page sees the good reply (F-43)."""
    in_turn(upstream, REFUSED % b'WWW-Authenticate: Bearer error="invalid_token"\r\n', OK)
    served = serve(replacement_for=renewed)
    reply = ask(served, request(ticket=desk.sign_in()))
    assert (reply.status, reply.body) == (200, b"ok")
    sent = [seen.header("authorization") for seen in upstream.requests]
    assert sent == [f"Bearer {ACCESS_TOKEN}", f"Bearer {RENEWED}"]


@pytest.mark.rule("F-43")
def test_second_refusal_is_passed_on(serve: Serve, desk: Desk, upstream: ScriptedUpstream) -> None:
    """No storm: after one repetition the upstream's 401 is the answer."""
    in_turn(upstream, REFUSED % b"", REFUSED % b"")
    reply = ask(serve(replacement_for=renewed), request(ticket=desk.sign_in()))
    assert (reply.status, reply.body) == (401, b"no")
    assert len(upstream.requests) == 2


def test_step_up_that_the_renewed_token_brings_to_light_is_one(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """The first 401 was about the token's age alone; the second wants another sign-in."""
    expired = REFUSED % b'WWW-Authenticate: Bearer error="invalid_token"\r\n'
    in_turn(upstream, expired, REFUSED % STEP_UP)
    reply = ask(serve(replacement_for=renewed), request(ticket=desk.sign_in()))
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"]) == (401, "step_up_required")
    assert problem["login_url"] == "/bff/login?acr_values=gold"
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("body", [b"", b"once"])
@pytest.mark.rule("F-43")
def test_call_is_repeated_only_where_nothing_is_spent(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, body: bytes
) -> None:
    """A body that has been sent cannot be sent again."""
    in_turn(upstream, REFUSED % b"", OK)
    sent = request("POST", "/api/x", ticket=desk.sign_in(), body=body)
    reply = ask(serve(replacement_for=renewed), sent)
    assert (reply.status, len(upstream.requests)) == ((401, 1) if body else (200, 2))


@pytest.mark.rule("S-077")
def test_reply_with_the_renewed_token_is_blocked(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """The token that was sent is watched for, also where it is newer than what was read."""
    leak = f"Bearer {RENEWED}".encode()
    told = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(leak), leak)
    in_turn(upstream, REFUSED % b"", told)
    reply = ask(serve(replacement_for=renewed), request(ticket=desk.sign_in()))
    assert reply.status == 502
    assert RENEWED.encode() not in reply.body


def test_step_up_challenge_becomes_a_way_to_sign_in(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """A stronger sign-in is wanted: no refresh, but where to get it, for every page to hear."""
    in_turn(upstream, REFUSED % STEP_UP)
    ticket = desk.sign_in()
    with desk.client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(CHANGES)
        reply = ask(serve(replacement_for=renewed), request(ticket=ticket))
        told = next(message for _n in range(100) if (message := channel.get_message(timeout=0.2)))
    assert told["data"] == f"{ticket.digest} step_up /bff/login?acr_values=gold".encode()
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"]) == (401, "step_up_required")
    assert problem["login_url"] == "/bff/login?acr_values=gold"
    assert len(upstream.requests) == 1
