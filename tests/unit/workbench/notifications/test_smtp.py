"""Letters of the workbench over SMTP, to a real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.mail_server import (
    PASSWORD,
    Desk,
    authenticated,
    certificate,
    message,
    octets,
    served,
)
from tests.support.ports import free_port
from workbench.notifications.mail import NotSent, Smtp

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[..., tuple[Desk, int]]

__all__ = ["certificate", "served"]
HOST = "127.0.0.1"


@pytest.fixture
def trusted(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine trust the server, as it does those with a public certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


@pytest.mark.usefixtures("trusted")
def test_a_letter_goes_over_starttls_with_credentials(
    served: Serve, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """Nothing is said before the line is encrypted."""
    desk, port = served(
        tls_context=certificate[1],
        require_starttls=True,
        authenticator=authenticated,
        auth_required=True,
    )
    Smtp(HOST, port, "starttls", "u", PASSWORD).send(message(text="你好\n"))
    [(encrypted, known, envelope)] = desk.taken
    assert (encrypted, known) == (True, True)
    assert envelope.rcpt_tos == ["ada@example.org"]
    assert "\n" in octets(envelope).decode("utf-8", "replace")


@pytest.mark.usefixtures("trusted")
def test_a_letter_goes_over_tls_from_the_first_byte(
    served: Serve, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """Port 465's way."""
    desk, port = served(ssl_context=certificate[1])
    Smtp(HOST, port, "tls").send(message())
    assert len(desk.taken) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_is_not_known_or_offers_nothing_gets_nothing(
    served: Serve, certificate: tuple[Path, ssl.SSLContext], security: str
) -> None:
    """No letter crosses the net in the clear, or to whoever says to be the server."""
    options = {"ssl_context": certificate[1]} if security == "tls" else {}
    desk, port = served(**options)
    with pytest.raises(NotSent):
        Smtp(HOST, port, security).send(message())  # type: ignore[arg-type] # from the table
    assert desk.taken == []


def test_a_refusal_is_told_without_names(served: Serve) -> None:
    """And whoever is not there is no letter's end either."""
    desk, port = served()
    desk.recipient = "550 no such mailbox"
    for at in (port, free_port()):
        with pytest.raises(NotSent) as caught:
            Smtp(HOST, at, "none").send(message())
        assert "ada" not in str(caught.value)
