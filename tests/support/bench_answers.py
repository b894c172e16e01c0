"""What the workbench's API says in the pictures of its front end: a small team in mid-term."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.bench_people import (
    ADA,
    LIN,
    MAX,
    NAMED_GROUP,
    TEAM,
    WEI,
    at,
    person,
)
from tests.support.showcase import NOW

PROJECT = {
    "id": "p_" + "1" * 24,
    "name": "新版电费查询",
    "description": "Electricity bills per room, with reminders before the money runs out.",
    "team": {"id": TEAM["id"], "name": TEAM["name"]},
    "role": "lead",
    "created_at": at(days=30),
}
PROJECTS = [
    PROJECT,
    {**PROJECT, "id": "p_" + "2" * 24, "name": "Course timetable", "created_at": at(days=6)},
    {
        **PROJECT,
        "id": "p_" + "3" * 24,
        "name": "用户访谈",
        "description": "",
        "created_at": at(days=90),
    },
]
DELETED_PROJECTS = [
    {
        **PROJECT,
        "id": "p_" + "4" * 24,
        "name": "旧版校园网认证 · the old captive portal of the campus network",
        "deleted_at": at(days=3),
        "deleted_by": ADA,
    }
]
_NAMED_PROJECT = {"id": PROJECT["id"], "name": PROJECT["name"]}


def _node(kind: str, digit: str, name: str, parent: str | None = None) -> dict[str, Any]:
    return {
        "id": f"n_{digit * 24}",
        "kind": kind,
        "name": name,
        "parent": parent,
        "size": 48_318_022 if kind == "file" else None,
        "version": 1,
        "updated_at": at(hours=int(digit, 16)),
    }


FOLDER = _node("folder", "1", "需求")
DOCUMENT_NODE = _node("document", "2", "余额提醒的规则", FOLDER["id"])
FILE_NODE = _node("file", "3", "room-list-2026.xlsx", FOLDER["id"])
NODES = [
    FOLDER,
    DOCUMENT_NODE,
    FILE_NODE,
    _node("folder", "4", "Design"),
    _node("document", "5", "Colour and type, first draft", "n_" + "4" * 24),
    _node("document", "6", "会议记录 11 月 20 日"),
    _node("document", "7", "Rollout plan"),
]
BODY = """\
每天早上八点检查一次。余额低于阈值时，给**住在这间房的每个人**发一条提醒，同一间房一天最多一次。

## Thresholds

| Kind of room | First reminder | Last reminder |
|---|---:|---:|
| 四人间 | 20 元 | 5 元 |
| Flat | 40 元 | 10 元 |

- [x] Agree with the dormitory office
- [ ] 文案由 @chenwei 确认
- [ ] Try it with one building

> 宁可少发一条，也不要在半夜吵醒别人。

```sql
SELECT room, balance FROM meters WHERE balance < threshold;
```
"""
DOCUMENT = {
    **DOCUMENT_NODE,
    "project": _NAMED_PROJECT,
    "revision": 4,
    "body": BODY,
    "author": ADA,
    "saved_at": at(hours=2),
    "note": "",
    "restored_from": None,
}
REVISIONS = [
    {"revision": number, "author": author, "saved_at": at(days=10 - 2 * number), "note": ""}
    for number, author in [(4, ADA), (3, LIN), (2, WEI), (1, LIN)]
]
FILE = {
    **FILE_NODE,
    "type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "created_by": WEI,
    "created_at": at(days=3),
    "project": _NAMED_PROJECT,
}


def _comment(number: int, author: dict[str, Any], body: str) -> dict[str, Any]:
    return {
        "id": f"cm_{number:024x}",
        "author": author,
        "body": body,
        "version": 1,
        "created_at": at(hours=6 - number),
        "edited_at": None,
        "replies": [],
    }


COMMENTS = [
    _comment(1, WEI, "阈值要不要让每个房间自己改？")
    | {"replies": [_comment(2, LIN, "好主意，放进第二版。@ada 你觉得呢？")]},
    _comment(3, ADA, "Second version. Let us first see how many people *read* the reminder."),
]
TRASH = [
    {
        **_node("document", "8", "旧的接口草稿"),
        "items": 1,
        "trashed_by": ADA,
        "trashed_at": at(days=1),
    },
    {**_node("file", "9", "logo-old.png"), "items": 1, "trashed_by": LIN, "trashed_at": at(days=6)},
]


def _status(number: int, author: dict[str, Any], title: str, **parts: Any) -> dict[str, Any]:  # noqa: ANN401 - as in the API
    return {
        "id": f"s_{number:024x}",
        "team": {"id": TEAM["id"], "name": TEAM["name"]},
        "group": None,
        "author": author,
        "title": title,
        "body": "",
        "done": None,
        "problems": None,
        "next": None,
        "likes": 3,
        "liked": number == 1,
        "comments": 2,
        "version": 1,
        "created_at": at(hours=5 * number),
        "edited_at": None,
        **parts,
    }


STATUSES = [
    _status(
        1,
        WEI,
        "提醒服务跑起来了",
        group=NAMED_GROUP,
        done="- 每天八点的任务\n- 短信通道的**限流**",
        problems="宿管系统的接口在周末不稳定。",
        next="- 和宿管老师约时间\n- 灰度 3 号楼",
    ),
    _status(
        2,
        ADA,
        "Timetable import",
        body="The registrar's export now imports in 40 s instead of 9 min. See `importer.py`.",
        likes=1,
        comments=0,
    ),
]
_SUBJECTS = {
    "document": DOCUMENT_NODE,
    "file": FILE_NODE,
    "status": {"id": STATUSES[0]["id"], "name": STATUSES[0]["title"]},
    "user": {"id": MAX["id"], "name": MAX["name"]},
    "project": {"id": PROJECT["id"], "name": PROJECT["name"]},
}


def _event(
    number: int, verb: str, kind: str, actor: dict[str, Any], **ago: float
) -> dict[str, Any]:
    subject = _SUBJECTS[kind]
    is_inside = kind in {"document", "file", "project"}
    return {
        "id": f"e_{number:016x}",
        "verb": verb,
        "at": at(**ago),
        "actor": actor,
        "team": {"id": TEAM["id"], "name": TEAM["name"]},
        "project": _NAMED_PROJECT if is_inside else None,
        "group": NAMED_GROUP if kind == "status" else None,
        "subject": {"kind": kind, "id": subject["id"], "title": subject["name"]},
        "detail": None,
    }


FEED = [
    _event(9, "document.edited", "document", ADA, hours=2),
    _event(8, "comment.written", "document", LIN, hours=3),
    _event(7, "status.posted", "status", WEI, hours=5),
    _event(6, "status.liked", "status", ADA, hours=5.2),
    _event(5, "file.uploaded", "file", WEI, days=1, hours=2),
    _event(4, "member.joined", "user", MAX, days=2),
    _event(3, "project.created", "project", LIN, days=30),
]
NOTIFICATIONS = [
    {"id": "nt_" + "1" * 24, "reason": "mention", "read_at": None, "event": FEED[1]},
    {"id": "nt_" + "2" * 24, "reason": "watch", "read_at": None, "event": FEED[0]},
    {"id": "nt_" + "3" * 24, "reason": "watch", "read_at": at(days=1), "event": FEED[4]},
]
DIGEST = {
    "week": "2026-W47",
    "from": "2026-11-16",
    "to": "2026-11-22",
    "reports": [{"person": WEI, "posts": [STATUSES[0]]}, {"person": ADA, "posts": [STATUSES[1]]}],
    "silent": [MAX],
    "cut": False,
}
APPLICATIONS = [
    {
        "id": "a_" + "1" * 24,
        "team": {"id": TEAM["id"], "name": TEAM["name"]},
        "user": person(9, "Noor Haddad", "noor"),
        "message": "I wrote the bus timetable app. 想加入前端组。",
        "state": "open",
        "reason": None,
        "group": None,
        "created_at": at(hours=20),
    }
]
INVITATIONS = [
    {
        "id": "i_" + "1" * 24,
        "role": "member",
        "group": None,
        "uses": 10,
        "used": 3,
        "created_at": at(days=1),
        "expires_at": (NOW + timedelta(days=6)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revoked_at": None,
    }
]
SESSIONS = [
    {
        "id": f"d{number}",
        "current": number == 0,
        "created_at": at(days=2 + number),
        "last_seen_at": at(hours=3 * number),
        "ip": "2001:db8::17",
        "user_agent": "…",
        "device": device,
        "provider": "sso",
    }
    for number, device in enumerate(["Firefox, Linux", "Safari, iPhone"])
]
HITS = [
    {
        "id": DOCUMENT_NODE["id"],
        "kind": "document",
        "title": [
            {"text": "余额", "hit": False},
            {"text": "提醒", "hit": True},
            {"text": "的规则", "hit": False},
        ],
        "snippet": [
            {"text": "余额低于阈值时，给住在这间房的每个人发一条", "hit": False},
            {"text": "提醒", "hit": True},
            {"text": "，同一间房一天最多一次。", "hit": False},
        ],
        "snippet_cut": True,
        "project": _NAMED_PROJECT,
        "updated_at": at(hours=2),
    }
]
