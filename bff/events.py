"""Every event that the BFF logs: stable names, past tense."""

from __future__ import annotations

from typing import Final

LOGIN_STARTED: Final = "login.started"
LOGIN_COMPLETED: Final = "login.completed"
LOGIN_FAILED: Final = "login.failed"
LOGOUT_COMPLETED: Final = "logout.completed"
SESSION_CREATED: Final = "session.created"
SESSION_ENDED: Final = "session.ended"
SESSION_WRITE_DROPPED: Final = "session.write_dropped"
TOKEN_REFRESHED: Final = "token.refreshed"  # noqa: S105 - an event's name
TOKEN_REFRESH_REFUSED: Final = "token.refresh_refused"  # noqa: S105 - an event's name
TOKEN_REFRESH_UNAVAILABLE: Final = "token.refresh_unavailable"  # noqa: S105 - an event's name
TOKEN_REFRESH_MISCONFIGURED: Final = "token.refresh_misconfigured"  # noqa: S105 - an event's name
TOKEN_WRITE_FAILED: Final = "token.write_failed"  # noqa: S105 - an event's name
TOKEN_REVOCATION_FAILED: Final = "token.revocation_failed"  # noqa: S105 - an event's name
