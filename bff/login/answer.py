"""The provider's answer at the callback, judged before its code goes anywhere.

Spec: RFC 6749 §4.1.2; RFC 9207; OIDC Core §3.1.2.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bff.problems import BAD_REQUEST, LOGIN_DENIED, LOGIN_FAILED, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bff.tokens.provider import Provider

# What `prompt=none` brings where there is nobody, or nobody without asking (OIDC Core §3.1.2.6).
NOT_SIGNED_IN: Final = frozenset(
    {"account_selection_required", "consent_required", "interaction_required", "login_required"}
)
_ONCE_ONLY = ("state", "code", "error", "iss")


def single_values(parameters: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return *parameters* by name; what may stand once and stands twice is refused."""
    names = [name for name, _value in parameters]
    if any(names.count(name) > 1 for name in _ONCE_ONLY):
        raise Refused(BAD_REQUEST, detail="A parameter of the callback stands twice.")
    return dict(parameters)


def check_issuer(provider: Provider, answer: Mapping[str, str]) -> None:
    """Refuse an answer of another issuer, errors included, before its code goes anywhere."""
    iss = answer.get("iss")
    if iss is None and provider.metadata().authorization_response_iss_parameter_supported:
        raise Refused(LOGIN_FAILED, hint="callback: iss is missing though advertised")
    if iss is not None and iss != provider.issuer:
        raise Refused(LOGIN_FAILED, hint="callback: iss is another issuer's")


def require_code(answer: Mapping[str, str]) -> str:
    """Return the code; raises `Refused` where the answer says no or has none."""
    error = answer.get("error")
    if error == "access_denied":
        raise Refused(LOGIN_DENIED, hint="provider: access_denied")
    if error is not None:
        raise Refused(LOGIN_FAILED, hint=f"provider: {error[:64]!r}")
    code = answer.get("code")
    if not code:
        raise Refused(LOGIN_FAILED, hint="callback: code is missing")
    return code
