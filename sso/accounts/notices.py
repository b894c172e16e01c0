"""Notices: whoever owns an account hears of each change to what keeps others out.

Written in the transaction of the change, so that nobody can make one unheard.

Spec: ASVS 6.3.7; NIST 800-63B §4.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sso.mail.letters import NOTICE
from sso.storage.people import User

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from sso.mail.postbox import Postbox

PASSWORD_CHANGED: Final = "password_changed"
EMAIL_CHANGED: Final = "email_changed"
TOTP_ENROLLED: Final = "totp_enrolled"
TOTP_REMOVED: Final = "totp_removed"
PASSKEY_ADDED: Final = "passkey_added"
PASSKEY_REMOVED: Final = "passkey_removed"
RECOVERY_CODES_MADE: Final = "recovery_codes_made"
RECOVERY_CODE_USED: Final = "recovery_code_used"
FACTORS_RESET: Final = "factors_reset"
ACCOUNT_DELETED: Final = "account_deleted"
ALL: Final = (
    PASSWORD_CHANGED,
    EMAIL_CHANGED,
    TOTP_ENROLLED,
    TOTP_REMOVED,
    PASSKEY_ADDED,
    PASSKEY_REMOVED,
    RECOVERY_CODES_MADE,
    RECOVERY_CODE_USED,
    FACTORS_RESET,
    ACCOUNT_DELETED,
)


class Notices:
    """Writes them."""

    def __init__(self, postbox: Postbox, *, issuer: str) -> None:
        self._postbox = postbox
        self._issuer = issuer

    def add(self, session: Session, sub: str, what: str, *, to: str | None = None) -> None:
        """Tell *sub* of *what* in the caller's transaction; *to* is another address than theirs."""
        user = session.get(User, sub)
        if user is None:
            return
        self._postbox.add(
            session,
            NOTICE,
            to or user.email,
            what=what,
            username=user.username,
            service=self._issuer,
        )
