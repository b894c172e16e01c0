"""Telling a provider that a refresh token is done with, where nobody waits for the outcome.

Spec: RFC 7009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bff import events
from bff.problems import Refused, Unavailable
from bff.tokens.wire import GrantRefused
from httpkit.events import get_logger

if TYPE_CHECKING:
    from bff.sessions.model import Ticket
    from bff.tokens.provider import Provider

log = get_logger()


def try_to_revoke(provider: Provider, refresh_token: str, ticket: Ticket) -> None:
    """Revoke *refresh_token* of *ticket*'s session, or log why that did not work."""
    try:
        provider.revoke(refresh_token)
    except (Unavailable, Refused, GrantRefused) as error:
        hint = getattr(error, "hint", None) or str(error)
        log.warning(events.TOKEN_REVOCATION_FAILED, sid=ticket.fingerprint, hint=hint)
