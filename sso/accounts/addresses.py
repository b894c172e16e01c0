"""E-mail addresses: proven by a link, changed once the new one is proven.

Spec: OIDC Core §5.1 (``email_verified``); ASVS 6.3.7; S-108.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import update

from sso.accounts.links import CHANGE, RESET, VERIFY, LinkGone, forget_links
from sso.accounts.notices import EMAIL_CHANGED
from sso.accounts.users import compared
from sso.mail import letters
from sso.storage.audit import record
from sso.storage.people import User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.accounts.links import Links, Opened
    from sso.accounts.notices import Notices
    from sso.clock import Clock
    from sso.mail.postbox import Postbox
    from sso.settings import Settings
    from sso.storage.engine import Storage
    from sso.throttle import Throttle

CONFIRM: Final = "/email/confirm"


class Addresses:
    """Sends the links and acts on them."""

    def __init__(
        self,
        storage: Storage,
        links: Links,
        postbox: Postbox,
        notices: Notices,
        throttle: Throttle,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._links = links
        self._postbox = postbox
        self._notices = notices
        self._throttle = throttle
        self._settings = settings
        self._clock = clock

    def send_verification(self, user: User, *, ip: str) -> None:
        """Send *user* a link that proves their address; asked for from *ip*.

        Raises:
            Throttled: enough letters went there, or were asked for from there.
            Unavailable: it cannot be counted or kept just now.
        """
        self._count(user.email, ip)
        self._send(user, VERIFY, user.email)

    def send_change(self, user: User, email: str, *, ip: str) -> None:
        """Send a link to *email* that makes it the address of *user*; until then nothing changes.

        Raises:
            Throttled: enough letters went there, or were asked for from *ip*.
            Unavailable: it cannot be counted or kept just now.
        """
        self._count(email, ip)
        self._send(user, CHANGE, email)

    def look(self, secret: str) -> Opened:
        """Return what the link would do.

        Raises:
            LinkGone: nothing.
        """
        return self._links.look(secret, VERIFY, CHANGE)

    def confirm(self, secret: str) -> Opened:
        """Do what the link is for, once.

        Raises:
            LinkGone: nothing was changed.
        """
        opened = self.look(secret)

        def work(session: Session) -> bool:
            if not self._links.use(session, secret):
                return False
            if opened.purpose == CHANGE:
                self._change(session, opened)
                return True
            return self._verify(session, opened)

        if not self._storage.write(work):
            raise LinkGone
        return opened

    def _verify(self, session: Session, opened: Opened) -> bool:
        # Only the address that the letter went to: it may have been changed meanwhile.
        verifying = (
            update(User)
            .where(User.sub == opened.user.sub, User.email == opened.email)
            .values(email_verified=True, updated_at=self._clock())
            .execution_options(synchronize_session=False)
        )
        if session.execute(verifying).rowcount != 1:  # type: ignore[attr-defined]
            return False
        record(session, self._clock(), "user.email_verified", f"user:{opened.user.sub}")
        return True

    def _change(self, session: Session, opened: Opened) -> None:
        user = session.get_one(User, opened.user.sub)
        self._notices.add(session, user.sub, EMAIL_CHANGED)  # to the address that it was
        user.email = opened.email
        user.email_key = compared(opened.email)
        user.email_verified = True
        user.updated_at = self._clock()
        # A link that lies in the old mailbox must not open the account any more.
        forget_links(session, user.sub, RESET, VERIFY)
        record(session, self._clock(), "user.email_changed", f"user:{user.sub}")

    def _count(self, email: str, ip: str) -> None:
        """Count a letter to whatever address somebody typed, for who asks and for who gets it.

        Apart from password links: accounts made with somebody's address must not use up the
        letters by which its owner gets back into theirs.
        """
        limits = self._settings.throttles
        self._throttle.take(
            "mail visitor", ip, limit=limits.mails_per_visitor, window_s=limits.window_s
        )
        self._throttle.take(
            "proof mail", compared(email), limit=limits.mails_per_address, window_s=limits.window_s
        )

    def _send(self, user: User, purpose: str, email: str) -> None:
        ttl_s = self._settings.lifetimes.email_link_s
        kind = letters.VERIFY if purpose == VERIFY else letters.CHANGE

        def work(session: Session) -> None:
            secret = self._links.make(session, purpose, user.sub, email, ttl_s=ttl_s)
            self._postbox.add(
                session,
                kind,
                email,
                ttl_s=ttl_s,
                username=user.username,
                link=f"{self._settings.origin}{CONFIRM}?token={secret}",
                hours=str(max(1, ttl_s // 3600)),
                service=self._settings.origin,
            )

        self._storage.write(work)
