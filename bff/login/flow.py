"""Signing in, step by step: leave with a sealed attempt, come back, and only then be somebody.

Nothing is written before the provider's answer has passed every check, and a failure leaves the
session that this browser already has untouched.

Spec: OIDC Core §3.1.2, §3.1.3; RFC 9207; RFC 9700 §2.1, §4.4, §4.5.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bff import events
from bff.login.answer import NOT_SIGNED_IN, check_issuer, require_code, single_values
from bff.login.identity import PROTOCOL_CLAIMS, identify
from bff.login.recent import Start
from bff.login.return_to import HOME
from bff.login.transaction import Transaction, new_secret
from bff.problems import (
    BAD_REQUEST,
    LOGIN_EXPIRED,
    LOGIN_FAILED,
    LOGIN_LOOP,
    Refused,
    Unavailable,
)
from bff.sessions.model import DEFAULT_AUDIENCE, Device, SessionRecord, Ticket, TokenSet
from bff.tokens.wire import GrantRefused
from httpkit.events import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bff.login.logout import Logout
    from bff.login.once import RedeemedStates
    from bff.login.recent import RecentLogins
    from bff.login.transaction import TransactionCookies
    from bff.metrics import BffMetrics
    from bff.sessions.model import Session
    from bff.sessions.news import SessionNews
    from bff.sessions.store import SessionStore
    from bff.tokens.provider import Provider

log = get_logger()


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """What the page asks of a login, checked; empty values ask nothing."""

    provider: str | None = None
    return_to: str = HOME
    prompt: str | None = None
    login_hint: str | None = None
    max_age_s: int | None = None
    acr_values: tuple[str, ...] = ()
    ui_locales: str | None = None


@dataclass(frozen=True, slots=True)
class StartedLogin:
    """Where to send the browser, and the cookies that remember why."""

    authorization_url: str
    set_cookies: Sequence[str]


@dataclass(frozen=True, slots=True)
class CompletedLogin:
    """Where the visitor wanted to go, the cookies to set, and a new session's ticket.

    No ticket where a silent sign-in found nobody: then nothing has changed.
    """

    ticket: Ticket | None
    return_to: str
    set_cookies: Sequence[str]


class CameAgain(Refused):
    """A callback that this browser has brought before, or brings late: nothing comes of it.

    Attributes:
        start: the attempt; *done* if it became a session in this browser, else it is for a new one.
    """

    def __init__(self, start: Start) -> None:
        super().__init__(LOGIN_EXPIRED, hint="this browser's callback came late or twice")
        self.start = start


class LoginFlow:
    """Starts and completes logins at any of the providers."""

    def __init__(
        self,
        *,
        providers: Mapping[str, Provider],
        attempts: TransactionCookies,
        recent: RecentLogins,
        states: RedeemedStates,
        store: SessionStore,
        logout: Logout,
        absolute_ttl_s: int,
        metrics: BffMetrics,
        news: SessionNews,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._providers = providers
        self._attempts = attempts
        self._recent = recent
        self._states = states
        self._store = store
        self._logout = logout
        self._absolute_ttl_s = absolute_ttl_s
        self._metrics = metrics
        self._news = news
        self._clock = clock

    def start(
        self,
        wanted: LoginRequest,
        previous: Ticket | None,
        cookies: Sequence[tuple[str, str]],
    ) -> StartedLogin:
        """Return where the browser goes to sign in.

        Raises:
            Refused: ``bad_request``, no such provider; ``login_loop``, this browser signs in round
                and round; ``login_failed``, the provider does not take
                the request that was pushed to it.
            Unavailable: the provider's metadata cannot be had, or it takes no request now.
        """
        provider = self._provider(wanted.provider)
        if self._recent.is_loop(cookies):
            # Told once: whoever starts again from the page means it.
            log.warning(events.LOGIN_LOOP_BROKEN, provider=provider.name)
            raise Refused(LOGIN_LOOP, headers={"Set-Cookie": self._recent.forget()})
        attempt = Transaction(
            provider=provider.name,
            state=new_secret(),
            nonce=new_secret(),
            code_verifier=new_secret(),
            return_to=wanted.return_to,
            started_at=self._clock(),
            max_age_s=wanted.max_age_s,
            acr_values=wanted.acr_values,
            previous_ticket=previous.encode() if previous is not None else None,
            silent=wanted.prompt == "none",
        )
        try:
            url = provider.authorization_url(
                code_verifier=attempt.code_verifier,
                parameters=_authorization_parameters(wanted, attempt, provider),
            )
        except GrantRefused as refusal:
            hint = f"pushed request refused: {refusal.error}"
            raise Refused(LOGIN_FAILED, hint=hint) from refusal
        log.info(events.LOGIN_STARTED, provider=provider.name)
        remembered = self._recent.started(
            cookies, state=attempt.state, provider=provider.name, return_to=attempt.return_to
        )
        return StartedLogin(url, [*self._attempts.issue(attempt, cookies), remembered])

    def complete(
        self,
        provider_name: str,
        parameters: Sequence[tuple[str, str]],
        cookies: Sequence[tuple[str, str]],
        device: Device,
    ) -> CompletedLogin:
        """Return the new session that the callback's *parameters* lead to.

        Raises:
            CameAgain: this browser brought it before, or brings it late.
            Refused: the answer is not one to this browser's attempt, says no, or is not valid.
                The attempt is spent.
            Unavailable: the provider or the store gives no answer; the attempt may be repeated.
        """
        answer = single_values(parameters)
        state = answer.get("state", "")
        attempt = self._attempts.find(state, cookies)
        if attempt is None or attempt.provider != provider_name:
            start = self._recent.find(cookies, state, provider_name)
            if start is not None:
                log.info(events.LOGIN_CAME_AGAIN, provider=provider_name, done=start.done)
                raise CameAgain(start)
            raise Refused(LOGIN_EXPIRED, hint="no attempt of this browser has this state")
        spent_cookie = self._attempts.expire(attempt.state)
        try:
            if self._finds_nobody(attempt, answer):
                return self._completed(attempt, None, cookies)
            ticket = self._redeem(attempt, answer, device)
        except Refused as refusal:
            refusal.headers = {**refusal.headers, "Set-Cookie": spent_cookie}
            self._metrics.logins.labels(provider_name, refusal.problem.code).inc()
            log.info(events.LOGIN_FAILED, provider=provider_name, hint=refusal.hint)
            raise
        except Unavailable as outage:
            self._metrics.logins.labels(provider_name, outage.problem.code).inc()
            raise
        return self._completed(attempt, ticket, cookies)

    def _completed(
        self, attempt: Transaction, ticket: Ticket | None, cookies: Iterable[tuple[str, str]]
    ) -> CompletedLogin:
        outcome = "not_signed_in" if ticket is None else "completed"
        self._metrics.logins.labels(attempt.provider, outcome).inc()
        remembered = self._recent.completed(cookies, attempt.state, done=ticket is not None)
        set_cookies = (self._attempts.expire(attempt.state), remembered)
        return CompletedLogin(ticket, attempt.return_to, set_cookies)

    def _finds_nobody(self, attempt: Transaction, answer: Mapping[str, str]) -> bool:
        """Return whether a silent sign-in ends without anybody, which is no failure."""
        error = answer.get("error")
        if not attempt.silent or error not in NOT_SIGNED_IN:
            return False
        check_issuer(self._provider(attempt.provider), answer)
        log.info(events.LOGIN_NOT_SIGNED_IN, provider=attempt.provider, error=error)
        return True

    def _provider(self, name: str | None) -> Provider:
        if name is None:
            return next(iter(self._providers.values()))
        provider = self._providers.get(name)
        if provider is None:
            raise Refused(BAD_REQUEST, detail="There is no such provider.")
        return provider

    def _redeem(self, attempt: Transaction, answer: Mapping[str, str], device: Device) -> Ticket:
        provider = self._provider(attempt.provider)
        check_issuer(provider, answer)
        code = require_code(answer)
        if not self._states.redeem(attempt.state):
            # A double click: this browser never saw what came of the first (S-023).
            raise CameAgain(Start(b"", attempt.provider, attempt.return_to, attempt.started_at))
        try:
            return self._create_session(provider, attempt, code, device)
        except (Refused, Unavailable):
            # Nothing was kept of this attempt. After an outage it may be repeated; after a
            # refusal its cookie is spent, and the provider's code with it.
            with suppress(Unavailable):
                self._states.restore(attempt.state)
            raise

    def _create_session(
        self, provider: Provider, attempt: Transaction, code: str, device: Device
    ) -> Ticket:
        try:
            proof_key = provider.new_proof_key()
            reply = provider.exchange_code(
                code=code, code_verifier=attempt.code_verifier, proof_key=proof_key
            )
        except GrantRefused as refusal:
            raise Refused(LOGIN_FAILED, hint=f"code refused: {refusal.error}") from refusal
        claims = identify(provider, attempt, reply, proof_key)
        previous = self._logout.find_previous(attempt.previous_ticket)
        record = _kept_by_same_person(self._record(provider, claims), previous)
        tokens = TokenSet(
            generation=1,
            provider=provider.name,
            sub=record.sub,
            access_tokens={DEFAULT_AUDIENCE: reply.access_token},
            refresh_token=reply.refresh_token,
            id_token=reply.id_token,
            proof_key=reply.bound_to(proof_key).proof_key,
        )
        ticket = self._store.create(record, tokens, device)
        if previous is not None:
            self._logout.end_previous(previous)
        self._news.begun(ticket, record)
        return ticket

    def _record(self, provider: Provider, claims: Mapping[str, Any]) -> SessionRecord:
        now = self._clock()
        sid = claims.get("sid")
        return SessionRecord(
            provider=provider.name,
            iss=provider.issuer,
            sub=claims["sub"],
            sid=sid if isinstance(sid, str) else None,
            claims={name: claims[name] for name in claims.keys() - PROTOCOL_CLAIMS},
            created_at=now,
            authenticated_at=float(claims.get("auth_time") or now),
            absolute_expires_at=now + self._absolute_ttl_s,
        )


def _kept_by_same_person(record: SessionRecord, previous: Session | None) -> SessionRecord:
    """Return *record* with what `flask.session` held for the same person before.

    A stronger sign-in must not empty the cart; another person's is never handed on.
    """
    if previous is None or (previous.record.iss, previous.record.sub) != (record.iss, record.sub):
        return record
    return msgspec.structs.replace(record, flask=previous.record.flask)


def _authorization_parameters(
    wanted: LoginRequest, attempt: Transaction, provider: Provider
) -> dict[str, str]:
    parameters = {
        "state": attempt.state,
        "nonce": attempt.nonce,
        "prompt": wanted.prompt,
        "login_hint": wanted.login_hint,
        "max_age": None if wanted.max_age_s is None else str(wanted.max_age_s),
        "acr_values": " ".join(wanted.acr_values),
        "ui_locales": wanted.ui_locales,
        "resource": provider.settings.resource,
    }
    return {name: value for name, value in parameters.items() if value}
