"""Ways for a message to leave: an SMTP server, or a folder that a person can look into."""

from __future__ import annotations

import os
import smtplib
import ssl
from typing import TYPE_CHECKING, Protocol

from sso.storage.digests import new_id

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from sso.settings import Mail

_PRIVATE = 0o600
_PERMANENT = 500


class NotSent(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The message did not leave. The words are for the log and name no person.

    Attributes:
        for_good: whether trying again would be of no use.
    """

    def __init__(self, words: str, *, for_good: bool = False) -> None:
        super().__init__(words)
        self.for_good = for_good


class Transport(Protocol):
    """Takes a message away."""

    def send(self, message: EmailMessage) -> None:
        """Return once the message is somebody else's to deliver.

        Raises:
            NotSent: it is still ours.
        """


class Folder:
    """Puts each message into a file of its own, for a machine without a mail server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        """Write the file in one step; a reader sees all of it or nothing."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._folder / f".{new_id()}"
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
            with os.fdopen(fd, "wb") as file:
                file.write(message.as_bytes())
            stamp = message["Date"].datetime.strftime("%Y%m%dT%H%M%S")
            fresh.replace(self._folder / f"{stamp}-{new_id()[:8]}.eml")
        except OSError as error:
            raise NotSent(f"{type(error).__name__}: {error.strerror}") from error


class Smtp:
    """Hands each message to a server, over TLS unless told otherwise."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings
        self._tls = ssl.create_default_context(cafile=settings.ca_file)

    def send(self, message: EmailMessage) -> None:
        """Hand it over within the time that the settings allow for each step."""
        try:
            with self._connect() as server:
                self._sign_in(server)
                if server.has_extn("8bitmime"):
                    server.send_message(message, mail_options=["BODY=8BITMIME"])
                else:
                    message.policy = message.policy.clone(cte_type="7bit")
                    server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _words in error.recipients.values()}
            raise NotSent(
                f"recipient refused: {codes}", for_good=min(codes) >= _PERMANENT
            ) from None
        except smtplib.SMTPResponseException as error:
            # Only a message is refused for good; wrong credentials are the operator's to mend.
            refused = isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused)
            for_good = refused and error.smtp_code >= _PERMANENT
            words = f"{type(error).__name__} {error.smtp_code}"
            raise NotSent(words, for_good=for_good) from None
        except smtplib.SMTPNotSupportedError as error:
            raise NotSent(f"not supported by the server: {error}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(type(error).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        host, port, wait_s = settings.smtp_host or "", settings.smtp_port, settings.timeout_s
        if settings.security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=wait_s, context=self._tls)
        server = smtplib.SMTP(host, port, timeout=wait_s)
        if settings.security == "starttls":
            try:
                # Raises where the server offers none: a link never crosses the net in the clear.
                server.starttls(context=self._tls)
            except BaseException:
                server.close()
                raise
        return server

    def _sign_in(self, server: smtplib.SMTP) -> None:
        settings = self._settings
        if settings.username is not None and settings.password is not None:
            server.login(settings.username, settings.password.get_secret_value())


def transport_of(settings: Mail) -> Transport:
    """Return the way that *settings* name."""
    return Smtp(settings) if settings.smtp_host else Folder(settings.outbox)
