"""What an operator may do with sessions and keys from the command line.

Speaks to the same Redis under the same keys as the running gateway, and through the same store:
what is ended here is dead on every node at once.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO, cast

from bff import events
from bff.parts import build_parts, build_shared
from bff.sessions.connect import store_errors
from httpkit.devices import device_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bff.parts import Parts
    from bff.sessions.model import ListedSession
    from bff.settings import Settings

_SCAN_BATCH = 500
_UNREADABLE = "an unknown key"


def sessions_of(settings: Settings, *, issuer: str, subject: str) -> Iterator[dict[str, object]]:
    """Return every session of one person, of all front ends."""
    return described_sessions(_all_parts(settings), issuer=issuer, subject=subject)


def described_sessions(
    all_parts: Iterable[Parts], *, issuer: str, subject: str
) -> Iterator[dict[str, object]]:
    """Yield every session of one person at the front ends of *all_parts*."""
    for parts in all_parts:
        for session in parts.store.sessions_of_subject(issuer, subject):
            yield _described(parts, session)


def revoke(settings: Settings, *, issuer: str, subject: str, session_id: str | None = None) -> int:
    """End the sessions of one person, or one of them; return how many ended."""
    return end_sessions(_all_parts(settings), issuer=issuer, subject=subject, session_id=session_id)


def end_sessions(
    all_parts: Iterable[Parts], *, issuer: str, subject: str, session_id: str | None = None
) -> int:
    """End the sessions of one person at the front ends of *all_parts*, or one of them."""
    ended = 0
    for parts in all_parts:
        for session in parts.store.sessions_of_subject(issuer, subject):
            if session_id not in {None, session.public_id}:
                continue
            if parts.store.delete_by_digest(session.digest):
                ended += 1
                parts.news.ended(
                    session.public_id,
                    provider=session.device.provider,
                    sub=subject,
                    reason=events.ADMINISTRATOR,
                )
    return ended


def new_key() -> str:
    """Return a fresh key for the head of ``secret_keys``: 256 random bits."""
    return secrets.token_urlsafe(32)


def key_usage(settings: Settings) -> Counter[str]:
    """Return how many sessions are sealed under each key of the ring, by its place in it."""
    shared = build_shared(settings)
    rings = [build_parts(shared, frontend).ring for frontend in settings.all_frontends()]
    usage: Counter[str] = Counter()
    with store_errors():
        for key in shared.client.scan_iter("session:*", count=_SCAN_BATCH):
            sealed = cast("bytes | None", shared.client.hget(key, "r")) or b""
            places = [ring.place_of(sealed) for ring in rings]
            place = next((place for place in places if place is not None), None)
            usage[_UNREADABLE if place is None else f"key {place + 1}"] += 1
    return usage


def trace(lines: Iterable[str], request_id: str) -> Iterator[str]:
    """Yield in words what the log says of one request, in order."""
    for line in lines:
        if request_id not in line:
            continue
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        if fields.get("request_id") != request_id:
            continue
        told = {
            name: value
            for name, value in fields.items()
            if name not in {"at", "event", "level", "party", "request_id"} and value is not None
        }
        facts = ", ".join(f"{name} {value}" for name, value in told.items())
        yield f"{fields.get('at')}  {fields.get('party')}  {fields.get('event')}: {facts}"


def read_lines(files: Iterable[TextIO]) -> Iterator[str]:
    """Yield the lines of every log file, one after the other."""
    for file in files:
        yield from file


def _all_parts(settings: Settings) -> Iterator[Parts]:
    shared = build_shared(settings)
    for frontend in settings.all_frontends():
        yield build_parts(shared, frontend)


def _described(parts: Parts, session: ListedSession) -> dict[str, object]:
    device = session.device
    return {
        "id": session.public_id,
        "frontend": parts.frontend.base_url,
        "provider": device.provider,
        "created_at": _instant(device.created_at),
        "last_seen_at": _instant(session.last_seen_at),
        "ip": device.ip,
        "device": device_name(device.user_agent),
    }


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
