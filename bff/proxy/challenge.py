"""What an upstream's 401 asks for: a stronger or fresher sign-in, or merely another token.

Spec: RFC 9470 §3 (step-up challenge); RFC 6750 §3; RFC 9110 §11.6.1 (WWW-Authenticate).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable

_INSUFFICIENT: Final = "insufficient_user_authentication"
_SCHEME = re.compile(r"\s*(?:bearer|dpop)\s+", re.IGNORECASE)
_PARAMETER = re.compile(r'([a-z_]+)\s*=\s*(?:"([^"\\]{0,512})"|([^\s",]{1,512}))', re.IGNORECASE)
_MAX_AGE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class StepUp:
    """The sign-in that the upstream wants, where it says which; empty values ask nothing."""

    acr_values: str = ""
    max_age_s: str = ""

    def login_url(self, login_url: str) -> str:
        """Return where that sign-in begins; the page adds ``return_to``."""
        wanted = {"acr_values": self.acr_values, "max_age": self.max_age_s}
        return f"{login_url}?{urlencode({name: value for name, value in wanted.items() if value})}"


def find_step_up(headers: Iterable[tuple[bytes, bytes]]) -> StepUp | None:
    """Return the step-up that a 401 reply's challenge asks for, or None where it asks none."""
    for name, value in headers:
        if name.lower() != b"www-authenticate":
            continue
        text = value.decode("latin-1")
        scheme = _SCHEME.match(text)
        if scheme is None:
            continue
        found = {
            key.lower(): quoted or bare
            for key, quoted, bare in _PARAMETER.findall(text[scheme.end() :])
        }
        if found.get("error") == _INSUFFICIENT:
            return StepUp(_plain(found.get("acr_values", "")), _seconds(found.get("max_age", "")))
    return None


def _plain(value: str) -> str:
    return value if value.isascii() and value.isprintable() else ""


def _seconds(value: str) -> str:
    return value if value.isdecimal() and len(value) <= _MAX_AGE_DIGITS else ""
