"""The problem table of the BFF: every code that a front end may meet, once.

Spec: CONTRACT of the product, `docs/reference/bff.md`.
"""

from __future__ import annotations

from httpkit.problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    CSRF_FAILED,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    ProblemType,
    Refused,
    Unavailable,
)

__all__ = [
    "ADMINISTRATOR_REQUIRED",
    "BAD_REQUEST",
    "BODY_TOO_LARGE",
    "CSRF_FAILED",
    "INSUFFICIENT_SCOPE",
    "INTERNAL_ERROR",
    "LOGIN_DENIED",
    "LOGIN_EXPIRED",
    "LOGIN_FAILED",
    "LOGIN_LOOP",
    "LOGIN_REQUIRED",
    "METHOD_NOT_ALLOWED",
    "ORIGIN_DENIED",
    "PROVIDER_ERROR",
    "PROVIDER_UNAVAILABLE",
    "ROUTE_BUSY",
    "ROUTE_NOT_FOUND",
    "STEP_UP_REQUIRED",
    "STORE_UNAVAILABLE",
    "TOKEN_BOUND",
    "TOO_MANY_REQUESTS",
    "TOO_MANY_WEBSOCKETS",
    "UPSTREAM_BAD_REPLY",
    "UPSTREAM_TIMEOUT",
    "UPSTREAM_UNAVAILABLE",
    "UPSTREAM_UNREACHABLE",
    "URI_REJECTED",
    "ProblemType",
    "Refused",
    "Unavailable",
    "login_required",
]

ADMINISTRATOR_REQUIRED = ProblemType(
    "administrator_required", 401, "This needs an administrator's secret."
)
LOGIN_REQUIRED = ProblemType("login_required", 401, "Sign in first.")
STEP_UP_REQUIRED = ProblemType("step_up_required", 401, "This needs a stronger sign-in.")
INSUFFICIENT_SCOPE = ProblemType("insufficient_scope", 403, "You may not do this here.")
ORIGIN_DENIED = ProblemType("origin_denied", 403, "Requests from this origin are not accepted.")
ROUTE_NOT_FOUND = ProblemType("route_not_found", 404, "No route leads there.")
URI_REJECTED = ProblemType("uri_rejected", 400, "The address can be read in more than one way.")
LOGIN_FAILED = ProblemType("login_failed", 400, "The sign-in could not be completed.")
LOGIN_EXPIRED = ProblemType("login_expired", 400, "This sign-in took too long.")
LOGIN_LOOP = ProblemType("login_loop", 429, "Signing in goes round in a circle.")
LOGIN_DENIED = ProblemType("login_denied", 400, "The sign-in was declined.")
PROVIDER_ERROR = ProblemType("provider_error", 502, "The sign-in service gave an invalid answer.")
PROVIDER_UNAVAILABLE = ProblemType(
    "provider_unavailable", 503, "The sign-in service cannot be reached."
)
STORE_UNAVAILABLE = ProblemType("store_unavailable", 503, "Sessions cannot be read just now.")
TOKEN_BOUND = ProblemType(
    "token_bound", 403, "This token needs a proof that only the gateway can make."
)
TOO_MANY_REQUESTS = ProblemType("too_many_requests", 429, "Too many requests; wait a moment.")
ROUTE_BUSY = ProblemType("route_busy", 503, "The service behind this address is busy.")
TOO_MANY_WEBSOCKETS = ProblemType(
    "too_many_websockets", 429, "Too many connections of this session are open."
)
UPSTREAM_UNREACHABLE = ProblemType(
    "upstream_unreachable", 502, "The service behind this address cannot be reached."
)
UPSTREAM_BAD_REPLY = ProblemType(
    "upstream_bad_reply", 502, "The service behind this address gave an unusable reply."
)
UPSTREAM_TIMEOUT = ProblemType(
    "upstream_timeout", 504, "The service behind this address took too long."
)
UPSTREAM_UNAVAILABLE = ProblemType(
    "upstream_unavailable", 503, "The service behind this address asks to come back later."
)


def login_required(hint: str | None = None) -> Refused:
    """Return the refusal of a caller who is not signed in (any more).

    Where to sign in is added by whoever answers: only there is the front end known.
    """
    return Refused(LOGIN_REQUIRED, hint=hint)
