"""The problem table of the SSO: what a page or a problem document may say, once.

The errors of the protocol itself (RFC 6749 §5.2 and its kin) are in `sso.errors`.
"""

from __future__ import annotations

from typing import Final

from httpkit.problems import ProblemType

CLIENT_UNKNOWN: Final = ProblemType("unknown_client", 400, "This application is not known here.")
REDIRECT_URI_INVALID: Final = ProblemType(
    "invalid_redirect_uri", 400, "The address to return to is not one that was registered."
)
REQUEST_INVALID: Final = ProblemType("invalid_request", 400, "This sign-in link is not valid.")
REQUEST_EXPIRED: Final = ProblemType("expired", 400, "This sign-in took too long.")
SIGN_IN_REQUIRED: Final = ProblemType("sign_in_required", 401, "Sign in first.")
THROTTLED: Final = ProblemType("throttled", 429, "Too many attempts. Wait a while.")
FORBIDDEN: Final = ProblemType("forbidden", 403, "This is not open to your account.")
REGISTRATION_CLOSED: Final = ProblemType(
    "registration_closed", 403, "New accounts are not open here."
)
TEMPORARILY_UNAVAILABLE: Final = ProblemType(
    "temporarily_unavailable", 503, "The sign-in service cannot answer just now."
)
