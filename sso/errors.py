"""The errors of the protocol: a stable code for programs, plain words for their developers.

Spec: RFC 6749 §4.1.2.1 and §5.2, OIDC Core §3.1.2.6, RFC 8707 §2.
"""

from __future__ import annotations

from typing import Final

INVALID_REQUEST: Final = "invalid_request"
INVALID_CLIENT: Final = "invalid_client"
INVALID_GRANT: Final = "invalid_grant"
INVALID_SCOPE: Final = "invalid_scope"
INVALID_TARGET: Final = "invalid_target"
INVALID_TOKEN: Final = "invalid_token"
INSUFFICIENT_SCOPE: Final = "insufficient_scope"
INVALID_DPOP_PROOF: Final = "invalid_dpop_proof"
USE_DPOP_NONCE: Final = "use_dpop_nonce"
INVALID_REDIRECT_URI: Final = "invalid_redirect_uri"
INVALID_CLIENT_METADATA: Final = "invalid_client_metadata"
UNAUTHORIZED_CLIENT: Final = "unauthorized_client"
UNSUPPORTED_GRANT_TYPE: Final = "unsupported_grant_type"
UNSUPPORTED_RESPONSE_TYPE: Final = "unsupported_response_type"
ACCESS_DENIED: Final = "access_denied"
AUTHORIZATION_PENDING: Final = "authorization_pending"
SLOW_DOWN: Final = "slow_down"
EXPIRED_TOKEN: Final = "expired_token"
LOGIN_REQUIRED: Final = "login_required"
CONSENT_REQUIRED: Final = "consent_required"
UNMET_AUTHENTICATION_REQUIREMENTS: Final = "unmet_authentication_requirements"
INTERACTION_REQUIRED: Final = "interaction_required"
REQUEST_NOT_SUPPORTED: Final = "request_not_supported"
REQUEST_URI_NOT_SUPPORTED: Final = "request_uri_not_supported"
REGISTRATION_NOT_SUPPORTED: Final = "registration_not_supported"
TEMPORARILY_UNAVAILABLE: Final = "temporarily_unavailable"

_QUOTED = str.maketrans({'"': "'", "\\": "/"})


class OAuthError(Exception):
    """A request refused in the words of the protocol.

    Attributes:
        error: the code; part of the interface.
        description: for the client's developer; printable ASCII without quote or backslash.
        reason: for the log alone; never a secret.
        status: of the answer, where it is not a redirect.
        headers: added to the answer, where it is not a redirect.
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        reason: str | None = None,
        status: int = 400,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.description = plain_ascii(description)
        self.reason = reason or description
        self.status = status
        self.headers = headers or {}

    def document(self) -> dict[str, str]:
        """Return the error response's members (RFC 6749 §5.2)."""
        return {"error": self.error, "error_description": self.description}


def plain_ascii(text: str) -> str:
    """Return *text* with nothing in it that RFC 6749 forbids in an ``error_description``."""
    kept = text.translate(_QUOTED).encode("ascii", "replace").decode()
    return "".join(c if " " <= c <= "~" else "?" for c in kept)
