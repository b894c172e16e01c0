"""Which sessions a person has, and which came of one sign-in at a provider.

One sorted set each, named by a keyed digest, so that its name tells nobody. An entry is a session's
digest; its score is the latest instant that the session can live, which also orders a person's
sessions by the server's clock. Names and entries are spelled in base64url and not in hexadecimal:
with it each set fits the next smaller size of an allocator's blocks, twice (80 bytes a session).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from bff.sessions import scripts
from bff.sessions.connect import script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import redis

    from bff.sessions.codec import KeyRing
    from bff.sessions.model import SessionRecord

_NAME_BYTES: Final = 16
_DIGEST_BYTES: Final = 16
_DIGEST_DIGITS: Final = 2 * _DIGEST_BYTES
_BEING_MADE_MS: Final = 5_000
_SUBJECT: Final = "subject"
_SIGN_IN: Final = "sid"
# Read and healed, never written: as names and entries were spelled before, in hexadecimal.
_SPELLED_BEFORE: Final = {_SUBJECT: "subject", _SIGN_IN: "provider-session"}


class Entry(NamedTuple):
    """What the set *name* holds of one session; *digest* is empty where it is no entry of ours."""

    name: str
    member: bytes
    digest: str
    score: float


class SessionIndex:
    """Enters, finds and drops sessions; the caller translates what Redis raises."""

    def __init__(self, client: redis.Redis, ring: KeyRing, *, absolute_ms: int) -> None:
        """See *client*; names are made with *ring*, and an entry lives *absolute_ms* at most."""
        self._redis = client
        self._ring = ring
        self._absolute_ms = absolute_ms
        self._enter = script(client, scripts.INDEX)
        self._heal = script(client, scripts.HEAL)

    def enter(self, digest: str, record: SessionRecord) -> None:
        """Enter the session named *digest* under the newest key's names."""
        for name in self._newest_names(record):
            self._enter(keys=[name], args=[_member_of(digest), self._absolute_ms])

    def drop(self, digest: str, record: SessionRecord) -> None:
        """Take the session named *digest* out."""
        for name in self._newest_names(record):
            self._redis.zrem(name, _member_of(digest))

    def of_subject(self, iss: str, sub: str) -> list[Entry]:
        """Return what is entered of one person."""
        return list(self._entries(_SUBJECT, iss, sub))

    def of_sign_in(self, iss: str, sid: str) -> list[Entry]:
        """Return what is entered of one sign-in at the provider."""
        return list(self._entries(_SIGN_IN, iss, sid))

    def heal(self, dead: Iterable[Entry]) -> None:
        """Drop entries that point at nothing, unless their session may just be being made."""
        for entry in dead:
            self._heal(keys=[entry.name], args=[entry.member, self._absolute_ms, _BEING_MADE_MS])

    def _entries(self, kind: str, iss: str, value: str) -> Iterator[Entry]:
        # Under every key of the ring: an entry made before the last rotation must be found.
        pseudonyms = self._ring.pseudonyms(_SPELLED_BEFORE[kind], iss, value)
        names = [_name(kind, pseudonym) for pseudonym in pseudonyms]
        names += [f"{_SPELLED_BEFORE[kind]}:{each[: 2 * _NAME_BYTES]}" for each in pseudonyms]
        for name in names:
            held = cast(
                "list[tuple[bytes, float]]", self._redis.zrange(name, 0, -1, withscores=True)
            )
            for member, score in held:
                yield Entry(name, member, _digest_of(member), score)

    def _newest_names(self, record: SessionRecord) -> Iterator[str]:
        values = {_SUBJECT: record.sub, _SIGN_IN: record.sid}
        for kind, value in values.items():
            if value is not None:
                yield _name(
                    kind, self._ring.pseudonyms(_SPELLED_BEFORE[kind], record.iss, value)[0]
                )


def _name(kind: str, pseudonym: str) -> str:
    return f"{kind}:{_base64url(bytes.fromhex(pseudonym)[:_NAME_BYTES])}"


def _member_of(digest: str) -> str:
    return _base64url(bytes.fromhex(digest))


def _digest_of(member: bytes) -> str:
    if len(member) == _DIGEST_DIGITS:
        return member.decode("ascii", "replace")
    try:
        digest = base64.urlsafe_b64decode(member + b"==")
    except binascii.Error:
        return ""
    return digest.hex() if len(digest) == _DIGEST_BYTES else ""


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
