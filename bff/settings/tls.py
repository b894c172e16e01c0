"""How an upstream is known under TLS, and how we are known to it.

Spec: RFC 9110 §4.3.4 (verifying the name); RFC 8705 §1 (client certificates).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class UpstreamTls:
    """What a route's connections need besides an address.

    Attributes:
        ca_file: certificate authorities instead of the system's, in PEM.
        certificate_file: our own certificate with its chain, in PEM.
        key_file: its key; None where it stands beside the certificate.
        name: asked for (SNI) and verified instead of the address' own host.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    name: str | None = None

    def context(self) -> ssl.SSLContext:
        """Return a client's side that verifies chain and name.

        Raises:
            ValueError: a file cannot be read or holds something else; the message names it.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"{self.ca_file} holds no certificates ({error.strerror})") from error
        if self.certificate_file is not None:
            try:
                # A passphrase would be asked for on the terminal: an empty one fails instead.
                context.load_cert_chain(self.certificate_file, self.key_file, password="")
            except (OSError, ssl.SSLError) as error:
                files = " and ".join(
                    str(file) for file in (self.certificate_file, self.key_file) if file
                )
                raise ValueError(
                    f"{files}: no certificate with its key, in PEM and without a passphrase"
                ) from error
        return context
