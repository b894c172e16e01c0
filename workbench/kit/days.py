"""Days and weeks as people count them: in their own time zone, told by the parameter `zone`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from workbench.problems import BAD_REQUEST, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)


def parse_zone(arguments: Mapping[str, str]) -> ZoneInfo:
    """Return the time zone that a query names, UTC by default.

    Raises:
        Refused: ``bad_request``: there is no such zone.
    """
    name = arguments.get("zone", "UTC")
    try:
        if _ZONE.fullmatch(name):
            return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # unknown, or a folder of zones
        pass
    raise Refused(BAD_REQUEST, detail="zone: write a name such as Asia/Shanghai")


def parse_day(arguments: Mapping[str, str], name: str) -> date | None:
    """Return the day in the parameter *name*, or None where it is left out.

    Raises:
        Refused: ``bad_request``: it is no day.
    """
    value = arguments.get(name)
    if value is None:
        return None
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Refused(BAD_REQUEST, detail=f"{name}: write a day such as 2026-11-22")


def parse_week(arguments: Mapping[str, str], zone: ZoneInfo) -> tuple[str, date]:
    """Return the week in the parameter `week`, this one by default, and its Monday (ISO 8601).

    Raises:
        Refused: ``bad_request``: it is no week.
    """
    value = arguments.get("week")
    if value is None:
        year, week, _ = datetime.now(zone).isocalendar()
        return f"{year:04}-W{week:02}", date.fromisocalendar(year, week, 1)
    try:
        if named := _WEEK.fullmatch(value):
            return value, date.fromisocalendar(int(named[1]), int(named[2]), 1)
    except ValueError:
        pass
    raise Refused(BAD_REQUEST, detail="week: write a week such as 2026-W47")


def days_after(day: date, count: int) -> date:
    """Return the day *count* days behind *day*.

    Raises:
        Refused: ``bad_request``: there is none, *day* is at the end of time.
    """
    try:
        return day + timedelta(days=count)
    except OverflowError:
        raise Refused(BAD_REQUEST, detail="write a day of our time") from None


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which *day* begins in *zone*, as instants are stored.

    Raises:
        Refused: ``bad_request``: the day is at the end of time.
    """
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise Refused(BAD_REQUEST, detail="write a day of our time") from None


def day_of(at: datetime, zone: ZoneInfo) -> str:
    """Return the day in *zone* of the stored instant *at*, as ``2026-11-22``."""
    return at.replace(tzinfo=UTC).astimezone(zone).date().isoformat()
