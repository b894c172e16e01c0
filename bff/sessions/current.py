"""The session of the request at hand, read at most once and only when somebody asks.

A page that asks nothing costs Redis nothing and works while Redis is down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from flask import g, request

from bff.problems import login_required

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bff.sessions.cookie import SessionCookie
    from bff.sessions.model import Session, Ticket, TokenSet
    from bff.sessions.store import SessionStore


class CurrentSession:
    """Finds the visitor's ticket and session for Flask views."""

    def __init__(self, store: SessionStore, cookie: SessionCookie) -> None:
        self._store = store
        self._cookie = cookie

    def ticket(self) -> Ticket | None:
        """Return the ticket that the request carries, of a living session or not.

        Raises:
            Refused: ``login_required``; two cookies bear our name.
        """
        return self._cookie.read(cookie_headers())

    def find(self) -> Session | None:
        """Return the visitor's session, or None where nobody is signed in.

        Raises:
            Refused: as `ticket`.
            Unavailable: Redis gives no answer. That is not the same as nobody.
        """
        if "session_found" not in g:
            ticket = self.ticket()
            g.session_found = self._store.load(ticket) if ticket is not None else None
        session: Session | None = g.session_found
        return session

    def require(self) -> Session:
        """Return the visitor's session; raises as `find`, and `Refused` where there is none."""
        session = self.find()
        if session is None:
            raise login_required()
        return session

    def adopt(self, session: Session, tokens: TokenSet) -> None:
        """Let the rest of the request see *session* with the *tokens* that it has now."""
        g.session_found = msgspec.structs.replace(session, tokens=tokens)

    def forget(self) -> None:
        """Treat the visitor as signed out for the rest of the request."""
        g.session_found = None


def cookie_headers() -> Sequence[bytes]:
    """Return the Cookie headers as they came.

    The WSGI environ joins several into one with a comma, which would hide a planted second cookie
    inside the first one's value.
    """
    scope = request.environ.get("asgi.scope")
    if scope is not None:
        return [value for name, value in scope["headers"] if name == b"cookie"]
    header = request.environ.get("HTTP_COOKIE")
    return [header.encode("latin-1")] if header else []
