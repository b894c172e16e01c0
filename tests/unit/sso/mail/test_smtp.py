"""Letters over SMTP, to a real server: encrypted, signed in, and again where it failed."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sso.mail.transports import NotSent, Smtp
from sso.settings import Mail
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aiosmtpd import smtp as aiosmtpd_smtp

PASSWORD = "smtp-secret-of-a-test"


class Desk:
    """Takes what is sent; ``recipient`` and ``answer`` are said instead of yes where set."""

    def __init__(self) -> None:
        self.taken: list[tuple[bool, bool, Envelope]] = []
        self.recipient: str | None = None
        self.answer: str | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: aiosmtpd_smtp.SMTP,
        _session: Session,
        envelope: Envelope,
        to: str,
        _o: list[str],
    ) -> str:
        """Take or refuse a recipient."""
        if self.recipient:
            return self.recipient
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: aiosmtpd_smtp.SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take or refuse a message."""
        if self.answer:
            return self.answer
        self.taken.append((session.ssl is not None, bool(session.authenticated), envelope))
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1, and the context of a server that has its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return pem, context


@pytest.fixture
def served() -> Iterator[Callable[..., tuple[Desk, int]]]:
    """A function that starts a server with options, and returns its desk and port."""
    running: list[Controller] = []

    def start(**options: Any) -> tuple[Desk, int]:  # noqa: ANN401 - aiosmtpd's options
        desk = Desk()
        controller = Controller(desk, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return desk, controller.port

    yield start
    for each in running:
        each.stop()


def authenticated(
    _server: aiosmtpd_smtp.SMTP, _session: Session, _envelope: Envelope, _method: str, given: object
) -> AuthResult:
    """Let whoever has the password in."""
    right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)


def smtp(port: int, **settings: object) -> Smtp:
    """Return the transport of *settings*."""
    given = {"smtp_host": "127.0.0.1", "smtp_port": port, "timeout_s": 20.0, **settings}
    return Smtp(Mail.model_validate(given))


def message(to: str = "ada@example.org", text: str = "Hello\n") -> EmailMessage:
    """Return a message."""
    made = EmailMessage(policy=SMTP.clone(max_line_length=998))
    made["From"] = "Cloakroom <no-reply@example.org>"
    made["To"] = to
    made["Subject"] = "你好"
    made.set_content(text)
    return made


def octets(envelope: Envelope) -> bytes:
    """Return what was sent."""
    content = envelope.content or b""
    return content.encode() if isinstance(content, str) else content


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
