"""AWS Signature Version 4, as far as blobs need it: one region, one service, headers only.

Spec: Amazon S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs, and for which region."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str


def query_of(parameters: Mapping[str, str]) -> str:
    """Return *parameters* in the one spelling that is signed and sent."""
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def signed_headers(
    credentials: Credentials,
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    payload_sha256: str,
    now: datetime,
) -> dict[str, str]:
    """Return *headers* with those that prove who sends them; *now* is UTC."""
    parts = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    told = {name.lower(): value.strip() for name, value in headers.items()} | {
        "host": parts.netloc,
        "x-amz-content-sha256": payload_sha256,
        "x-amz-date": stamp,
    }
    names = ";".join(sorted(told))
    canonical = "\n".join(
        [
            method,
            parts.path or "/",
            parts.query,
            *(f"{name}:{told[name]}" for name in sorted(told)),
            "",
            names,
            payload_sha256,
        ]
    )
    scope = f"{stamp[:8]}/{credentials.region}/s3/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    signature = _mac(_key_of(credentials, stamp[:8]), to_sign).hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return told | {"authorization": authorization}


def _key_of(credentials: Credentials, day: str) -> bytes:
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (day, credentials.region, "s3", "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _escaped(text: str) -> str:
    return quote(text, safe="-_.~")
