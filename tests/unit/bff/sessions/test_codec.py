"""A sealed value opens with a key of the ring, for its purpose, in its place, whole, or never."""

from __future__ import annotations

import secrets

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff.sessions.codec import TOKENS, KeyRing, SessionCodec, Unreadable
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from tests.unit.bff.sessions.conftest import ISSUER, KEY, OLDER_KEY, record_of, tokens_of

TICKET = Ticket(bytes(range(32)))
CODEC = SessionCodec(KeyRing([KEY]))


def test_what_is_sealed_opens_again() -> None:
    """Record, token set and device come back as they were."""
    record, tokens, device = record_of(), tokens_of(), Device(ip="192.0.2.1")
    assert CODEC.open_record(TICKET, CODEC.seal_record(TICKET, record)) == record
    assert CODEC.open_tokens(TICKET, CODEC.seal_tokens(TICKET, tokens)) == tokens
    sealed = CODEC.seal_device(TICKET.digest, device)
    assert CODEC.open_device(TICKET.digest, sealed) == device


def test_the_same_value_is_never_sealed_alike() -> None:
    """Each sealing has a nonce of its own."""
    tokens = tokens_of()
    assert len({CODEC.seal_tokens(TICKET, tokens) for _ in range(50)}) == 50


@pytest.mark.rule("B-36")
def test_a_sealed_value_shows_nothing_of_what_it_holds() -> None:
    """No token and no name stands in the sealed bytes; a short word may, by chance."""
    who = "subject-of-ada"
    sealed = CODEC.seal_record(TICKET, record_of(who)) + CODEC.seal_tokens(TICKET, tokens_of(who))
    names = who.encode(), b"Ada Lovelace", b"ada@example.com", ISSUER.encode()
    for plain in (*names, b"access-token", b"refresh-token", b"id-token"):
        assert plain not in sealed


@pytest.mark.rule("F-46")
def test_keys_rotate_without_ending_a_session() -> None:
    """A value under the older key opens while that key is in the ring, first or last."""
    before = SessionCodec(KeyRing([OLDER_KEY]))
    after = SessionCodec(KeyRing([KEY, OLDER_KEY]))
    sealed = before.seal_tokens(TICKET, tokens_of())
    assert after.open_tokens(TICKET, sealed).sub == "ada"
    # A node that has not restarted yet reads what the others already seal, if it knows the key.
    waiting = SessionCodec(KeyRing([OLDER_KEY, KEY]))
    assert waiting.open_tokens(TICKET, after.seal_tokens(TICKET, tokens_of())).sub == "ada"


def test_the_first_key_of_the_ring_seals() -> None:
    """After a rotation nothing new is sealed under the older key."""
    ring = KeyRing([KEY, OLDER_KEY])
    sealed = ring.seal(TOKENS, b"", b"", b"plain")
    assert KeyRing([KEY]).open(TOKENS, b"", b"", sealed) == b"plain"
    with pytest.raises(Unreadable):
        KeyRing([OLDER_KEY]).open(TOKENS, b"", b"", sealed)


def test_a_value_under_a_key_that_left_the_ring_does_not_open() -> None:
    """An unknown key id is a finding, not an error."""
    sealed = SessionCodec(KeyRing([OLDER_KEY])).seal_tokens(TICKET, tokens_of())
    with pytest.raises(Unreadable, match="unknown key"):
        CODEC.open_tokens(TICKET, sealed)


def test_another_key_does_not_open_even_under_the_same_key_id() -> None:
    """The key id only names the key; the key itself opens."""
    sealed = CODEC.seal_tokens(TICKET, tokens_of())
    other = KeyRing([OLDER_KEY])
    renamed = sealed[:1] + other.seal(TOKENS, b"", b"", b"")[1:5] + sealed[5:]
    with pytest.raises(Unreadable, match="does not open"):
        SessionCodec(other).open_tokens(TICKET, renamed)


def test_a_value_moved_to_another_session_does_not_open() -> None:
    """Neither another session's name nor another ticket's share opens it."""
    sealed = CODEC.seal_tokens(TICKET, tokens_of())
    same_name = Ticket(bytes(range(16)) + bytes(16))
    same_share = Ticket(bytes(16) + bytes(range(16, 32)))
    assert same_name.key == TICKET.key
    for other in (same_name, same_share):
        with pytest.raises(Unreadable):
            CODEC.open_tokens(other, sealed)


def test_a_value_moved_to_another_field_does_not_open() -> None:
    """A record does not pass for a token set, nor one for a record."""
    with pytest.raises(Unreadable):
        CODEC.open_tokens(TICKET, CODEC.seal_record(TICKET, record_of()))
    with pytest.raises(Unreadable):
        CODEC.open_record(TICKET, CODEC.seal_tokens(TICKET, tokens_of()))


def test_a_device_moved_to_another_session_does_not_open() -> None:
    """What is shown of one session cannot be made to stand at another."""
    sealed = CODEC.seal_device(TICKET.digest, Device(ip="192.0.2.1"))
    with pytest.raises(Unreadable):
        CODEC.open_device(Ticket.new().digest, sealed)


def test_purpose_context_and_share_do_not_run_into_each_other() -> None:
    """The same letters cut elsewhere are another key."""
    ring = KeyRing([KEY])
    sealed = ring.seal(b"ab", b"cd", b"ef", b"plain")
    for purpose, context, share in ((b"abc", b"d", b"ef"), (b"ab", b"cde", b"f")):
        with pytest.raises(Unreadable):
            ring.open(purpose, context, share, sealed)


def test_every_truncation_is_unreadable() -> None:
    """A value cut anywhere is a finding, never a crash."""
    sealed = CODEC.seal_device(TICKET.digest, Device())
    for length in range(len(sealed)):
        with pytest.raises(Unreadable):
            CODEC.open_device(TICKET.digest, sealed[:length])


@pytest.mark.rule("B-36")
def test_every_flipped_bit_is_noticed() -> None:
    """Version, key id, nonce, ciphertext and tag are all authenticated."""
    sealed = CODEC.seal_device(TICKET.digest, Device())
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Unreadable):
            CODEC.open_device(TICKET.digest, bytes(changed))


@given(st.binary(max_size=200))
def test_foreign_bytes_are_unreadable(planted: bytes) -> None:
    """Whatever somebody plants in the store is a finding, never a crash."""
    for value in (planted, CODEC.seal_tokens(TICKET, tokens_of())[:5] + planted):
        with pytest.raises(Unreadable):
            CODEC.open_tokens(TICKET, value)


def test_a_sealed_value_of_another_schema_is_unreadable() -> None:
    """Rightly sealed bytes that are no token set do not become one."""
    for plain in (b"", b"\xc1", msgspec.msgpack.encode([1, 2]), msgspec.msgpack.encode({"sub": 1})):
        sealed = CODEC.ring.seal(TOKENS, TICKET.digest.encode(), TICKET.key_share, plain)
        with pytest.raises(Unreadable, match="schema"):
            CODEC.open_tokens(TICKET, sealed)


@pytest.mark.rule("F-45")
@pytest.mark.parametrize(
    ("kind", "value"),
    [(TokenSet, tokens_of()), (SessionRecord, record_of()), (Device, Device("192.0.2.1", "UA"))],
)
def test_releases_read_each_others_values(kind: type, value: msgspec.Struct) -> None:
    """A place that a later release adds is passed over; one that this release added has a default.

    So a rolling deploy, and a rollback, sign nobody out.
    """
    places = msgspec.msgpack.decode(msgspec.msgpack.encode(value))
    later: object = msgspec.msgpack.decode(
        msgspec.msgpack.encode([*places, "invented later"]), type=kind
    )
    before: object = msgspec.msgpack.decode(msgspec.msgpack.encode(places[:-1]), type=kind)
    assert later == value
    assert before == msgspec.structs.replace(value, **{_last_field(kind): _last_default(kind)})


def _last_field(kind: type) -> str:
    return msgspec.structs.fields(kind)[-1].name


def _last_default(kind: type) -> object:
    return msgspec.structs.fields(kind)[-1].default


@pytest.mark.rule("F-45")
@pytest.mark.parametrize(
    ("kind", "places"),
    [
        (AccessToken, "value expires_at lifetime_s scope token_type"),
        (
            TokenSet,
            "generation provider sub access_tokens refresh_token id_token proof_key",
        ),
        (
            SessionRecord,
            "provider iss sub created_at authenticated_at absolute_expires_at sid claims flask",
        ),
        (Device, "ip user_agent provider created_at"),
    ],
)
def test_stored_places_never_change(kind: type, places: str) -> None:
    """What stands where is the schema; a new field goes to the end and gets a default."""
    fields = msgspec.structs.fields(kind)
    assert " ".join(field.name for field in fields).startswith(places)


def test_what_is_written_once_takes_less_room_and_no_secret_is_pressed() -> None:
    """Records and devices are compressed; a token beside others' input never is (BREACH)."""
    text = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    assert len(CODEC.seal_device(TICKET.digest, Device(user_agent=text))) < len(text) + 10
    alike, random = tokens_of("a" * 400), tokens_of(secrets.token_hex(200))
    sealed = [CODEC.seal_tokens(TICKET, tokens) for tokens in (alike, random)]
    assert len(sealed[0]) == len(sealed[1])


def test_index_names_are_keyed_and_distinct() -> None:
    """A name tells nothing without the key, and no two lists of parts share one."""
    ring = KeyRing([KEY, OLDER_KEY])
    assert ring.pseudonyms("subject", "iss", "ada") == [
        *KeyRing([KEY]).pseudonyms("subject", "iss", "ada"),
        *KeyRing([OLDER_KEY]).pseudonyms("subject", "iss", "ada"),
    ]
    assert ring.pseudonyms("a", "bc") != ring.pseudonyms("ab", "c")
    assert not set(ring.pseudonyms("subject", "iss")) & set(ring.pseudonyms("form", "iss"))


def test_a_ring_does_not_show_its_keys() -> None:
    """The repr counts the keys and names none."""
    assert repr(KeyRing([KEY, OLDER_KEY])) == "KeyRing(2 keys)"


def test_token_sets_and_records_do_not_show_what_they_hold() -> None:
    """No token, name or address stands in a repr that a traceback might print."""
    shown = f"{tokens_of()!r} {record_of()!r} {tokens_of().access_tokens!r}"
    for secret in ("access-token", "refresh-token", "id-token", "Ada", "ada@"):
        assert secret not in shown
