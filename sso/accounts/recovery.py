"""A forgotten password: a link to the account's own address opens the way to another one.

Whoever asks gets the same answer after the same work, whether anybody has the address: the request
only writes down what was typed, and the lookup is the postman's (S-103).

An account whose address was never proven and that has a second factor gets no link: either its
owner mistyped the address, or somebody prepared the account for the address's owner to fall into
(S-108). An administrator helps.

Spec: ASVS 6.4.3; S-103, S-106 to S-108.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, update

from sso.accounts.links import RESET, LinkGone, forget_ways_in
from sso.accounts.notices import PASSWORD_CHANGED
from sso.accounts.users import compared
from sso.mail import letters
from sso.storage.audit import act_as, record
from sso.storage.factors import Passkey, Totp
from sso.storage.people import User
from sso.throttle import Throttled

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from sso.accounts.links import Links, Opened
    from sso.accounts.notices import Notices
    from sso.accounts.passwords import Passwords
    from sso.clock import Clock
    from sso.mail.letters import Letter
    from sso.mail.postbox import Postbox
    from sso.settings import Settings
    from sso.storage.engine import Storage
    from sso.throttle import Throttle

ADDRESS: Final = "/password/new"
_MAX_ACCOUNTS: Final = 5


class Recovery:
    """Sends the links and acts on them."""

    def __init__(
        self,
        storage: Storage,
        links: Links,
        postbox: Postbox,
        notices: Notices,
        passwords: Passwords,
        throttle: Throttle,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._links = links
        self._postbox = postbox
        self._notices = notices
        self._passwords = passwords
        self._throttle = throttle
        self._settings = settings
        self._clock = clock

    def ask(self, email: str, *, ip: str) -> None:
        """Note that somebody forgot the password of the account with *email*, if there is one.

        An address that was asked for too often gets no more letters for a while, and nobody is
        told: neither its owner's mailbox nor who asks can be used against them.

        Raises:
            Throttled: too many were asked for from *ip*.
            Unavailable: it cannot be counted or kept just now.
        """
        limits = self._settings.throttles
        self._throttle.take(
            "mail visitor", ip, limit=limits.mails_per_visitor, window_s=limits.window_s
        )
        try:
            self._throttle.take(
                "mail", compared(email), limit=limits.mails_per_address, window_s=limits.window_s
            )
        except Throttled:
            return
        self._storage.write(self.invite(email))

    def invite(self, email: str) -> Callable[[Session], None]:
        """Return what, in a transaction, has whoever reads *email* sent a link to choose one."""
        ttl_s = self._settings.lifetimes.password_link_s
        return lambda session: self._postbox.add(session, letters.RESET_ASKED, email, ttl_s=ttl_s)

    def prepare(self, session: Session, asked: Letter) -> None:
        """Write the letters that *asked* leads to: one for each account with the address."""
        ttl_s = self._settings.lifetimes.password_link_s
        query = (
            select(User)
            .where(User.email_key == compared(asked.to), User.disabled_at.is_(None))
            .order_by(User.email_verified.desc(), User.created_at)
            .limit(_MAX_ACCOUNTS)
        )
        for user in session.scalars(query).all():
            if not user.email_verified and _has_factor(session, user.sub):
                continue
            secret = self._links.make(session, RESET, user.sub, user.email, ttl_s=ttl_s)
            self._postbox.add(
                session,
                letters.RESET,
                # The address on file, not what was typed: look-alikes may compare equal.
                user.email,
                ttl_s=ttl_s,
                language=asked.language,
                username=user.username,
                link=f"{self._settings.origin}{ADDRESS}?token={secret}",
                minutes=str(max(1, ttl_s // 60)),
                service=self._settings.origin,
            )

    def look(self, secret: str) -> Opened:
        """Return whose password the link would change.

        Raises:
            LinkGone: nobody's.
        """
        return self._links.look(secret, RESET)

    def fault(self, user: User, password: str) -> str | None:
        """Return the code of what is wrong with *password* for *user*, or None."""
        return self._passwords.fault(password, about=(user.username, user.email))

    def reset(self, secret: str, password: str, *, also: Callable[[Session, str], None]) -> User:
        """Give the account that the link is of another password; return the account.

        *also* ends what was open under the old one, in the same transaction: a link is never used
        up with a thief's session still there.

        Raises:
            LinkGone: nothing was changed.
            Unavailable: the link is still good.
        """
        opened = self.look(secret)
        password_hash = self._passwords.hash(password)
        now, sub = self._clock(), opened.user.sub
        changing = (
            update(User)
            .where(User.sub == sub, User.email == opened.email, User.disabled_at.is_(None))
            # Whoever holds the link reads the address.
            .values(
                password_hash=password_hash,
                password_changed_at=now,
                email_verified=True,
                updated_at=now,
            )
            .execution_options(synchronize_session=False)
        )

        def work(session: Session) -> bool:
            used = self._links.use(session, secret)
            if not used or session.execute(changing).rowcount != 1:  # type: ignore[attr-defined]
                return False
            forget_ways_in(session, sub)
            record(session, now, "user.password_reset", f"user:{sub}")
            self._notices.add(session, sub, PASSWORD_CHANGED)
            also(session, sub)
            return True

        act_as(f"user:{sub}")
        if not self._storage.write(work):
            raise LinkGone
        return opened.user


def _has_factor(session: Session, sub: str) -> bool:
    passkeys = select(func.count()).select_from(Passkey).where(Passkey.sub == sub)
    return session.get(Totp, sub) is not None or bool(session.scalar(passkeys))
