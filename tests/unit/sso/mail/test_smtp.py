"""Letters over SMTP, to a real server: encrypted, signed in, and again where it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sso.mail.transports import NotSent, Smtp
from sso.settings import Mail
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

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["certificate", "served"]


def smtp(port: int, **settings: object) -> Smtp:
    """Return the transport of *settings*."""
    given = {"smtp_host": "127.0.0.1", "smtp_port": port, "timeout_s": 20.0, **settings}
    return Smtp(Mail.model_validate(given))


def test_a_message_goes_over_starttls_with_credentials(
    served: Callable[..., tuple[Desk, int]], certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """Nothing is said before the line is encrypted and the server known."""
    pem, context = certificate
    desk, port = served(
        tls_context=context,
        require_starttls=True,
        authenticator=authenticated,
        auth_required=True,
    )
    smtp(port, ca_file=pem, username="u", password=PASSWORD).send(message(text="你好\n"))
    [(encrypted, known, envelope)] = desk.taken
    assert encrypted
    assert known
    assert envelope.rcpt_tos == ["ada@example.org"]
    assert "你好".encode() in octets(envelope)


def test_a_message_goes_over_tls_from_the_first_byte(
    served: Callable[..., tuple[Desk, int]], certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """Port 465's way."""
    pem, context = certificate
    desk, port = served(ssl_context=context)
    smtp(port, ca_file=pem, security="tls").send(message())
    assert len(desk.taken) == 1


def test_a_server_without_starttls_gets_nothing(served: Callable[..., tuple[Desk, int]]) -> None:
    """A link never crosses the net in the clear because somebody took an offer away."""
    desk, port = served()
    with pytest.raises(NotSent) as caught:
        smtp(port).send(message())
    assert not caught.value.for_good
    assert desk.taken == []


def test_a_server_that_is_another_gets_nothing(
    served: Callable[..., tuple[Desk, int]], certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """Its certificate is of nobody we know."""
    desk, port = served(ssl_context=certificate[1])
    with pytest.raises(NotSent):
        smtp(port, security="tls").send(message())
    assert desk.taken == []


@pytest.mark.parametrize(
    ("where", "answer", "for_good"),
    [
        ("recipient", "550 no such mailbox", True),
        ("recipient", "450 try again", False),
        ("answer", "554 not that", True),
        ("answer", "451 try again", False),
    ],
)
def test_a_refusal_is_for_good_or_for_now(
    served: Callable[..., tuple[Desk, int]], where: str, answer: str, *, for_good: bool
) -> None:
    """As the server says; its words about a person stay out of ours."""
    desk, port = served()
    setattr(desk, where, answer)
    with pytest.raises(NotSent) as caught:
        smtp(port, security="none").send(message())
    assert caught.value.for_good is for_good
    assert "ada" not in str(caught.value)


def test_wrong_credentials_wait_for_the_operator(
    served: Callable[..., tuple[Desk, int]], certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """No letter is lost by a mistyped password, and it is in no words."""
    pem, context = certificate
    _desk, port = served(tls_context=context, authenticator=authenticated, auth_required=True)
    with pytest.raises(NotSent) as caught:
        smtp(port, ca_file=pem, username="u", password="wrong-secret").send(message())
    assert not caught.value.for_good
    assert "wrong-secret" not in str(caught.value)


def test_nobody_there_is_for_now() -> None:
    """The row waits."""
    with pytest.raises(NotSent) as caught:
        smtp(free_port()).send(message())
    assert not caught.value.for_good


def test_an_old_server_gets_seven_bits(served: Callable[..., tuple[Desk, int]]) -> None:
    """What it cannot carry is encoded."""
    desk, port = served(decode_data=True)
    smtp(port, security="none").send(message(text="你好\n"))
    assert octets(desk.taken[0][2]).isascii()
