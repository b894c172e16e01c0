"""Write each refusal down, once: what it was, at which endpoint, to which client, and why.

The request id, endpoint and client are bound to the log by context.

Spec: A-59; ASVS 16.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import g

from httpkit import events
from sso.errors import AUTHORIZATION_PENDING, USE_DPOP_NONCE

if TYPE_CHECKING:
    from httpkit.problems import Refused
    from sso.errors import OAuthError

NOTED: Final = "refusals_noted"
# Steps of a flow that goes well: they would crowd out what a developer has to see.
_EVERYDAY: Final = frozenset({AUTHORIZATION_PENDING, USE_DPOP_NONCE})


def log_refusal(error: OAuthError) -> None:
    """Write the refusal of a protocol request."""
    events.get_logger().info(events.HTTP_REFUSED, problem=error.error, hint=error.reason)
    if error.error not in _EVERYDAY:
        note(error.error, error.reason)


def log_page_refusal(code: str, reason: str) -> None:
    """Write the refusal of what a person asked for on a page of ours."""
    events.get_logger().info(events.HTTP_REFUSED, problem=code, hint=reason)


def note_page(refused: Refused) -> None:
    """Note a refusal that was written already."""
    note(refused.problem.code, refused.hint or refused.detail or "")


def note(code: str, reason: str) -> None:
    """Keep the refusal at hand for `sso.recent_refusals`, which the answer meets on its way out."""
    g.setdefault(NOTED, []).append((code, reason))
