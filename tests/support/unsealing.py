"""What is really stored for a ticket: the only place where tests open what the BFF sealed.

Tests look for these values in all that browsers, logs and dumps show. It needs the server's keys
*and* the ticket; that neither is enough alone is what tests/unit/bff/sessions shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bff.sessions.codec import KeyRing, SessionCodec
from bff.sessions.model import Ticket
from tests.support.parties import SECRET_KEYS

if TYPE_CHECKING:
    from tests.support.stores import Store


def tokens_behind(ticket: str, store: Store) -> list[str]:
    """Return every token of the session of *ticket*: access, refresh and ID token."""
    parsed = Ticket.parse(ticket.encode())
    assert parsed is not None, "no ticket"
    with store.client() as client:
        sealed = client.hget(parsed.key, "t")
    assert isinstance(sealed, bytes), "no session"
    tokens = SessionCodec(KeyRing(SECRET_KEYS)).open_tokens(parsed, sealed)
    access = [token.value for token in tokens.access_tokens.values()]
    return [token for token in [*access, tokens.refresh_token, tokens.id_token] if token]
