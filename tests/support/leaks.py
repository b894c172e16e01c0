"""Looks for secrets where none may be."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What a signed or encrypted token looks like, whoever made it: a JOSE header starts with {"
JOSE = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
HINT = re.compile(r"id_token_hint=[A-Za-z0-9_.-]+")
_PART = 24


def spellings(secret: str) -> set[str]:
    """Return *secret* as it might be written: plain, in a URL, in base64, or half of it."""
    plain = secret.encode()
    encoded = {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}
    halves = {secret[: len(secret) // 2], secret[len(secret) // 2 :]}
    long_enough = {half for half in halves if len(half) >= _PART}
    return {secret, quote(secret, safe=""), plain.hex(), *encoded, *long_enough}


def found_in(places: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Return, for each secret that occurs in some place, where (and never the secret)."""
    hits = []
    for number, secret in enumerate(secrets):
        for place, content in places.items():
            if any(spelling in content for spelling in spellings(secret)):
                hits.append(f"secret {number} ({secret[:4]}…) in {place}")
    return hits


def without_end_session_hint(places: Mapping[str, str]) -> dict[str, str]:
    """Return *places* without the one ID token that may pass by: the hint of the sign-out.

    It travels in one redirect to the provider that made it, which no script can read
    (OpenID Connect RP-Initiated Logout §2).
    """
    return {HINT.sub("", place): HINT.sub("", content) for place, content in places.items()}


def tokens_in(places: Mapping[str, str]) -> list[str]:
    """Return where anything stands that looks like a JOSE token."""
    return [
        f"{match[0][:12]}… in {place}"
        for place, text in places.items()
        if (match := JOSE.search(text))
    ]
