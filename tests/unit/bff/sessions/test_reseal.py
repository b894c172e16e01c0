"""Keys of the ring rotate; sessions in use move to the newest by themselves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.connect import connect
from bff.sessions.model import AccessToken, Device, SessionRecord, Ticket, TokenSet
from bff.sessions.store import SessionStore, Written

if TYPE_CHECKING:
    import redis

OLD, NEW = "o" * 32, "n" * 32


def store_with(client: redis.Redis, *keys: str) -> SessionStore:
    """Return a node's store whose ring holds *keys*, newest first."""
    codec = SessionCodec(KeyRing(keys))
    return SessionStore(client, codec, idle_ttl_s=600, absolute_ttl_s=3600)


def sign_in(store: SessionStore) -> Ticket:
    """Return the ticket of a new session."""
    now = time.time()
    tokens = TokenSet(1, "sso", "ada", {"": AccessToken("token", now + 600)}, "refresh")
    record = SessionRecord("sso", "https://sso.example.com", "ada", now, now, now + 3600)
    return store.create(record, tokens, Device())


@pytest.mark.rule("F-46")
def test_session_in_use_outlives_the_key_that_sealed_it(valkey_url: str) -> None:
    """After one use under the new ring the old key may go."""
    client = connect(valkey_url)
    ticket = sign_in(store_with(client, OLD))
    assert store_with(client, NEW, OLD).touch(ticket)
    session = store_with(client, NEW).load(ticket)
    assert session is not None
    assert session.tokens.access_tokens[""].value == "token"


def test_session_not_used_since_the_rotation_ends_with_its_key(valkey_url: str) -> None:
    """Without re-sealing there is nothing that the new key could open."""
    client = connect(valkey_url)
    ticket = sign_in(store_with(client, OLD))
    assert store_with(client, NEW).load(ticket) is None


def test_sealing_anew_overtakes_no_refresh(valkey_url: str) -> None:
    """A refresh that began before still stores what the provider has rotated."""
    client = connect(valkey_url)
    ticket = sign_in(store_with(client, OLD))
    both = store_with(client, NEW, OLD)
    seen = both.load_tokens(ticket)
    assert seen is not None
    both.touch(ticket)
    rotated = msgspec.structs.replace(seen, generation=2, refresh_token="rotated")
    assert both.replace_tokens(ticket, rotated) is Written.DONE


def test_refresh_in_between_is_not_overwritten_by_sealing_anew(valkey_url: str) -> None:
    """What was read before a write came is not put back over it."""
    client = connect(valkey_url)
    ticket = sign_in(store_with(client, OLD))
    both = store_with(client, NEW, OLD)
    before = cast("bytes", client.hget(ticket.key, "t"))
    seen = both.load_tokens(ticket)
    assert seen is not None
    both.replace_tokens(ticket, msgspec.structs.replace(seen, generation=2, refresh_token="new"))
    both._swap(ticket, "t", before, b"what the old set would be")
    tokens = both.load_tokens(ticket)
    assert tokens is not None
    assert tokens.refresh_token == "new"


def test_session_that_outlived_its_key_is_still_found_by_its_provider(valkey_url: str) -> None:
    """After one use under the new ring it is listed, and can be ended, without the old key."""
    client = connect(valkey_url)
    ticket = sign_in(store_with(client, OLD))
    store_with(client, NEW, OLD).touch(ticket)
    listed = store_with(client, NEW).sessions_of_subject("https://sso.example.com", "ada")
    assert [session.digest for session in listed] == [ticket.digest]
