"""The problem table of the workbench: every code that a client may meet, once."""

from __future__ import annotations

from httpkit.problems import BAD_REQUEST, NOT_FOUND, ProblemType, Refused, Unavailable

__all__ = [
    "ALREADY_APPLIED",
    "ALREADY_DECIDED",
    "ALREADY_MEMBER",
    "BAD_REQUEST",
    "CHECKSUM_MISMATCH",
    "FILES_UNAVAILABLE",
    "FORBIDDEN_DEED",
    "IDEMPOTENCY_KEY_REUSED",
    "INSUFFICIENT_SCOPE",
    "INVALID_FIELDS",
    "INVALID_TOKEN",
    "INVITATION_OVER",
    "ISSUER_UNAVAILABLE",
    "LAST_OWNER",
    "LIMIT_REACHED",
    "NAME_TAKEN",
    "NOT_FOUND",
    "PRECONDITION_FAILED",
    "PRECONDITION_REQUIRED",
    "RANGE_NOT_SATISFIABLE",
    "STORAGE_UNAVAILABLE",
    "STREAMS_TAKEN",
    "TOKEN_REQUIRED",
    "UNSUPPORTED_MEDIA_TYPE",
    "WRONG_OFFSET",
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
FORBIDDEN_DEED = ProblemType("forbidden_deed", 403, "You may see this, but not do that.")
INVALID_FIELDS = ProblemType("invalid_fields", 422, "Some fields are not right.")
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported_media_type", 415, "The body is of a kind that is not taken here."
)
PRECONDITION_REQUIRED = ProblemType(
    "precondition_required", 428, "The request must say which version it changes."
)
PRECONDITION_FAILED = ProblemType(
    "precondition_failed", 412, "Somebody else changed this in the meantime."
)
IDEMPOTENCY_KEY_REUSED = ProblemType(
    "idempotency_key_reused", 422, "This idempotency key was used for another request."
)
LAST_OWNER = ProblemType("last_owner", 409, "A team needs an owner; hand it over first.")
ALREADY_MEMBER = ProblemType("already_member", 409, "This person is in the team already.")
ALREADY_APPLIED = ProblemType("already_applied", 409, "You have an open application there.")
ALREADY_DECIDED = ProblemType("already_decided", 409, "This application is no longer open.")
INVITATION_OVER = ProblemType(
    "invitation_over", 410, "This invitation has expired, was used up or was revoked."
)
NAME_TAKEN = ProblemType("name_taken", 409, "That name is taken here.")
LIMIT_REACHED = ProblemType("limit_reached", 409, "There can be no more of these.")
WRONG_OFFSET = ProblemType("wrong_offset", 409, "The upload goes on somewhere else.")
CHECKSUM_MISMATCH = ProblemType(
    "checksum_mismatch", 422, "The bytes are not those that were announced."
)
RANGE_NOT_SATISFIABLE = ProblemType(
    "range_not_satisfiable", 416, "The file does not reach that far."
)
FILES_UNAVAILABLE = ProblemType("files_unavailable", 503, "The files cannot be reached.")
STREAMS_TAKEN = ProblemType("streams_taken", 503, "Too many pages follow the feed just now.")
