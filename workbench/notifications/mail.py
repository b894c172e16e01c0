"""Ways for a letter to leave: an SMTP server, or a folder that a person can look into."""

from __future__ import annotations

import os
import secrets
import smtplib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

_WAIT_S = 20
_PRIVATE = 0o600


class NotSent(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The letter did not leave; the words name no person."""


class Transport(Protocol):
    """Takes a letter away."""

    def send(self, letter: EmailMessage) -> None:
        """Return once *letter* is somebody else's to deliver.

        Raises:
            NotSent: it is still ours.
        """


@dataclass(frozen=True, slots=True)
class Outbox:
    """Puts each letter into a file of its own, for a machine without a mail server."""

    folder: Path

    def send(self, letter: EmailMessage) -> None:
        """Write the file in one step: a reader sees all of it or nothing."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = secrets.token_hex(8)
            fresh = self.folder / f".{name}"
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(fd, "wb") as file:
                file.write(letter.as_bytes())
            fresh.replace(self.folder / f"workbench-{name}.eml")
        except OSError as error:
            raise NotSent(f"{type(error).__name__}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Smtp:
    """Hands each letter to a server, over TLS unless told otherwise."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def send(self, letter: EmailMessage) -> None:
        """Hand it over; each step has its time."""
        try:
            with self._connect() as server:
                if self.username is not None and self.password is not None:
                    server.login(self.username, self.password)
                server.send_message(letter)
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_WAIT_S, context=tls)
        server = smtplib.SMTP(self.host, self.port, timeout=_WAIT_S)
        if self.security == "starttls":
            try:
                # Raises where the server offers none: a letter never crosses the net in the clear.
                server.starttls(context=tls)
            except BaseException:
                server.close()
                raise
        return server
