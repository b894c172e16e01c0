"""The room's part of the OpenAPI document."""

from __future__ import annotations

from typing import Any

from workbench.kit.operations import (
    COUNT,
    FLAG,
    INSTANT,
    MAYBE_INSTANT,
    TEXT,
    a,
    an_id,
    operation,
    page_of,
    query,
    record,
)
from workbench.notifications.model import Reason
from workbench.notifications.views import KINDS, READ, WRITE, PreferencesBody, ReadBody

_KIND: dict[str, Any] = {"type": "string", "enum": list(KINDS)}
_KIND_IN_PATH = {"name": "kind", "in": "path", "required": True, "schema": _KIND}

SCHEMAS: dict[str, Any] = {
    "Notification": record(
        id=an_id("nt"),
        reason={"type": "string", "enum": [reason.value for reason in Reason]},
        read_at=MAYBE_INSTANT,
        event=a("FeedItem"),
    ),
    "NotificationPage": page_of("Notification"),
    "Unread": record(unread=COUNT | {"description": "1000 stands for that many or more."}),
    "NotificationPreferences": record(daily_email=FLAG),
    "Watch": record(kind=_KIND, id=TEXT, title=TEXT, since=INSTANT),
    "WatchPage": page_of("Watch"),
}

PATHS: dict[str, Any] = {
    "/notifications": {
        "get": operation(
            "listNotifications",
            "The caller's inbox, newest first; only what the caller may still see",
            scope=READ,
            answer="NotificationPage",
            paged=True,
            queries=(query("unread", {"type": "string", "enum": ["true", "false"]}),),
        )
    },
    "/notifications/unread": {
        "get": operation("countUnread", "How many are unread", scope=READ, answer="Unread")
    },
    "/notifications/read": {
        "post": operation(
            "markRead",
            "Mark some, or one and everything older, as read",
            scope=WRITE,
            answer="Unread",
            body=ReadBody,
        )
    },
    "/notifications/preferences": {
        "get": operation(
            "getNotificationPreferences",
            "Whether the caller wants the daily e-mail",
            scope=READ,
            answer="NotificationPreferences",
        ),
        "patch": operation(
            "setNotificationPreferences",
            "Choose the daily e-mail",
            scope=WRITE,
            answer="NotificationPreferences",
            body=PreferencesBody,
        ),
    },
    "/watches": {
        "get": operation(
            "listWatches", "What the caller watches", scope=READ, answer="WatchPage", paged=True
        )
    },
    "/watches/{kind}/{subject}": {
        "put": operation(
            "watch",
            "Watch a thing",
            scope=WRITE,
            answer=None,
            status=204,
            queries=(_KIND_IN_PATH,),
        ),
        "delete": operation(
            "unwatch",
            "Watch it no longer",
            scope=WRITE,
            answer=None,
            status=204,
            queries=(_KIND_IN_PATH,),
        ),
    },
}
