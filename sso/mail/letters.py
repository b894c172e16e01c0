"""What a letter says: one plain-text template a kind, in the language of whoever gets it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Final

import msgspec
from flask_babel import force_locale

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

VERIFY: Final = "verify"
CHANGE: Final = "change"
RESET: Final = "reset"
NOTICE: Final = "notice"
# Not a letter yet: somebody typed an address, and whose it is is looked up beside the request.
RESET_ASKED: Final = "reset_asked"
# Lines as long as SMTP allows: a link stays whole, and whoever reads the file reads the text.
_POLICY: Final = SMTP.clone(max_line_length=998)


class Letter(msgspec.Struct, frozen=True):
    """A letter to *to*, of what is in the template of its *kind*."""

    kind: str
    to: str
    language: str
    facts: dict[str, str]

    def __repr__(self) -> str:
        return f"Letter({self.kind!r})"


class Writer:
    """Writes letters out."""

    def __init__(self, app: Flask, *, sender: str) -> None:
        self._app = app
        self._sender = sender

    def write(self, letter: Letter, *, at: datetime) -> EmailMessage:
        """Return the message; the first line of the template is its subject."""
        template = self._app.jinja_env.get_template(f"sso/mail/{letter.kind}.txt")
        with self._app.app_context(), force_locale(letter.language):
            text = template.render(letter.facts)
        subject, _, body = text.strip().partition("\n")
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = subject.strip()
        message["Date"] = format_datetime(at)
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].strip("> "))
        # Whatever answers by itself stays silent (RFC 3834 §5).
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(f"{body.strip()}\n")
        message["Content-Language"] = letter.language
        return message
