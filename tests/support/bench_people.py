"""The people, team and groups in the pictures of the workbench."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.showcase import NOW


def at(**ago: float) -> str:
    """Return the moment so long before the pictures are taken."""
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def person(number: int, name: str, username: str) -> dict[str, Any]:
    """Return somebody as the API embeds people."""
    return {"id": f"u_{number:024x}", "name": name, "username": username, "avatar_url": None}


LIN = person(1, "林晓雨", "xiaoyu")
ADA = person(2, "Ada Okafor", "ada")
WEI = person(3, "陈伟", "chenwei")
MAX = person(4, "Maximiliane von Hohenstein-Wittgenstein", "maximiliane")
ME = {
    **LIN,
    "email": "xiaoyu@example.com",
    "phone": "+86 21 5555 0117",
    "bio": "前端与排版。周三下午在实验楼 B204。",
    "locale": "zh",
    "issuer": "http://127.0.0.1:9000",
    "sub": "7d1f",
    "created_at": at(days=40),
}
TEAM = {
    "id": "t_" + "1" * 24,
    "name": "校园卡项目组",
    "description": "Campus card, electricity and courses · 为全校两万人服务",
    "listed": True,
    "role": "owner",
    "members": 4,
    "groups": [],
    "created_at": at(days=40),
}
OTHER_TEAM = {**TEAM, "id": "t_" + "2" * 24, "name": "Library Lab", "role": "member"}
GROUPS = [
    {
        "id": f"g_{number:024x}",
        "name": name,
        "position": number,
        "members": number % 3,
        "etag": '"v1"',
    }
    for number, name in enumerate(["产品", "前端", "Back end", "Android", "Design"], start=1)
]
NAMED_GROUP = {"id": GROUPS[1]["id"], "name": GROUPS[1]["name"]}
MEMBERS: list[dict[str, Any]] = [
    {"user": LIN, "role": "owner", "group": NAMED_GROUP, "joined_at": at(days=40)},
    {"user": ADA, "role": "admin", "group": None, "joined_at": at(days=38)},
    {"user": WEI, "role": "member", "group": NAMED_GROUP, "joined_at": at(days=12)},
    {"user": MAX, "role": "member", "group": None, "joined_at": at(days=2)},
]
