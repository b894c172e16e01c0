"""Sessions are created, replaced by compare-and-set, touched and ended, and never come back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from bff.sessions.model import Ticket
from bff.sessions.scripts import CHANGES
from bff.sessions.store import Written
from tests.unit.bff.sessions.conftest import (
    ABSOLUTE_S,
    IDLE_S,
    ISSUER,
    KEY,
    OLDER_KEY,
    Desk,
    record_of,
    tokens_of,
)

if TYPE_CHECKING:
    from tests.support.stores import Store

A_MINUTE_AGO_MS = -60_001


def _long_untouched(desk: Desk, ticket: Ticket) -> None:
    """Let the session look as if it was last seen more than a minute ago."""
    desk.client.hincrby(ticket.key, "s", A_MINUTE_AGO_MS)


def test_a_session_is_loaded_as_it_was_created(desk: Desk) -> None:
    """Record, tokens and times come back with the ticket."""
    ticket = desk.sign_in()
    session = desk.store.load(ticket)
    assert session is not None
    assert session.record.claims["name"] == "Ada Lovelace"
    assert session.tokens.refresh_token == "refresh-token-of-ada"
    assert IDLE_S - 2 <= session.expires_in_s <= IDLE_S
    assert desk.store.load_tokens(ticket) == session.tokens


def test_an_unknown_ticket_has_no_session(desk: Desk) -> None:
    """None is the answer, for the tokens and the device too."""
    ticket = Ticket.new()
    assert desk.store.load(ticket) is None
    assert desk.store.load_tokens(ticket) is None
    assert desk.store.expires_in_ms(ticket.digest) is None
    assert desk.store.touch(ticket) is False


def test_the_right_name_with_a_wrong_share_opens_nothing(desk: Desk) -> None:
    """Whoever knows the Redis key still has no session, and ends none by trying."""
    ticket = desk.sign_in()
    forged = Ticket(ticket._raw[:16] + bytes(16))
    assert desk.store.load(forged) is None
    assert desk.store.load_tokens(forged) is None
    assert desk.store.load(ticket) is not None


def test_a_write_names_the_generation_that_it_replaces(desk: Desk) -> None:
    """Of two refreshes of one set only the first is stored."""
    ticket = desk.sign_in()
    first, second = tokens_of(generation=2), tokens_of("late", generation=2)
    assert desk.store.replace_tokens(ticket, first) is Written.DONE
    assert desk.store.replace_tokens(ticket, second) is Written.OVERTAKEN
    assert desk.store.load_tokens(ticket) == first


def test_one_of_many_writers_at_once_wins(desk: Desk) -> None:
    """Twenty threads replace one generation; exactly one does."""
    ticket = desk.sign_in()
    sets = [tokens_of(f"writer-{number}", generation=2) for number in range(20)]
    with ThreadPoolExecutor(20) as threads:
        outcomes = list(threads.map(lambda held: desk.store.replace_tokens(ticket, held), sets))
    assert outcomes.count(Written.DONE) == 1
    assert outcomes.count(Written.OVERTAKEN) == 19
    stored = desk.store.load_tokens(ticket)
    assert stored == sets[outcomes.index(Written.DONE)]


def test_a_record_is_replaced_at_its_revision_only(desk: Desk) -> None:
    """A record loaded before somebody else's write does not overwrite it."""
    ticket = desk.sign_in()
    session = desk.store.load(ticket)
    assert session is not None
    changed = msgspec.structs.replace(session.record, flask={"theme": "dark"})
    assert desk.store.replace_record(ticket, changed, session.revision) is Written.DONE
    assert desk.store.replace_record(ticket, session.record, session.revision) is Written.OVERTAKEN
    loaded = desk.store.load(ticket)
    assert loaded is not None
    assert loaded.record.flask == {"theme": "dark"}
    assert loaded.revision == session.revision + 1


@pytest.mark.rule("S-039")
def test_what_was_signed_out_stays_signed_out(desk: Desk) -> None:
    """Neither a refresh, nor a record's write, nor a touch brings an ended session back (S-039)."""
    ticket = desk.sign_in()
    session = desk.store.load(ticket)
    assert session is not None
    assert desk.store.delete(ticket, session.record) is True
    assert desk.store.replace_tokens(ticket, tokens_of(generation=2)) is Written.GONE
    assert desk.store.replace_record(ticket, session.record, session.revision) is Written.GONE
    assert desk.store.touch(ticket) is False
    assert desk.store.load(ticket) is None
    assert desk.client.exists(ticket.key) == 0


def test_a_write_changes_no_lifetime(desk: Desk) -> None:
    """Only a touch slides the idle expiry; a refresh in the background does not."""
    ticket = desk.sign_in()
    desk.client.pexpire(ticket.key, 5_000)
    session = desk.store.load(ticket)
    assert session is not None
    desk.store.replace_tokens(ticket, tokens_of(generation=2))
    desk.store.replace_record(ticket, session.record, session.revision)
    assert 0 < desk.client.pttl(ticket.key) <= 5_000


def test_a_touch_slides_the_idle_expiry(desk: Desk) -> None:
    """A session in use gets its whole idle time again."""
    ticket = desk.sign_in()
    desk.client.pexpire(ticket.key, 5_000)
    _long_untouched(desk, ticket)
    assert desk.store.touch(ticket) is True
    assert IDLE_S * 1000 - 2_000 < desk.client.pttl(ticket.key) <= IDLE_S * 1000


def test_a_second_touch_within_a_minute_writes_nothing(desk: Desk) -> None:
    """A busy page costs Redis one slide a minute."""
    ticket = desk.sign_in()
    desk.client.pexpire(ticket.key, 5_000)
    assert desk.store.touch(ticket) is True
    assert desk.client.pttl(ticket.key) <= 5_000


@pytest.mark.rule("B-22", "S-045")
def test_a_touch_never_slides_beyond_the_absolute_end(desk: Desk) -> None:
    """Polling keeps no session alive past its absolute lifetime (S-045)."""
    ticket = desk.sign_in()
    desk.client.hincrby(ticket.key, "a", -(ABSOLUTE_S - 5) * 1000)
    _long_untouched(desk, ticket)
    assert desk.store.touch(ticket) is True
    assert 0 < desk.client.pttl(ticket.key) <= 5_000


def test_a_touch_after_the_absolute_end_ends_the_session(desk: Desk) -> None:
    """A key that somehow outlived its end is removed, not slid."""
    ticket = desk.sign_in()
    desk.client.hincrby(ticket.key, "a", -ABSOLUTE_S * 1000)
    _long_untouched(desk, ticket)
    assert desk.store.touch(ticket) is False
    assert desk.client.exists(ticket.key) == 0


@pytest.mark.rule("B-22")
def test_a_new_session_ends_with_the_earlier_of_idle_and_absolute(valkey_url: str) -> None:
    """An absolute lifetime shorter than the idle one holds from the start."""
    desk = Desk(valkey_url, idle_ttl_s=600, absolute_ttl_s=7)
    assert 0 < desk.client.pttl(desk.sign_in().key) <= 7_000


@pytest.mark.rule("B-22")
def test_an_idle_session_ends_by_itself(valkey_url: str) -> None:
    """The key carries its expiry: nobody needs to sweep."""
    desk = Desk(valkey_url, idle_ttl_s=1)
    ticket = desk.sign_in()
    desk.client.pexpire(ticket.key, 1)
    while desk.client.exists(ticket.key):
        pass
    assert desk.store.load(ticket) is None
    assert desk.store.replace_tokens(ticket, tokens_of(generation=2)) is Written.GONE


@pytest.mark.rule("B-41")
def test_sessions_are_found_by_person_and_by_sign_in(desk: Desk) -> None:
    """The index tells one person's sessions, and those of one sign-in at the provider."""
    first, second = desk.sign_in(sid="one"), desk.sign_in(sid="two")
    desk.sign_in("bob", sid="three")
    listed = desk.store.sessions_of_subject(ISSUER, "ada")
    assert [session.digest for session in listed] == [second.digest, first.digest]
    assert [session.public_id for session in listed] == [second.public_id, first.public_id]
    [found] = desk.store.sessions_of_provider_session(ISSUER, "one")
    assert found.digest == first.digest
    assert desk.store.sessions_of_subject("https://other.example", "ada") == []
    assert desk.store.sessions_of_provider_session(ISSUER, "ada") == []


@pytest.mark.rule("B-41")
def test_sessions_from_before_a_key_rotation_are_found(valkey_url: str) -> None:
    """Index entries under older keys count as long as those keys are in the ring."""
    old = Desk(valkey_url, keys=[OLDER_KEY]).sign_in()
    rotated = Desk(valkey_url, keys=[KEY, OLDER_KEY])
    new = rotated.sign_in()
    listed = rotated.store.sessions_of_subject(ISSUER, "ada")
    assert [session.digest for session in listed] == [new.digest, old.digest]


@pytest.mark.rule("B-41")
def test_the_index_heals_itself(desk: Desk) -> None:
    """An entry that points at nothing is dropped by whoever meets it, unless it is brand-new."""
    ended, living = desk.sign_in(), desk.sign_in()
    desk.client.delete(ended.key)
    [index] = list(desk.client.scan_iter("subject:*"))
    assert len(desk.store.sessions_of_subject(ISSUER, "ada")) == 1
    assert desk.client.zcard(index) == 2
    dead, kept = cast("list[bytes]", desk.client.zrange(index, 0, -1))
    desk.client.zincrby(index, -10_000, dead)
    desk.client.zadd(index, {"planted": time.time() * 1000})
    [found] = desk.store.sessions_of_subject(ISSUER, "ada")
    assert found.digest == living.digest
    assert desk.client.zrange(index, 0, -1) == [kept]


@pytest.mark.rule("B-41", "F-45")
def test_entries_as_they_were_spelled_before_are_found_and_healed(desk: Desk) -> None:
    """Sets named in hexadecimal, of digests in hexadecimal: a rolling start hides no session."""
    living, record = desk.sign_in(sid=None), record_of()
    desk.client.delete(*desk.client.scan_iter("subject:*"))
    assert desk.store.sessions_of_subject(ISSUER, "ada") == []
    before = {
        kind: f"{kind}:{desk.codec.ring.pseudonyms(kind, ISSUER, value)[0][:32]}"
        for kind, value in (("subject", record.sub), ("provider-session", record.sid or ""))
    }
    score = time.time() * 1000
    for name in before.values():
        desk.client.zadd(name, {living.digest: score, Ticket.new().digest: score})
    named = desk.store.sessions_of_provider_session(ISSUER, "sid-of-ada")
    for found in (desk.store.sessions_of_subject(ISSUER, "ada"), named):
        assert [session.digest for session in found] == [living.digest]
    for name in before.values():
        assert desk.client.zrange(name, 0, -1) == [living.digest.encode()]


def test_an_index_set_fits_the_small_blocks_of_an_allocator(desk: Desk) -> None:
    """A name and its length in 32 bytes, a set of one session in 48: what P-7 rests upon."""
    desk.sign_in()
    names = [*desk.client.scan_iter("subject:*"), *desk.client.scan_iter("sid:*")]
    assert len(names) == 2
    assert max(map(len, names)) + 2 <= 32
    # Head and end of the list, the entry with two lengths, a score of eight bytes with two.
    assert all(7 + len(desk.client.zrange(name, 0, 0)[0]) + 2 + 10 <= 48 for name in names)


def test_the_index_drops_the_dead_and_dies_with_the_last(desk: Desk) -> None:
    """A sign-in drops entries past their absolute end; the index itself expires."""
    desk.sign_in()
    [index] = list(desk.client.scan_iter("subject:*"))
    desk.client.zadd(index, {"long-dead": 1})
    ticket = desk.sign_in()
    assert b"long-dead" not in desk.client.zrange(index, 0, -1)
    found = desk.store.sessions_of_subject(ISSUER, "ada")
    assert ticket.digest in [session.digest for session in found]
    assert 0 < desk.client.pttl(index) <= ABSOLUTE_S * 1000


def test_signing_out_leaves_nothing_behind(desk: Desk) -> None:
    """Session and index entries are gone; a second time ends nothing."""
    ticket = desk.sign_in()
    record = record_of()
    assert desk.store.delete(ticket, record) is True
    assert desk.store.delete(ticket, record) is False
    assert desk.client.keys() == []


def test_a_session_is_ended_by_its_digest_alone(desk: Desk) -> None:
    """A back-channel logout holds no ticket."""
    ticket, other = desk.sign_in(), desk.sign_in("bob")
    assert desk.store.delete_by_digest(ticket.digest) is True
    assert desk.store.delete_by_digest(ticket.digest) is False
    assert desk.store.load(ticket) is None
    assert desk.store.load(other) is not None


def test_a_device_is_shown_without_the_ticket(desk: Desk) -> None:
    """Other sessions of the person see where this one was made, and by which provider."""
    desk.sign_in()
    [session] = desk.store.sessions_of_subject(ISSUER, "ada")
    device = session.device
    assert (device.ip, device.user_agent, device.provider) == ("192.0.2.7", "a browser", "sso")
    assert abs(device.created_at - session.last_seen_at) < 60


def test_what_is_left_of_a_session_is_told_by_its_digest(desk: Desk) -> None:
    """The page that listens for its session's end asks without a ticket."""
    left_ms = desk.store.expires_in_ms(desk.sign_in().digest)
    assert left_ms is not None
    assert IDLE_S * 1000 - 2_000 < left_ms <= IDLE_S * 1000


def test_ends_and_refreshes_are_told_to_who_listens(desk: Desk) -> None:
    """One channel carries each change with the session's digest; a logout is told once."""
    with desk.client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(CHANGES)
        listener.get_message(timeout=30)
        ticket = desk.sign_in()
        desk.store.replace_tokens(ticket, tokens_of(generation=2))
        desk.store.replace_tokens(ticket, tokens_of(generation=2))  # overtaken: not told
        desk.store.delete(ticket, record_of())
        desk.store.delete(ticket, record_of())
        desk.client.publish(CHANGES, "that is all")
        heard = [""]
        while heard[-1] != "that is all":
            message = listener.get_message(timeout=30)
            heard.append(message["data"].decode())
    assert heard[1:-1] == [f"{ticket.digest} refreshed", f"{ticket.digest} ended"]


@pytest.mark.rule("B-20", "S-042")
def test_a_dump_of_redis_opens_no_session(desk: Desk, valkey: Store) -> None:
    """A thief of data *and* server keys finds no ticket, token or name (S-042)."""
    ticket = desk.sign_in()
    dumped = b"".join(key + value for key, value in valkey.dump().items())
    assert ticket.digest.encode() in dumped
    secrets = [ticket.encode(), ticket._raw.hex(), "Ada Lovelace", "ada@example.com", "sid-of-ada"]
    secrets += ["access-token", "refresh-token", "id-token", "192.0.2.7", ISSUER]
    assert [secret for secret in secrets if secret.encode() in dumped] == []
    assert ticket._raw[:16] not in dumped
    assert ticket._raw[16:] not in dumped
    # With the server's keys too: without the share neither record nor token set opens.
    assert Desk(desk.url).store.load(Ticket(ticket._raw[:16] + bytes(16))) is None
