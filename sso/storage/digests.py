"""Fresh secrets, and the digest under which each is kept."""

from __future__ import annotations

import hashlib
import secrets
import uuid

_SECRET_BYTES = 32


def new_secret() -> str:
    """Return 256 random bits as 43 characters that need no escaping anywhere."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def new_id() -> str:
    """Return a fresh id of our own: 32 hexadecimal digits, never the shape of a client id."""
    return uuid.uuid4().hex


def digest(secret: str) -> str:
    """Return the key under which *secret* is stored: its SHA-256 in hexadecimal.

    Spec: A-25. Plain SHA-256, because a preimage of 256 random bits cannot be guessed.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
