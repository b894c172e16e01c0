"""Sealing: what Redis holds is AES-GCM under a key made of a server key and the ticket's share.

A sealed value is ``version · key id · nonce · ciphertext``. The key id names the server key in the
ring; the first key of the ring seals, all open, so that keys rotate without ending a session.
The session's name and the value's purpose are authenticated with it: a value moved to another
session or field does not open.

Spec: NIST SP 800-38D; RFC 5869 (the ring's keys are extracted once, each value's key expanded).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bff.sessions.model import Device, Opener, SessionRecord, Ticket, TokenSet

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T", bound=msgspec.Struct)

_VERSION = b"\x01"
_KID_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = 1 + _KID_BYTES
_SALT = b"cloakroom session sealing"

RECORD: Final = b"record"
TOKENS: Final = b"tokens"
DEVICE: Final = b"device"
TRANSACTION: Final = b"login transaction"


class Unreadable(Exception):  # noqa: N818 - a finding about stored bytes, not an error of ours
    """A stored value is foreign, damaged or sealed under a key that left the ring."""


class KeyRing:
    """The server's keys: the first seals, all open."""

    def __init__(self, secret_keys: Sequence[str], *, realm: str = "") -> None:
        """Take the keys, and the *realm* outside of which nothing sealed here opens.

        Args:
            secret_keys: of the settings: strings of 32 characters or more, newest first.
            realm: the front end's name.
        """
        self._keys = {_kid(key): _extract(key, realm) for key in secret_keys}
        self._newest = next(iter(self._keys))

    def seal(self, purpose: bytes, context: bytes, share: bytes, plain: bytes) -> bytes:
        """Return *plain* sealed for *purpose* in *context* under the newest key and *share*."""
        head = _VERSION + self._newest
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(_expand(self._keys[self._newest], purpose, context, share))
        return head + nonce + cipher.encrypt(nonce, plain, head)

    def open(self, purpose: bytes, context: bytes, share: bytes, sealed: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            Unreadable: not sealed by us for this purpose, context and share.
        """
        head = sealed[:_HEAD_BYTES]
        return open_with(self.cipher(head, purpose, context, share), head, sealed)

    def cipher(self, head: bytes, purpose: bytes, context: bytes, share: bytes) -> AESGCM:
        """Return what opens the values that begin with *head*.

        Raises:
            Unreadable: sealed under an unknown key or version.
        """
        key = self._keys.get(head[1:])
        if key is None or head[:1] != _VERSION:
            raise Unreadable("sealed under an unknown key or version")
        return AESGCM(_expand(key, purpose, context, share))

    def is_current(self, sealed: bytes) -> bool:
        """Return whether *sealed* is under the newest key; if not, it is due for re-sealing."""
        return sealed[1:_HEAD_BYTES] == self._newest

    def place_of(self, sealed: bytes) -> int | None:
        """Return the place in the ring of the key that *sealed* names; None for a foreign one."""
        kids = list(self._keys)
        kid = sealed[1:_HEAD_BYTES]
        return kids.index(kid) if kid in kids else None

    def pseudonyms(self, *parts: str) -> list[str]:
        """Return keyed digests of *parts*, one a key, newest first: names for index entries."""
        message = b"index\x00" + "\x00".join(parts).encode()
        return [hmac.digest(key, message, "sha256").hex() for key in self._keys.values()]

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"


class SessionCodec:
    """Turns session values into sealed bytes and back; the only reader of their encoding."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._encoder = msgspec.msgpack.Encoder()
        self._tokens = msgspec.msgpack.Decoder(TokenSet)
        self._record = msgspec.msgpack.Decoder(SessionRecord)
        self._device = msgspec.msgpack.Decoder(Device)

    def seal_tokens(self, ticket: Ticket, tokens: TokenSet) -> bytes:
        """Return *tokens* sealed for the session of *ticket*."""
        return self._seal(TOKENS, ticket, tokens)

    def open_tokens(self, ticket: Ticket, sealed: bytes) -> TokenSet:
        """Return the token set; raises `Unreadable`."""
        return self._open(TOKENS, ticket, sealed, self._tokens)

    def seal_record(self, ticket: Ticket, record: SessionRecord) -> bytes:
        """Return *record* sealed for the session of *ticket*."""
        return self._seal(RECORD, ticket, record)

    def open_record(self, ticket: Ticket, sealed: bytes) -> SessionRecord:
        """Return the record; raises `Unreadable`."""
        return self._open(RECORD, ticket, sealed, self._record)

    def seal_device(self, digest: str, device: Device) -> bytes:
        """Return *device* sealed for the session named *digest*, without a share.

        The person's other sessions and an administrator read it, who do not hold this ticket.
        """
        return self.ring.seal(DEVICE, digest.encode(), b"", self._encoder.encode(device))

    def open_device(self, digest: str, sealed: bytes) -> Device:
        """Return the device; raises `Unreadable`."""
        return _decode(self._device, self.ring.open(DEVICE, digest.encode(), b"", sealed))

    def _seal(self, purpose: bytes, ticket: Ticket, value: msgspec.Struct) -> bytes:
        plain = self._encoder.encode(value)
        return self.ring.seal(purpose, ticket.digest.encode(), ticket.key_share, plain)

    def _open(
        self, purpose: bytes, ticket: Ticket, sealed: bytes, decoder: msgspec.msgpack.Decoder[T]
    ) -> T:
        head = sealed[:_HEAD_BYTES]
        opener = ticket.opener
        if (
            opener is None
            or opener.ring is not self.ring
            or opener.purpose is not purpose
            or opener.head != head
        ):
            # It lives as long as the ticket does, which together with the ring is as good a key.
            cipher = self.ring.cipher(head, purpose, ticket.digest.encode(), ticket.key_share)
            ticket.opener = opener = Opener(self.ring, purpose, head, cipher)
        return _decode(decoder, open_with(opener.cipher, head, sealed))


def open_with(cipher: AESGCM, head: bytes, sealed: bytes) -> bytes:
    """Return what *sealed*, which begins with *head*, holds; raises `Unreadable`."""
    nonce = sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
    try:
        return cipher.decrypt(nonce, sealed[_HEAD_BYTES + _NONCE_BYTES :], head)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("does not open") from error


def _decode(decoder: msgspec.msgpack.Decoder[T], plain: bytes) -> T:
    try:
        return decoder.decode(plain)
    except msgspec.DecodeError as error:
        raise Unreadable("is of another schema") from error


def _kid(secret_key: str) -> bytes:
    return hashlib.sha256(b"cloakroom key id" + secret_key.encode()).digest()[:_KID_BYTES]


def _extract(secret_key: str, realm: str) -> bytes:
    salt = _SALT + b" " + realm.encode() if realm else _SALT
    return hmac.digest(salt, secret_key.encode(), "sha256")


def _expand(key: bytes, purpose: bytes, context: bytes, share: bytes) -> bytes:
    # Lengths first, so that no two different triples spell the same info (RFC 5869 §3.2).
    info = b"%d.%d.%s%s%s\x01" % (len(purpose), len(context), purpose, context, share)
    return hmac.digest(key, info, "sha256")
