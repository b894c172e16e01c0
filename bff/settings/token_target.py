"""What a token is for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Iterable


def token_target(audience: str | None, resource: str | None, scopes: Iterable[str]) -> str:
    """Return what a token is for, as one string; empty for the provider's default."""
    wanted = {"audience": audience, "resource": resource, "scope": " ".join(scopes)}
    return urlencode({name: value for name, value in wanted.items() if value})
