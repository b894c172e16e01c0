"""What every list and search of the workbench's projects costs when a great deal is in them.

    python -m bench.workbench_scale [--documents 100000] [--database URL]

Loads documents into an empty database, then asks each list and search, as somebody of ten projects
and as the team's owner, and says how many statements it took and how long: beside the same
question to a database with one project of ten documents. SQLite unless a database is named.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import event, insert, select, text

from httpkit.answers import install_answers
from httpkit.request_ids import install_request_ids
from workbench.database import db, install_database
from workbench.factory import MIGRATIONS
from workbench.kit.ids import install_ids, new_id
from workbench.kit.searching import fold, project_token, tokens_of
from workbench.projects.limits import Limits
from workbench.projects.model import Node, Project, ProjectMember, Revision, SearchEntry
from workbench.projects.order_keys import spread
from workbench.projects.storage import storage_of
from workbench.projects.tree import place_of
from workbench.projects.views import create_blueprint
from workbench.settings import Settings
from workbench.teams.model import Member, Team
from workbench.users.model import User
from workbench.users.people import Person

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

A_PROJECT = 1000
OWN_PROJECTS = 10
_BATCH = 500
_ROUNDS = 7
_NOW = datetime(2026, 11, 1)  # noqa: DTZ001 - as it is stored
_TALK = ("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")
_WORDS = [
    "网关",
    "会话",
    "令牌",
    "刷新",
    "登录",
    "退出",
    "存储",
    "密钥",
    "轮换",
    "审计",
    "权限",
    "团队",
    "项目",
    "文档",
    "评论",
    "通知",
    "上传",
    "下载",
    "测试",
    "设计",
    "前端",
    "后端",
    "接口",
    "缓存",
    "并发",
    "事务",
    "索引",
    "查询",
    "迁移",
    "部署",
    "日志",
    "指标",
    "告警",
    "性能",
    "内存",
    "限流",
    "重试",
    "超时",
    "gateway",
    "session",
    "token",
    "refresh",
    "login",
    "logout",
    "store",
    "key",
    "rotation",
    "audit",
    "permission",
    "team",
    "project",
]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one question cost: statements, and milliseconds (the median)."""

    statements: int
    ms: float


class Caller:
    """Stands in for tokens: whoever is set calls."""

    person: Person

    def require(self, _scope: str) -> Person:
        """Return who calls, with the one query that a token costs."""
        db.session.execute(select(User.pk).where(User.pk == self.person.pk)).one()
        return self.person


def build(database_url: str, folder: Path) -> tuple[Flask, Caller]:
    """Return an application with the room alone, over a migrated database."""
    app, caller = Flask(__name__, static_folder=None), Caller()
    settings = Settings(database_url=database_url, files_url=f"file://{folder}/files")
    install_request_ids(app)
    install_answers(app)
    install_database(app, database_url)
    install_ids(app)
    Migrate(app, db, directory=str(MIGRATIONS))
    storage, limits = storage_of(settings), Limits.of(settings)
    room = create_blueprint(
        caller,  # type: ignore[arg-type] # as `Callers` does
        storage,
        limits,
        besides=lambda: None,
    )
    app.register_blueprint(room)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    return app, caller


def load(documents: int, *, a_project: int = A_PROJECT) -> dict[str, Person]:
    """Fill the empty database at hand; return its people: `owner`, and `max` of ten projects."""
    people = {"owner": _person(1, "owner"), "max": _person(2, "max")}
    db.session.execute(
        insert(User),
        [
            {"pk": each.pk, "id": each.id, "issuer": "x", "subject": each.name, "name": each.name}
            for each in people.values()
        ],
    )
    db.session.execute(insert(Team), [{"pk": 1, "name": "Team", "created_at": _NOW}])
    db.session.execute(
        insert(Member),
        [
            {"team_pk": 1, "user_pk": pk, "role": role, "joined_at": _NOW}
            for pk, role in ((1, "owner"), (2, "member"))
        ],
    )
    projects = max(1, documents // a_project)
    _load_projects(projects)
    chance = random.Random(7)
    for start in range(0, documents, _BATCH):
        _load_documents(range(start, min(start + _BATCH, documents)), a_project, chance)
        db.session.commit()
    if db.engine.dialect.name != "sqlite":
        db.session.execute(text("ANALYZE TABLE nodes, document_revisions, search_entries"))
        db.session.commit()
    return people


def _person(pk: int, name: str) -> Person:
    return Person(pk, new_id("u"), name, name, None)


def _load_projects(count: int) -> None:
    rows = [
        {"pk": pk, "team_pk": 1, "name": f"Project {pk}", "created_by": 1, "created_at": _NOW}
        for pk in range(1, count + 1)
    ]
    db.session.execute(insert(Project), rows)
    own = range(1, min(OWN_PROJECTS, count) + 1)
    joined = _NOW + timedelta(days=1)
    db.session.execute(
        insert(ProjectMember),
        [{"project_pk": pk, "user_pk": 2, "role": "member", "created_at": joined} for pk in own],
    )


def _load_documents(numbers: range, a_project: int, chance: random.Random) -> None:
    keys = spread(a_project)
    nodes, revisions, entries = [], [], []
    for number in numbers:
        pk, project_pk = number + 1, number // a_project + 1
        title = f"{chance.choice(_WORDS)} {number}"
        body = _text(number, chance)
        node = Node(project_pk=project_pk, parent_pk=None, name=title)
        nodes.append(
            {
                "pk": pk,
                "project_pk": project_pk,
                "kind": "document",
                "name": title,
                "place": place_of(node),
                "order_key": keys[number % a_project],
                "created_by": 1,
                "updated_by": 2,
                "revision": 1,
                "size_bytes": len(body.encode()),
                "media_type": "text/markdown",
            }
        )
        revisions.append(
            {"node_pk": pk, "number": 1, "body": body, "size_bytes": 1, "author_pk": 1}
        )
        folded = fold(title), fold(body)
        tokens = f"{project_token(project_pk)} {tokens_of(*folded)}"
        entries.append({"node_pk": pk, "title": folded[0], "body": folded[1], "tokens": tokens})
    for model, rows in ((Node, nodes), (Revision, revisions), (SearchEntry, entries)):
        db.session.execute(insert(model), rows)


def _text(number: int, chance: random.Random) -> str:
    """Return some 900 characters; each text has one word of its own, one in fifty `needle`."""
    lines = ["".join(chance.choices(_WORDS, k=12)) + "。" for _ in range(12)]
    lines += [" ".join(chance.choices(_WORDS, k=10)) for _ in range(10)]
    lines.append(f"unique{number:07}")
    if number % 50 == 0:
        lines.append("needle 稀有")
    chance.shuffle(lines)
    return "\n".join(lines)


def questions(app: Flask) -> dict[str, str]:
    """Return every list and search, by what they ask."""
    with app.app_context():
        team = db.session.scalars(select(Team.id)).one()
        project = db.session.scalars(select(Project.id).where(Project.pk == 1)).one()
        node = db.session.scalars(select(Node.id).where(Node.pk == 1)).one()
    return {
        "my projects": "/projects",
        "the team's projects": f"/teams/{team}/projects",
        "members": f"/projects/{project}/members",
        "tree": f"/projects/{project}/tree",
        "trash": f"/projects/{project}/trash",
        "a document": f"/documents/{node}",
        "its revisions": f"/documents/{node}/revisions",
        "its comments": f"/nodes/{node}/comments",
        "search: in one text": "/search?q=unique0000003",
        "search: one text in fifty": "/search?q=needle",
        "search: two characters, rare": "/search?q=稀有",
        "search: two characters, in most": "/search?q=网关",
        "search: one character, in most": "/search?q=网",
        "search: three words, in most": "/search?q=网关+会话+token",
        "search: nothing": "/search?q=nowhere",
        "search: in one project": f"/search?q=needle&project={project}",
    }


def asked(app: Flask, caller: Caller, person: Person, rounds: int = _ROUNDS) -> dict[str, Cost]:
    """Return what each question costs *person*."""
    caller.person = person
    client, costs = app.test_client(), {}
    for name, path in questions(app).items():
        times: list[float] = []
        for _ in range(rounds):
            with app.app_context(), counted() as statements:
                began = time.perf_counter()
                answer = client.get(path)
                times.append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        costs[name] = Cost(len(statements), statistics.median(times))
    return costs


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that the database at hand is asked."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(_TALK):
            statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def table(small: dict[str, Cost], large: dict[str, dict[str, Cost]]) -> Sequence[str]:
    """Return the lines of the report."""
    lines = [f"{'':34}{'statements':>11}{'small':>10}" + "".join(f"{who:>22}" for who in large)]
    for name, few in small.items():
        line = f"{name:34}{few.statements:>11}{few.ms:>8.1f}ms"
        for costs in large.values():
            cost = costs[name]
            more = "" if cost.statements == few.statements else f" ({cost.statements} st.)"
            line += f"{cost.ms:>10.1f}ms ×{cost.ms / few.ms:<6.1f}{more:>3}"
        lines.append(line)
    return lines


def _measured(url: str, folder: Path, documents: int, people: Sequence[str]) -> dict[str, Any]:
    app, caller = build(url, folder)
    with app.app_context():
        began = time.perf_counter()
        known = load(documents)
        print(f"{documents} documents loaded in {time.perf_counter() - began:.0f} s")
    found = {name: asked(app, caller, known[name]) for name in people}
    with app.app_context():
        db.engine.dispose()
    return found


@click.command()
@click.option("--documents", default=100_000, help="How many to load.")
@click.option("--database", multiple=True, help="Two empty ones: for few, and for many.")
def main(documents: int, database: tuple[str, ...]) -> None:
    """Load and measure."""
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        small, large = database or (
            f"sqlite:///{folder}/small.sqlite3",
            f"sqlite:///{folder}/large.sqlite3",
        )
        few = _measured(small, folder, 10, ["max"])["max"]
        many = _measured(large, folder, documents, ["max", "owner"])
    print("\n".join(table(few, many)))


if __name__ == "__main__":
    main()
