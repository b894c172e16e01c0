"""How sure a sign-in is: what was shown (``amr``) and the level that it makes (``acr``).

Spec: RFC 8176; OIDC Core §2; A-42.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

PASSWORD_ACR: Final = "urn:cloakroom:acr:password"
SECOND_FACTOR_ACR: Final = "urn:cloakroom:acr:mfa"
# The weakest first.
ACR_VALUES: Final = (PASSWORD_ACR, SECOND_FACTOR_ACR)

PASSWORD: Final = ("pwd",)
_MFA: Final = "mfa"
_SECOND: Final = ("otp", _MFA)


def acr_of(amr: Collection[str]) -> str:
    """Return the level that *amr* makes."""
    return SECOND_FACTOR_ACR if _MFA in amr else PASSWORD_ACR


def with_code(amr: Collection[str]) -> tuple[str, ...]:
    """Return *amr* with an app's code beside it: two factors, and only what was shown."""
    return (*(each for each in amr if each not in _SECOND), *_SECOND)


def with_passkey(*, device_bound: bool) -> tuple[str, ...]:
    """Return the ``amr`` of a passkey: its holder was verified, so it is two factors by itself."""
    return ("hwk" if device_bound else "swk", "user", _MFA)


def satisfies(acr: str, wanted: Collection[str]) -> bool:
    """Return whether *acr* is as good as the weakest of *wanted* that exists here.

    Unknown values ask for nothing: ``acr_values`` is a wish (OIDC Core §3.1.2.1).
    """
    known = [ACR_VALUES.index(each) for each in wanted if each in ACR_VALUES]
    level = ACR_VALUES.index(acr) if acr in ACR_VALUES else 0
    return not known or level >= min(known)
