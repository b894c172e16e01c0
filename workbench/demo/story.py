"""What the demo tells: data, in the order in which it happened. `{0}` is a person's username."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TEAM: Final = "青禾工作室 · Greenfield Studio"
DESCRIPTION: Final = "示范团队：校园一卡通的新客户端。A demo team at work on a campus card app."


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody in the story; the number in the list is their account's."""

    name: str
    bio: str
    group: str
    role: str = "member"


@dataclass(frozen=True, slots=True)
class Post:
    """A progress post with what others say to it."""

    by: int
    title: str
    body: str = ""
    done: str | None = None
    problems: str | None = None
    next: str | None = None
    liked_by: tuple[int, ...] = ()
    comments: tuple[tuple[int, str], ...] = field(default=())


PEOPLE: Final = (
    Character("林晓", "产品经理，喜欢把复杂的事情讲清楚。", "产品", "admin"),
    Character("王磊", "后端，数据库与缓存。", "后端"),
    Character("赵敏", "设计师，像素眼。", "设计"),
    Character("Tom Becker", "Front end. Tea, not coffee.", "前端"),
    Character("陈晨", "Android 开发。", "Android"),
)
GROUPS: Final = ("产品", "前端", "后端", "Android", "设计")

PROJECTS: Final = (
    ("校园卡客户端", "充值、账单与挂失。", (1, 2, 3, 4)),
    ("开放平台 Open platform", "给其他院系的接口文档。API documents for other faculties.", (1, 3)),
)

# (project, folder or None, title, body, by)
DOCUMENTS: Final = (
    (
        0,
        "需求",
        "产品需求说明",
        (
            "# 产品需求说明\n\n## 目标\n\n让学生在 **三步之内** 完成充值。\n\n## 用户故事\n\n"
            "1. 作为学生，我想看到余额与最近账单。\n2. 作为学生，卡丢了可以立刻挂失。\n\n"
            "> 待定：家长代充值，@{1} 评估一下接口。\n"
        ),
        0,
    ),
    (
        0,
        "设计",
        "视觉规范",
        (
            "# 视觉规范\n\n| 用途 | 颜色 |\n|---|---|\n| 主色 | `#0B6E4F` |\n"
            "| 警示 | `#B3261E` |\n\n"
            "深色模式下对比度不低于 4.5:1。\n"
        ),
        2,
    ),
    (
        0,
        "技术",
        "接口约定",
        (
            "# 接口约定\n\n```http\nGET /cards/{id}/balance\n```\n\n- 金额一律以 **分** 为单位\n"
            "- 时间一律 UTC\n- 错误用 RFC 9457\n"
        ),
        1,
    ),
    (
        0,
        "技术",
        "Release checklist",
        (
            "# Release checklist\n\n- [x] Smoke test on three devices\n- [ ] Screenshots in both "
            "languages\n- [ ] Ask @{0} for the release note\n"
        ),
        3,
    ),
    (1, None, "Getting started", "# Getting started\n\nAsk for a client, then read on.\n", 3),
)

EDITS: Final = (
    (0, "\n## 验收\n\n- 弱网下 3 秒内有反馈\n- 重复点击只扣一次款\n", 0),
    (2, "\n## 分页\n\n`limit` 与 `after`，游标不透明。\n", 1),
)

# (document, by, comment)
COMMENTS: Final = (
    (0, 1, "家长代充值需要新的授权范围，建议放到下个版本。"),
    (0, 0, "同意，先记到待办。"),
    (1, 3, "The warning colour fails on the dark card – 4.1:1. @{2}"),
    (2, 4, "Android 这边余额接口已接通，感谢 @{1}！"),
)

# (by, kind of subject, its index): who wants to hear of what
WATCHES: Final = ((0, "document", 2), (2, "document", 0), (3, "project", 0))

POSTS: Final = (
    Post(
        0,
        "第一周：立项",
        "需求说明写好了，请大家今天看完。",
        done="访谈 6 位同学；写完需求说明",
        next="排期评审",
        liked_by=(1, 2, 3, 4),
        comments=((3, "Read it. Two questions in the document."),),
    ),
    Post(
        1,
        "后端环境就绪",
        "MariaDB 与 Redis 已部署，迁移脚本可重复执行。",
        done="环境；余额接口初版",
        problems="测试环境证书还没批下来",
        next="账单分页",
        liked_by=(0, 4),
    ),
    Post(
        2,
        "视觉稿 v1",
        "主流程 8 张，深浅两套。@{3} 看看间距是否可行。",
        done="主流程视觉稿",
        next="图标",
        liked_by=(0, 3),
        comments=((3, "4 px grid works fine."), (2, "好，图标周三给。")),
    ),
    Post(
        3,
        "Front end: first screens",
        "Balance and bills are clickable. Strict CSP, no build step.",
        done="Balance page, list of bills",
        problems="The date picker is not keyboard friendly yet",
        next="Top-up flow",
        liked_by=(0, 1, 2),
    ),
    Post(
        4,
        "Android 首个可安装版本",
        "内测包在群里，欢迎提 bug。",
        done="登录；余额页",
        problems="低端机启动慢",
        next="启动优化",
        liked_by=(0,),
        comments=((0, "启动慢的机型发我一份清单。@{4}"), (4, "已发。")),
    ),
    Post(
        1,
        "账单接口完成",
        "十万条账单下每页 9 ms，游标分页。",
        done="账单接口；压测",
        next="挂失",
        liked_by=(0, 3, 4),
        comments=((0, "漂亮！"),),
    ),
    Post(
        0,
        "第二周小结",
        "充值流程通过评审，风险：证书。@{1} 请每天更新一次进展。",
        done="充值流程评审；排期",
        problems="证书审批慢",
        next="可用性测试",
        liked_by=(2, 3),
    ),
)
