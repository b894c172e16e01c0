"""A ticket has one spelling, tells nothing of itself, and names its session by half."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.sessions.model import Ticket, key_of, public_id_of

RAW = bytes(range(32))
SPELLED = Ticket(RAW).encode().encode()


def test_a_ticket_is_spelled_in_43_characters_and_read_back() -> None:
    """What is written into the cookie is read out of it."""
    ticket = Ticket.new()
    parsed = Ticket.parse(ticket.encode().encode())
    assert parsed is not None
    assert len(ticket.encode()) == 43
    assert parsed.key == ticket.key
    assert parsed.key_share == ticket.key_share


@pytest.mark.rule("B-20")
def test_no_two_tickets_are_alike() -> None:
    """Both halves of each new ticket are random."""
    tickets = [Ticket.new() for _ in range(200)]
    assert len({ticket.key for ticket in tickets}) == 200
    assert len({ticket.key_share for ticket in tickets}) == 200


@pytest.mark.rule("B-20")
def test_the_key_is_a_digest_of_the_first_half_alone() -> None:
    """Redis learns neither the first half nor anything of the second."""
    ticket = Ticket(RAW)
    assert ticket.key == f"session:{{{hashlib.sha256(RAW[:16]).hexdigest()[:32]}}}"
    assert ticket.key == Ticket(RAW[:16] + bytes(16)).key
    assert ticket.key_share == RAW[16:]


def test_the_public_id_names_neither_the_key_nor_the_share() -> None:
    """A public id is another digest: it does not lead back to the Redis key."""
    ticket = Ticket(RAW)
    assert ticket.public_id == public_id_of(ticket.digest)
    assert ticket.public_id not in key_of(ticket.digest)
    assert len(ticket.public_id) == 32
    assert ticket.fingerprint == ticket.public_id[:12]


def test_a_ticket_does_not_show_itself() -> None:
    """Neither repr nor str of a ticket, bytes formatting included, holds what the cookie holds."""
    ticket = Ticket(RAW)
    shown = f"{ticket!r} {ticket} {[ticket]}"
    assert ticket.encode() not in shown
    assert ticket.digest not in shown
    assert ticket.key_share.hex() not in shown


@pytest.mark.parametrize(
    "value",
    [
        b"",
        SPELLED[:-1],
        SPELLED + b"A",
        SPELLED + b"=",
        SPELLED[:-1] + b"=",
        b"+" + SPELLED[1:],
        b"/" + SPELLED[1:],
        b" " + SPELLED[1:],
        b"\xff" + SPELLED[1:],
        b"\x00" * 43,
        b'"' + SPELLED[:41] + b'"',
        b"%41" + SPELLED[3:],
    ],
)
def test_what_is_not_43_characters_of_base64url_is_no_ticket(value: bytes) -> None:
    """Padding, another alphabet, escapes, quotes and other lengths are refused."""
    assert Ticket.parse(value) is None


def test_a_second_spelling_of_the_same_bytes_is_no_ticket() -> None:
    """The last character carries two unused bits; only the canonical one of four counts."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [SPELLED[:-1] + letter.encode() for letter in alphabet]
    same = [value for value in spellings if base64.urlsafe_b64decode(value + b"=") == RAW]
    assert len(same) == 4
    assert [value for value in same if Ticket.parse(value) is not None] == [SPELLED]


@given(st.binary(min_size=40, max_size=46))
def test_whatever_parses_is_spelled_exactly_so(value: bytes) -> None:
    """No bytes are read as a ticket that would be written otherwise."""
    ticket = Ticket.parse(value)
    assert ticket is None or ticket.encode().encode() == value
