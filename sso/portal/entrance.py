"""The door: who proved enough is signed in, who proved half goes on to the second step."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sso.accounts.assurance import PASSWORD
from sso.requests.replies import see_other

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Response

    from sso.accounts.browser import Browser
    from sso.accounts.factors import Factors
    from sso.accounts.half_way import HalfWay
    from sso.grants.session_end import SessionEnd
    from sso.storage.people import User

SECOND_STEP = "/sign-in/second"


class Entrance:
    """Lets people in."""

    def __init__(
        self, browser: Browser, session_end: SessionEnd, factors: Factors, half_way: HalfWay
    ) -> None:
        self._browser = browser
        self._session_end = session_end
        self._factors = factors
        self._half_way = half_way

    def after_password(self, user: User, next_address: str) -> Response:
        """Return the way on for *user*, whose password was right: in, or to the second step."""
        if not self._factors.status(user.sub).required:
            return self.admit(user, next_address, amr=PASSWORD)
        response = see_other(f"{SECOND_STEP}?{urlencode({'next': next_address})}")
        self._half_way.begin(response, user)
        return response

    def admit(
        self,
        user: User,
        next_address: str,
        *,
        amr: tuple[str, ...],
        since: datetime | None = None,
    ) -> Response:
        """Return the way on for *user*, signed in from now on, or still *since* then."""
        response = see_other(next_address)
        replaced = self._browser.sign_in(response, user, amr=amr, since=since)
        if replaced is not None:
            self._session_end.end(replaced.session_id)
        self._half_way.end(response)
        return response
