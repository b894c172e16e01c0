"""The server's secret keys: the first seals, all open."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Sequence

_NONCE_BYTES = 12


class Unsealable(Exception):  # noqa: N818 - a finding, not an error of ours
    """What was given was not sealed by this ring for this purpose."""


class KeyRing:
    """Seals, opens and derives under the server's secret keys, each use under its own purpose."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """Take the ring, newest first; each key has 32 characters or more."""
        self._keys = [key.encode() for key in secret_keys]
        # Purposes are few and our own.
        self._known: dict[tuple[bytes, str], bytes] = {}

    def __repr__(self) -> str:
        return f"KeyRing({len(self._keys)} keys)"

    def seal(self, purpose: str, plain: bytes) -> bytes:
        """Return *plain* sealed for *purpose*; bound to nothing else."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        key = self._derive(self._keys[0], purpose)
        return nonce + AESGCM(key).encrypt(nonce, plain, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Return what `seal` took.

        Raises:
            Unsealable: another ring, another purpose, or changed on the way.
        """
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for secret in self._keys:
            try:
                cipher = AESGCM(self._derive(secret, purpose))
                return cipher.decrypt(nonce, body, purpose.encode())
            except (InvalidTag, ValueError):
                continue
        raise Unsealable(purpose)

    def seal_text(self, purpose: str, plain: bytes) -> str:
        """Return `seal` in characters that need no escaping in an address."""
        return base64.urlsafe_b64encode(self.seal(purpose, plain)).rstrip(b"=").decode()

    def open_text(self, purpose: str, sealed: str) -> bytes:
        """Return what `seal_text` took.

        Raises:
            Unsealable: as `open`.
        """
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars="-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise Unsealable(purpose) from error
        return self.open(purpose, raw)

    def macs(self, purpose: str, message: bytes) -> list[bytes]:
        """Return the MAC of *message* under each key of the ring, the newest first."""
        return [hmac.digest(self._derive(key, purpose), message, "sha256") for key in self._keys]

    def derived(self, purpose: str) -> bytes:
        """Return 32 bytes for *purpose*, of the newest key."""
        return self._derive(self._keys[0], purpose)

    def _derive(self, secret: bytes, purpose: str) -> bytes:
        if (known := self._known.get((secret, purpose))) is None:
            info = f"cloakroom sso {purpose}".encode()
            known = HKDF(SHA256(), 32, salt=None, info=info).derive(secret)
            self._known[secret, purpose] = known
        return known
