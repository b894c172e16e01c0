"""What a call may go upstream with: whose token, and which session's.

Spec: RFC 10017 §6.1; RFC 6750 §2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bff.problems import LOGIN_REQUIRED, STEP_UP_REQUIRED, Refused
from bff.proxy.challenge import find_step_up
from bff.proxy.routes import Route, TokenKind

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from bff.proxy.call import Call
    from bff.proxy.exchange import Exchange
    from bff.proxy.relay import RequestBody
    from bff.proxy.session_reader import SessionReader
    from bff.sessions.model import BoundToken, Ticket, TokenSet

    FreshSetFor = Callable[[Ticket, TokenSet, str], Awaitable[TokenSet]]
    ClientTokenFor = Callable[[str], Awaitable[BoundToken]]
    ReplacementFor = Callable[[Ticket, TokenSet, str], Awaitable[TokenSet | None]]


class Authority(NamedTuple):
    """What a call goes upstream with: a token, the session's own tokens, and its ticket.

    Attributes:
        ticket: only where the token is the visitor's own and can be replaced.
        session: whose end is the end of streams and WebSockets.
    """

    token: BoundToken | None = None
    tokens: TokenSet | None = None
    ticket: Ticket | None = None
    session: Ticket | None = None

    def __repr__(self) -> str:
        return f"Authority(ticket={self.ticket!r})"


_NOBODY = Authority()


class Authorities:
    """Finds the authority of a call; used from a worker's event loop alone."""

    def __init__(
        self,
        reader: SessionReader,
        *,
        fresh_set_for: FreshSetFor,
        is_fresh: Callable[[TokenSet, str], bool],
        client_token_for: ClientTokenFor,
        replacement_for: ReplacementFor,
        tell_step_up: Callable[[Ticket, str], None],
        login_url: str = "/bff/login",
    ) -> None:
        """Join the parts.

        Args:
            reader: reads the session behind a ticket.
            fresh_set_for: the session's tokens with a valid one for a target; refreshes where due.
            is_fresh: whether the session's token for a target needs no refresh.
            client_token_for: the gateway's own token for a target.
            replacement_for: the session's tokens after a refresh for a target, None where there
                are none to be had.
            tell_step_up: told a session and the address of the sign-in that a service wants of it.
            login_url: where a step up begins.
        """
        self._reader = reader
        self._fresh_set_for = fresh_set_for
        self._is_fresh = is_fresh
        self._client_token_for = client_token_for
        self._replacement_for = replacement_for
        self._tell_step_up = tell_step_up
        self._login_url = login_url

    def ask_now(self, ticket: Ticket) -> asyncio.Future[Any] | None:
        """Ask for the session of *ticket*; None where `find` has to."""
        return self._reader.ask_now(ticket)

    def from_answer(self, ticket: Ticket, route: Route, answer: object) -> Authority | None:
        """Return what `find` would for a visitor's own token; None where it has to do more."""
        tokens = self._reader.from_answer(ticket, answer)
        if tokens is None or not self._is_fresh(tokens, route.audience):
            return None
        return Authority(tokens.bound_token(route.audience), tokens, ticket, ticket)

    async def find(
        self, call: Call, route: Route, read_ticket: Callable[[], Ticket | None]
    ) -> Authority:
        """Return the access token that *route* asks for, and whose; may raise our refusals."""
        if route.token is TokenKind.NONE:
            return _NOBODY
        ticket = read_ticket()
        tokens = None if ticket is None else await self._reader.load(ticket)
        if ticket is None or tokens is None:
            if route.token is TokenKind.USER_OR_NONE:
                return _NOBODY
            raise Refused(LOGIN_REQUIRED)
        call.sid = ticket.fingerprint
        if route.token is TokenKind.CLIENT:
            return Authority(await self._client_token_for(route.audience), tokens, session=ticket)
        tokens = await self._fresh_set_for(ticket, tokens, route.audience)
        return Authority(tokens.bound_token(route.audience), tokens, ticket, ticket)

    async def replace(
        self, exchange: Exchange, route: Route, authority: Authority, body: RequestBody
    ) -> Authority | None:
        """Return another authority to repeat a refused call with, or None to pass the 401 on.

        One refresh and one repetition (F-43), and only where the body is not already spent.

        Raises:
            Refused: ``step_up_required``; the upstream wants another sign-in, not another token.
        """
        ticket, tokens = authority.ticket, authority.tokens
        if ticket is None or tokens is None:
            return None
        self.require_no_step_up(exchange, authority)
        if body.length:
            return None
        renewed = await self._replacement_for(ticket, tokens, route.audience)
        if renewed is None or route.audience not in renewed.access_tokens:
            return None
        return Authority(renewed.bound_token(route.audience), renewed, ticket, ticket)

    def require_no_step_up(self, exchange: Exchange, authority: Authority) -> None:
        """Pass unless a 401 asks for another sign-in; then `Refused` with ``step_up_required``."""
        step_up = find_step_up(exchange.headers)
        if authority.ticket is None or step_up is None:
            return
        exchange.close()
        login_url = step_up.login_url(self._login_url)
        self._tell_step_up(authority.ticket, login_url)
        raise Refused(STEP_UP_REQUIRED, members={"login_url": login_url})
