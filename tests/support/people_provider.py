"""A fake provider that knows several people: whose each token is, and how often it was shown."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING

from tests.support.fake_provider import FakeProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.upstream import Answer, Received

SignIn = tuple[str, str]  # sub and sid


class PeopleProvider(FakeProvider):
    """Every code and refresh token belongs to one person's sign-in, and so does its reply."""

    def __init__(self) -> None:
        super().__init__()
        self._one_at_a_time = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Start a new story."""
        self.server.received.clear()
        self._sign_ins: dict[str, SignIn] = {}
        self._shown: Counter[str] = Counter()
        self._allowed: Counter[str] = Counter()
        self._failures: list[BaseException] = []
        self._acts.clear()

    def authorize_as(self, authorization_url: str, sub: str, sid: str) -> list[tuple[str, str]]:
        """Approve as *sub*; return the callback's parameters."""
        answer = self.authorize(authorization_url)
        self._sign_ins[dict(answer)["code"]] = (sub, sid)
        return answer

    def sign_in_by_hand(self, sub: str, sid: str, access_token: str) -> str:
        """Return the refresh token of a sign-in that began elsewhere, with *access_token*."""
        refresh_token = self.new_refresh_token()
        self._sign_ins |= dict.fromkeys((refresh_token, access_token), (sub, sid))
        return refresh_token

    def after(self, between: Callable[[], None]) -> Callable[[Received], Answer]:
        """Return an act that answers rightly once *between* has happened."""

        def act(received: Received) -> Answer:
            try:
                between()
            except BaseException as failure:  # noqa: BLE001 - told in the test's own thread
                self._failures.append(failure)
            return self.answers_rightly(received)

        return act

    def raise_failures(self) -> None:
        """Raise what went wrong in an act."""
        failures, self._failures = self._failures, []
        for failure in failures:
            raise failure

    def expect_again(self, refresh_token: str | None) -> None:
        """Let *refresh_token* be shown once more than once: a reply to it is lost or late."""
        self._allowed[str(refresh_token)] += 1

    def rotate_unheard(self, refresh_token: str | None) -> None:
        """Redeem *refresh_token* for somebody who dies before hearing of it."""
        self._token({"grant_type": "refresh_token", "refresh_token": str(refresh_token)})

    def issued_to(self, token: str | None) -> str | None:
        """Return whose *token* is."""
        return self._sign_ins.get(str(token), ("", ""))[0] or None

    def all_issued(self) -> list[str]:
        """Return every code and token."""
        return list(self._sign_ins)

    def shown_too_often(self) -> list[str]:
        """Return the refresh tokens that were redeemed more often than anything explains."""
        return [token for token, times in self._shown.items() if times > 1 + self._allowed[token]]

    def _token(self, form: dict[str, str], thumbprint: str | None = None) -> Answer:
        given = form.get("refresh_token") or form.get("code", "")
        if "refresh_token" in form:
            self._shown[given] += 1
        with self._one_at_a_time:  # whose token is made is known to the whole provider
            sign_in = self.sub, self.claims["sid"] = self._sign_ins[given]
            answer = super()._token(form, thumbprint)
        reply = json.loads(answer.body)
        for name in ("access_token", "refresh_token", "id_token"):
            if name in reply:
                self._sign_ins[reply[name]] = sign_in
        return answer
