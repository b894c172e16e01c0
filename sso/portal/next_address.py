"""Where a person goes after signing in: one of our own pages, or nowhere but home.

Spec: A-06; S-001 to S-013.
"""

from __future__ import annotations

import re
from typing import Final

from sso.requests.carrier import RESUME_PATH

HOME: Final = "/account"
_OWN_PAGES: Final = ("/account", "/clients", "/admin", "/device", RESUME_PATH)
# Nothing that any browser reads as another host, another path, or another header.
_PLAIN = re.compile(r"/[A-Za-z0-9/_-]*(?:\?[A-Za-z0-9._~%+&=:/-]*)?")
_MAX_CHARS: Final = 16_000


def local_address(given: str) -> str:
    """Return *given* where it is plainly one of our own pages, else the account page."""
    path = given.partition("?")[0]
    plain = len(given) <= _MAX_CHARS and _PLAIN.fullmatch(given) is not None and "//" not in path
    ours = any(path == page or path.startswith(f"{page}/") for page in _OWN_PAGES)
    return given if plain and ours else HOME
