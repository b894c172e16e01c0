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
import zlib
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

_PRESS_LEVEL = 6
# What records and devices are made of, the most frequent last. Part of the schema: never changed.
_OFTEN_SEEN: Final = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    b"Gecko) Version/18.0 Mobile/15E148 Safari/604.1 Mozilla/5.0 (Macintosh; Intel Mac OS X "
    b"10_15_7; rv:140.0) Gecko/20100101 Firefox/140.0 Mozilla/5.0 (Linux; Android 10; K) Mobile "
    b"Mozilla/5.0 (X11; Linux x86_64) Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "
    b"(KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0 2001:db8:192.168.10."
    b"groups\xa5roles\xa7address\xacphone_number\xb5phone_number_verified\xaagiven_name"
    b"\xabfamily_name\xa8nickname\xa7picture\xa7profile\xa8zoneinfo\xa6locale\xaaupdated_at"
    b"\xa3amr\x91\xa3pwd\xa3acr\xb2preferred_username\xa4name\xaeemail_verified\xc3\xa5email"
    b"@example.com\xa9auth_time\xcej\xa3sid\xa3sub\xd9 https://sso\xa3sso"
)


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
        plain = self._encoder.encode(tokens)
        return self.ring.seal(TOKENS, ticket.digest.encode(), ticket.key_share, plain)

    def open_tokens(self, ticket: Ticket, sealed: bytes) -> TokenSet:
        """Return the token set; raises `Unreadable`. Every proxied call comes here."""
        head = sealed[:_HEAD_BYTES]
        opener = ticket.opener
        if opener is None or opener.ring is not self.ring or opener.head != head:
            # It lives as long as the ticket does, which together with the ring is as good a key.
            cipher = self.ring.cipher(head, TOKENS, ticket.digest.encode(), ticket.key_share)
            ticket.opener = opener = Opener(self.ring, head, cipher)
        return _decode(self._tokens, open_with(opener.cipher, head, sealed))

    def seal_record(self, ticket: Ticket, record: SessionRecord) -> bytes:
        """Return *record* sealed for the session of *ticket*."""
        plain = _pressed(self._encoder.encode(record))
        return self.ring.seal(RECORD, ticket.digest.encode(), ticket.key_share, plain)

    def open_record(self, ticket: Ticket, sealed: bytes) -> SessionRecord:
        """Return the record; raises `Unreadable`."""
        plain = self.ring.open(RECORD, ticket.digest.encode(), ticket.key_share, sealed)
        return _decode(self._record, _unpressed(plain))

    def seal_device(self, digest: str, device: Device) -> bytes:
        """Return *device* sealed for the session named *digest*, without a share.

        The person's other sessions and an administrator read it, who do not hold this ticket.
        """
        plain = _pressed(self._encoder.encode(device))
        return self.ring.seal(DEVICE, digest.encode(), b"", plain)

    def open_device(self, digest: str, sealed: bytes) -> Device:
        """Return the device; raises `Unreadable`."""
        plain = self.ring.open(DEVICE, digest.encode(), b"", sealed)
        return _decode(self._device, _unpressed(plain))


def open_with(cipher: AESGCM, head: bytes, sealed: bytes) -> bytes:
    """Return what *sealed*, which begins with *head*, holds; raises `Unreadable`."""
    nonce = sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
    try:
        return cipher.decrypt(nonce, sealed[_HEAD_BYTES + _NONCE_BYTES :], head)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("does not open") from error


def _pressed(plain: bytes) -> bytes:
    """Return *plain* in less room, for what is written once and seldom read: never tokens."""
    press = zlib.compressobj(_PRESS_LEVEL, wbits=-zlib.MAX_WBITS, zdict=_OFTEN_SEEN)
    return press.compress(plain) + press.flush()


def _unpressed(pressed: bytes) -> bytes:
    unpress = zlib.decompressobj(wbits=-zlib.MAX_WBITS, zdict=_OFTEN_SEEN)
    try:
        return unpress.decompress(pressed) + unpress.flush()
    except zlib.error as error:
        raise Unreadable("is of another schema") from error


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
