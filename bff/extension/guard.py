"""What stands before a guarded view: our own page, a living session, its scopes, its strength.

The order is the gateway's: whether the request comes from our own page is judged before any
cookie is read, for ambient authority must not even be looked up for a foreign page.

Spec: RFC 10017 §6.1.3.3; W3C Fetch Metadata; RFC 9470; RFC 6750 §3.1.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from flask import g, request

from bff.extension.visitor import Visitor, visitor_of
from bff.factory import rule_of
from bff.problems import (
    CSRF_FAILED,
    INSUFFICIENT_SCOPE,
    STEP_UP_REQUIRED,
    Refused,
    Unavailable,
    login_required,
)
from bff.proxy.guard import require_no_foreign_origin
from bff.sessions.model import DEFAULT_AUDIENCE
from httpkit.answers import browser_navigates
from httpkit.csrf import FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bff.parts import Parts
    from bff.sessions.model import Session, TokenSet

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NOT_PARTS_OF_A_PAGE: Final = frozenset({"", "document", "empty"})
_TOUCH_AFTER_S: Final = 60
_DETAIL = "Send the form field `csrf_token`, or the header `X-CSRF: 1` from a script of this page."


class Guard:
    """Judges the request at hand for the views of one application."""

    def __init__(self, parts: Parts, *, clock: Callable[[], float] = time.time) -> None:
        self._parts = parts
        self._clock = clock
        self._idle_ttl_s = parts.shared.settings.session.idle_ttl_s
        self._require_no_foreign_page = rule_of(
            require_no_foreign_origin, parts.frontend.public_url
        )

    def find(self) -> Session | None:
        """Return the visitor's session or None; raises as `CurrentSession.find`."""
        return self._parts.current.find()

    def require_own_page(self) -> None:
        """Pass when the request was made by a page of ours, or is a navigation that only reads.

        Raises:
            Refused: ``csrf_failed``; ``login_required`` for a form of a session that is over.
        """
        if not self._judge_page():
            return
        session = self._parts.current.require()
        self._parts.forms.require(session.ticket, request.form[FIELD])

    def require_session(self) -> Session:
        """Return the session of a request that may be acted upon, and keep it from idling out.

        Raises:
            Refused: ``csrf_failed``, ``login_required``.
            Unavailable: Redis gives no answer. That is not the same as nobody.
        """
        if "cloakroom_guarded" in g:
            return self._parts.current.require()
        self.require_own_page()
        session = self._parts.current.require()
        g.cloakroom_guarded = True
        self._keep_awake(session)
        return session

    def visitor(self, session: Session) -> Visitor:
        """Return the visitor of *session*; raises as `TokenLifecycle.fresh_set`."""
        return visitor_of(session, self._scopes(session))

    def require_scopes(self, session: Session, scopes: Sequence[str]) -> None:
        """Pass when all *scopes* were granted, else `Refused` with ``insufficient_scope``."""
        if not self.visitor(session).has_scope(*scopes):
            raise Refused(INSUFFICIENT_SCOPE, members={"scope": " ".join(scopes)})

    def require_strength(self, session: Session, acr: Sequence[str], max_age_s: int | None) -> None:
        """Pass when the visitor proved themselves as strongly, and as lately, as asked.

        Raises:
            Refused: ``step_up_required`` with the address of the sign-in that would do.
        """
        record = session.record
        weak = bool(acr) and record.claims.get("acr") not in acr
        old = max_age_s is not None and self._clock() - record.authenticated_at > max_age_s
        if weak or old:
            wanted = {"acr_values": " ".join(acr), "max_age": max_age_s}
            query = urlencode({name: value for name, value in wanted.items() if value})
            login_url = f"{request.script_root}/bff/login?{query}"
            self._parts.step_ups.tell(session.ticket, login_url)
            raise Refused(STEP_UP_REQUIRED, members={"login_url": login_url})

    def _judge_page(self) -> bool:
        """Return whether a form's field is still to be judged; raises ``csrf_failed``."""
        safe = request.method in _SAFE
        if safe and browser_navigates():
            return False  # a link from elsewhere may lead to a page; it changes nothing
        self._require_no_foreign_page()
        if request.headers.get("X-CSRF") == "1":
            return False
        if safe and _is_part_of_our_page():
            return False
        if not safe and FIELD in request.form:
            return True
        raise Refused(CSRF_FAILED, detail=_DETAIL, hint="neither X-CSRF nor csrf_token")

    def _keep_awake(self, session: Session) -> None:
        """Slide the idle expiry, where enough of it has passed to be worth a write."""
        after_s = min(_TOUCH_AFTER_S, self._idle_ttl_s // 4)
        if session.expires_in_s <= self._idle_ttl_s - after_s:
            with suppress(Unavailable):
                self._parts.store.touch(session.ticket)

    def _scopes(self, session: Session) -> list[str]:
        tokens = self._with_default_token(session)
        token = tokens.access_token()
        if token is None:
            raise login_required("no access token to read scopes from")
        # Where a provider does not say, it granted what was asked for (RFC 6749 §5.1).
        provider = self._parts.providers.get(tokens.provider)
        asked = provider.settings.scopes if provider is not None else ()
        return token.scope.split() or list(asked)

    def _with_default_token(self, session: Session) -> TokenSet:
        if session.tokens.access_token(DEFAULT_AUDIENCE) is not None:
            return session.tokens
        tokens = self._parts.lifecycle.fresh_set(session.ticket, session.tokens)
        self._parts.current.adopt(session, tokens)
        return tokens


def _is_part_of_our_page() -> bool:
    """Return whether this is an image, a style or the like that our own page asks for.

    Nothing else than a browser's own word for it: such a request cannot carry a header of ours.
    """
    destination = request.headers.get("Sec-Fetch-Dest", "")
    site = request.headers.get("Sec-Fetch-Site")
    return site == "same-origin" and destination not in _NOT_PARTS_OF_A_PAGE
