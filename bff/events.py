"""Every event that the BFF logs: stable names, past tense."""

from __future__ import annotations

from typing import Final

LOGIN_STARTED: Final = "login.started"
LOGIN_COMPLETED: Final = "login.completed"
LOGIN_FAILED: Final = "login.failed"
LOGIN_NOT_SIGNED_IN: Final = "login.not_signed_in"
LOGIN_CAME_AGAIN: Final = "login.came_again"
LOGIN_LOOP_BROKEN: Final = "login.loop_broken"
SESSION_ENDED: Final = "session.ended"
SESSION_WRITE_DROPPED: Final = "session.write_dropped"
TOKEN_EXCHANGED: Final = "token.exchanged"  # noqa: S105 - an event's name
TOKEN_REFRESHED: Final = "token.refreshed"  # noqa: S105 - an event's name
TOKEN_REFRESH_REFUSED: Final = "token.refresh_refused"  # noqa: S105 - an event's name
TOKEN_REFRESH_UNAVAILABLE: Final = "token.refresh_unavailable"  # noqa: S105 - an event's name
TOKEN_REFRESH_MISCONFIGURED: Final = "token.refresh_misconfigured"  # noqa: S105 - an event's name
TOKEN_WRITE_FAILED: Final = "token.write_failed"  # noqa: S105 - an event's name
TOKEN_REVOCATION_FAILED: Final = "token.revocation_failed"  # noqa: S105 - an event's name
UPSTREAM_EJECTED: Final = "upstream.ejected"
UPSTREAM_RETURNED: Final = "upstream.returned"
UPSTREAM_BREAKER_OPENED: Final = "upstream.breaker_opened"
UPSTREAM_BREAKER_CLOSED: Final = "upstream.breaker_closed"
UPSTREAM_MOVED: Final = "upstream.moved"
UPSTREAM_NOT_RESOLVED: Final = "upstream.not_resolved"
OPENAPI_LOADED: Final = "openapi.loaded"
OPENAPI_NOT_LOADED: Final = "openapi.not_loaded"
UPSTREAM_TLS_LOADED: Final = "upstream.tls_loaded"
UPSTREAM_TLS_NOT_LOADED: Final = "upstream.tls_not_loaded"
RATE_LIMITS_LOCAL: Final = "rate_limits.local"
ADMINISTRATOR_LISTED: Final = "administrator.listed_sessions"
ADMINISTRATOR_REVOKED: Final = "administrator.revoked_sessions"
ADMINISTRATOR_REFUSED: Final = "administrator.refused"

# Why a session ended; a field of `session.ended` and a label of its metric.
SIGNED_OUT: Final = "signed_out"
REPLACED: Final = "replaced_by_new_login"
OTHER_SESSION: Final = "ended_from_other_session"
BACK_CHANNEL: Final = "provider_back_channel"
ADMINISTRATOR: Final = "ended_by_administrator"
FRONT_CHANNEL: Final = "provider_front_channel"
LIMIT_REACHED: Final = "limit_reached"
REFRESH_REFUSED: Final = "refresh_refused"
TOKEN_EXPIRED: Final = "token_expired"  # noqa: S105 - a reason's name
OTHER_SUBJECT: Final = "refreshed_for_other_subject"
