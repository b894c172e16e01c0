"""The end of a browser's session, wherever it is decided, and what ends with it.

Spec: OIDC Back-Channel Logout §2.7; ASVS 7.4; A-55, A-56.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sso.accounts.sessions import Sessions


class SessionEnd:
    """Ends sessions."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def end(self, session_id: str) -> None:
        """End the session; ending it again changes nothing."""
        self._sessions.end(session_id)
