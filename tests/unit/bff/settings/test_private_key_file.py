"""A provider's private key is judged with the settings, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bff.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from bff.settings import Settings

PEM = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load(file: Path) -> Settings:
    """Return the settings of a gateway whose provider knows it by the key in *file*."""
    provider = (
        '[{"name":"sso","issuer":"https://sso.example.com","client_id":"c",'
        f'"private_key_file":"{file}"}}]'
    )
    return load_settings(
        environ={
            "BFF_REDIS_URL": "redis://127.0.0.1",
            "BFF_SECRET_KEYS": "k" * 32,
            "BFF_PROVIDERS": provider,
        }
    )


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_key_that_can_sign_is_taken(tmp_path: Path, kind: str) -> None:
    """RSA of 2048 bits and P-256 pass."""
    key = (
        rsa.generate_private_key(65537, 2048)
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(*PEM))
    assert load(file).providers[0].private_key_file == file


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no key",
        ec.generate_private_key(ec.SECP384R1()).private_bytes(*PEM),
        ed25519.Ed25519PrivateKey.generate().private_bytes(*PEM),
    ],
    ids=["missing", "empty", "text", "P-384", "Ed25519"],
)
def test_a_file_without_such_a_key_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    """One line names the place and the file."""
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsInvalid) as invalid:
        load(file)
    (fault,) = invalid.value.faults
    assert fault.startswith("BFF_PROVIDERS") or "providers.0.private_key_file" in fault
    assert str(file) in fault
