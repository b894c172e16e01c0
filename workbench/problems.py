"""The problem table of the workbench: every code that a client may meet, once."""

from __future__ import annotations

from httpkit.problems import BAD_REQUEST, ProblemType, Refused, Unavailable

__all__ = [
    "BAD_REQUEST",
    "INSUFFICIENT_SCOPE",
    "INVALID_TOKEN",
    "ISSUER_UNAVAILABLE",
    "STORAGE_UNAVAILABLE",
    "TOKEN_REQUIRED",
    "ProblemType",
    "Refused",
    "Unavailable",
]

TOKEN_REQUIRED = ProblemType("token_required", 401, "This needs an access token.")
INVALID_TOKEN = ProblemType("invalid_token", 401, "The access token is not valid here.")
INSUFFICIENT_SCOPE = ProblemType(
    "insufficient_scope", 403, "The access token does not allow this operation."
)
ISSUER_UNAVAILABLE = ProblemType(
    "issuer_unavailable", 503, "Access tokens cannot be checked just now."
)
STORAGE_UNAVAILABLE = ProblemType("storage_unavailable", 503, "The database cannot be reached.")
