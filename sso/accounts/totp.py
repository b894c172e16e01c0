"""Time-based one-time passwords, as every authenticator app makes them.

Spec: RFC 6238, RFC 4226 §5.3.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final
from urllib.parse import quote, urlencode

STEP_S: Final = 30
DIGITS: Final = 6
_SECRET_BYTES: Final = 20
# A clock may be half a minute off, either way (RFC 6238 §5.2).
_DRIFT: Final = (0, -1, 1)


def new_secret() -> bytes:
    """Return 160 random bits, as RFC 4226 §4 wants."""
    return secrets.token_bytes(_SECRET_BYTES)


def code_at(secret: bytes, step: int) -> str:
    """Return the code of *step*. The apps know SHA-1 alone, and HMAC does not mind."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_of(secret: bytes, code: str, *, now_s: float) -> int | None:
    """Return the step that *code* is of, near the present; None where it is of none."""
    present = int(now_s) // STEP_S
    found = None
    for drift in _DRIFT:
        if hmac.compare_digest(code_at(secret, present + drift).encode(), code.encode()):
            found = present + drift
    return found


def in_base32(secret: bytes) -> str:
    """Return *secret* as a person types it into an app."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, *, issuer: str, username: str) -> str:
    """Return the ``otpauth`` address that an app reads from a picture."""
    query = urlencode({"secret": in_base32(secret), "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(username)}?{query}"
