"""A real mail server on loopback, with TLS and passwords where a test wants them."""

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
        controller = Controller(
            desk, hostname="127.0.0.1", port=free_port(), ready_timeout=60, **options
        )
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
