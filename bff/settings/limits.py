"""What may be set against slow, huge and many things. Each bounds one worker unless it says so."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bff.settings.base import Frozen


class LimitSettings(Frozen):
    """How much and how slow browsers may be, whichever route they ask for."""

    target_bytes: int = Field(default=8192, ge=256, le=32768)
    head_bytes: int = Field(default=32768, ge=1024, le=65536)
    headers: int = Field(default=100, ge=16, le=1000)
    first_byte_s: int = Field(default=10, ge=1)
    head_s: int = Field(default=10, ge=1)
    body_bytes_per_s: int = Field(default=200, ge=0)
    stall_s: int = Field(default=12, ge=1)
    keep_alive_s: int = Field(default=75, ge=1)
    connections: int = Field(default=0, ge=0)
    connections_per_address: int = Field(default=0, ge=0)
    rate_store: Literal["worker", "redis"] = "worker"


class RateLimitSettings(Frozen):
    """So many requests in so many seconds, of one session, of one address, or of all."""

    by: Literal["session", "address", "route"]
    requests: int = Field(ge=1)
    per_s: int = Field(ge=1, le=86400)
