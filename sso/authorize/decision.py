"""What comes next for a request: a pure function of the request, the person and their consent.

Spec: OIDC Core §3.1.2.1 and §3.1.2.3; A-40, A-41, A-43, A-51.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sso.accounts.assurance import satisfies
from sso.errors import (
    CONSENT_REQUIRED,
    INTERACTION_REQUIRED,
    LOGIN_REQUIRED,
    UNMET_AUTHENTICATION_REQUIREMENTS,
    OAuthError,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sso.accounts.sessions import SignedIn
    from sso.requests.model import AuthorizationRequest


@dataclass(frozen=True)
class AskSignIn:
    """The person signs in, or signs in anew."""


@dataclass(frozen=True)
class AskSecondStep:
    """The person, who is signed in, proves with something more that it is them."""


@dataclass(frozen=True)
class AskVerifiedEmail:
    """The person proves that they read their e-mail address."""


@dataclass(frozen=True)
class AskConsent:
    """The person is asked whether the client may have what it wants."""

    signed_in: SignedIn


@dataclass(frozen=True)
class IssueCode:
    """Everything is there."""

    signed_in: SignedIn


@dataclass(frozen=True)
class Refuse:
    """The client asked for what cannot be without showing a page."""

    error: OAuthError


Step = AskSignIn | AskSecondStep | AskVerifiedEmail | AskConsent | IssueCode | Refuse


def next_step(
    request: AuthorizationRequest,
    signed_in: SignedIn | None,
    *,
    consent_needed: bool,
    consented_at: datetime | None,
    now: datetime,
    verified_email_needed: bool = False,
) -> Step:
    """Return the next step.

    Args:
        request: what was asked.
        signed_in: who is there.
        consent_needed: whether this client must ask at all.
        consented_at: when consent that covers the request was last given.
        now: the present.
        verified_email_needed: whether this server lets nobody on whose address is not proven.
    """
    silent = "none" in request.prompt
    if signed_in is None or not _fresh_enough(request, signed_in, now):
        return (
            _login_required("nobody is signed in as the request needs") if silent else AskSignIn()
        )
    if request.hinted_sub not in {None, signed_in.user.sub}:
        # Somebody else signed in although asked: asking on and on would not bring the other.
        asked_before = _since_start(request, signed_in.auth_time)
        another = _login_required("another person is signed in")
        return another if silent or asked_before else AskSignIn()
    if step := _next_assurance(request, signed_in, verified_email_needed=verified_email_needed):
        return step
    if _must_consent(request, consent_needed=consent_needed, consented_at=consented_at):
        missing = Refuse(OAuthError(CONSENT_REQUIRED, "the person has not agreed yet"))
        return missing if silent else AskConsent(signed_in)
    return IssueCode(signed_in)


def _login_required(description: str) -> Refuse:
    return Refuse(OAuthError(LOGIN_REQUIRED, description))


def _fresh_enough(request: AuthorizationRequest, signed_in: SignedIn, now: datetime) -> bool:
    if _since_start(request, signed_in.auth_time):
        return True
    if {"login", "select_account"} & set(request.prompt):
        return False
    age_s = (now - signed_in.auth_time).total_seconds()
    return request.max_age_s is None or age_s <= request.max_age_s


def _next_assurance(
    request: AuthorizationRequest, signed_in: SignedIn, *, verified_email_needed: bool
) -> Step | None:
    """Return how whoever is signed in becomes as sure as the request needs, if they are not."""
    silent, settled = "none" in request.prompt, request.acr_waived or "none" in request.prompt
    # A wish: what cannot be asked is not refused, and `acr` tells what there was.
    wished = settled or satisfies(signed_in.acr, request.acr_values)
    needed = satisfies(signed_in.acr, request.needed_acrs)
    if not settled and not (wished and needed):
        return AskSecondStep()
    if not needed:  # `claims` calls it essential (OIDC Core §5.5.1.1)
        unmet = INTERACTION_REQUIRED if silent else UNMET_AUTHENTICATION_REQUIREMENTS
        return Refuse(OAuthError(unmet, "the sign-in is not of the acr that is needed"))
    if verified_email_needed and not signed_in.user.email_verified:
        unproven = "the person's e-mail address is not verified yet"
        return Refuse(OAuthError(INTERACTION_REQUIRED, unproven)) if silent else AskVerifiedEmail()
    return None


def _must_consent(
    request: AuthorizationRequest, *, consent_needed: bool, consented_at: datetime | None
) -> bool:
    if "consent" in request.prompt:
        return consented_at is None or not _since_start(request, consented_at)
    return consent_needed and consented_at is None


def _since_start(request: AuthorizationRequest, at: datetime) -> bool:
    """Return whether *at* is part of answering this very request."""
    return at.timestamp() >= request.started_at
