"""What letters say. Everything else that people read is the front end's to word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Words:
    """One language's. `{who}` and `{count}` are filled in."""

    subject: str
    greeting: str
    reasons: Mapping[str, str]
    somebody: str
    more: str
    why: str


# A letter says it in each, the first one first: nobody is asked for their language.
WORDS: Final = (
    Words(
        subject="工作台：{count} 条未读消息",
        greeting="以下消息还没有读：",
        reasons={
            "mention": "{who} 提到了你",
            "reply": "{who} 回复了你的评论",
            "comment": "{who} 评论了你的动态",
            "membership": "{who} 更改了你的成员身份",
            "application": "加入申请有新进展（{who}）",
            "watch": "{who} 更新了你关注的内容",
        },
        somebody="有人",
        more="……还有更多。",
        why="你选择了每日邮件，可以在收件箱页面关闭。",
    ),
    Words(
        subject="Workbench: {count} unread",
        greeting="You have not read these yet:",
        reasons={
            "mention": "{who} mentioned you",
            "reply": "{who} answered your comment",
            "comment": "{who} commented on your post",
            "membership": "{who} changed your membership",
            "application": "News of an application ({who})",
            "watch": "{who} changed something you watch",
        },
        somebody="Somebody",
        more="… and more.",
        why="You asked for this daily letter; the inbox page turns it off.",
    ),
)
