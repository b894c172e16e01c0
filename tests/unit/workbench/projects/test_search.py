"""Search: every script, what the caller may see and nothing else, the same on both databases."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.queries import counted
from tests.unit.workbench.projects.conftest import answered
from workbench.database import db
from workbench.paging import cursor_of
from workbench.projects import search

if TYPE_CHECKING:
    from tests.unit.workbench.projects.conftest import Office


def found(office: Office, query: str, who: str = "rea", **more: str) -> list[str]:
    """Return the titles that somebody finds."""
    return [joined(item["title"]) for item in page(office, query, who, **more)["items"]]


def page(office: Office, query: str, who: str = "rea", **more: str) -> dict[str, Any]:
    """Return a page of what somebody finds."""
    client = office.app.test_client()
    arguments = {"q": query, **more}
    return answered(client.get("/search", query_string=arguments, headers=office[who].headers))


def joined(pieces: list[dict[str, Any]]) -> str:
    """Return the text of *pieces*."""
    return "".join(piece["text"] for piece in pieces)


@pytest.fixture
def library(office: Office) -> Office:
    """Documents in several scripts."""
    office.document("网关设计", "会话保存在 Redis 里，令牌从不离开服务器。")
    office.document("API Gateway notes", "The gateway holds tokens; browsers hold a cookie.")
    office.document("Каталог", "Ошибки и Журналы событий")
    office.document("テスト計画", "ブラウザで確認する")
    office.document("Straße", "ＦＵＬＬ ｗｉｄｔｈ words and Élan")
    return office


WORDS: tuple[tuple[str, list[str]], ...] = (
    ("网关", ["网关设计"]),
    ("设", ["网关设计"]),
    ("计", ["网关设计"]),
    ("令牌从不离开", ["网关设计"]),
    ("令牌离开", []),  # the pairs are there, but not in a row
    ("里", ["网关设计"]),
    ("redis", ["网关设计"]),
    ("REDIS 网关", ["网关设计"]),
    ("gate", ["API Gateway notes"]),
    ("gateway cookie", ["API Gateway notes"]),
    ("way", []),  # the beginning of a word, not its end
    ("журнал", ["Каталог"]),
    ("КАТАЛОГ", ["Каталог"]),
    ("ブラウザ", ["テスト計画"]),
    ("full WIDTH", ["Straße"]),
    ("élan", ["Straße"]),
    ("no such thing", []),
)


def test_words_are_found_in_every_script(library: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any character of Chinese, the beginning of a word elsewhere, in any case and width.

    Among the newest texts, and by the index alone, in one project and in too many to name.
    """
    for query, titles in WORDS:
        assert found(library, query) == titles, query
    monkeypatch.setattr(search, "_NEWEST_MAX", 0)
    for query, titles in WORDS:
        assert found(library, query) == titles, query
    monkeypatch.setattr(search, "_PROJECTS_MAX", 0)
    for query, titles in WORDS[:4]:
        assert found(library, query) == titles, query


def test_a_page_that_finds_too_little_leads_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many texts only look like the query: each is looked at once, none is left out."""
    monkeypatch.setattr(search, "_CANDIDATES", 2)
    monkeypatch.setattr(search, "_LOOKED_AT_MAX", 2)
    monkeypatch.setattr(search, "_NEWEST_MAX", 0)
    for number in range(7):
        office.document(str(number), "令牌从不离开" if number % 3 else "令牌离开，从不")
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        part = page(office, "令牌从不", **after)
        seen += [joined(item["title"]) for item in part["items"]]
        if part["next"] is None:
            break
        after = {"after": part["next"]}
    assert seen == ["5", "4", "2", "1"]


def test_nothing_in_a_query_is_an_instruction(library: Office) -> None:
    """Neither the databases' operators nor quotes nor wildcards do anything."""
    for query in (
        '"gateway"',
        "+gateway -tokens",
        "gateway*",
        "(gateway",
        "gateway~",
        "ga%",
        "ga_",
    ):
        assert found(library, query) in ([], ["API Gateway notes"]), query
    assert found(library, "gateway OR nothing") == []
    assert found(library, "gateway' OR 1=1 --") == []


def test_no_words_break_a_search(library: Office) -> None:
    """Operators of either index, bytes that are no text, every script, at every length."""
    parts = [
        *"\"*()+-~<>@^:{}[]'%_\\\0\x1a\x7f\u2028\ufeff\u0301ßİı文本日한ไ𠮷²Ⅷ👍\U0010ffff",
        *("AND", "OR", "NOT", "NEAR(", "tokens:", "pj1", "title", "%", " "),
    ]
    chance = random.Random(7)
    client, headers = library.app.test_client(), library["rea"].headers
    for number in range(30):
        words = "".join(chance.choice(parts) for _ in range(number * 4 % 101))
        raw = chance.choice(["", "%00", "%ED%A0%80", "%FF", "%C0%80"])
        for path in ("/search", f"/teams/{library.team}/statuses", "/users", "/teams/directory"):
            answer = client.get(f"{path}?q={raw}{quote(words)}", headers=headers)
            assert answer.status_code in {200, 400, 422}, (path, raw, words)


def test_a_query_with_nothing_in_it_is_named(library: Office) -> None:
    """And one that is too long."""
    for query in ("", "  ", "!!", "x" * 101):
        refused = answered(
            library.app.test_client().get(
                "/search", query_string={"q": query}, headers=library["rea"].headers
            ),
            422,
        )
        assert refused["errors"][0]["field"] == "q"


def test_hits_are_data(library: Office) -> None:
    """Pieces of title and text as they were written; a page sets the hits off."""
    (item,) = page(library, "TOKENS gateway")["items"]
    assert item["title"] == [
        {"text": "API ", "hit": False},
        {"text": "Gateway", "hit": True},
        {"text": " notes", "hit": False},
    ]
    assert [piece["text"] for piece in item["snippet"] if piece["hit"]] == ["gateway", "tokens"]
    assert (item["snippet_cut"], item["updated_by"]["name"]) == (False, "max")
    library.document("Long", "x " * 500 + "needle in it " + "y " * 500)
    (item,) = page(library, "needle")["items"]
    assert "needle in it" in joined(item["snippet"])
    assert item["snippet_cut"] is True
    assert len(joined(item["snippet"])) <= 160


def test_titles_come_first_and_pages_meet_everything_once(office: Office) -> None:
    """Then texts; the newest first in each."""
    for number in range(5):
        office.document(f"Text {number}", "the needle")
        office.document(f"Needle {number}")
    order = [f"Needle {n}" for n in range(4, -1, -1)] + [f"Text {n}" for n in range(4, -1, -1)]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        part = page(office, "needle", limit="3", **after)
        seen += [joined(item["title"]) for item in part["items"]]
        if part["next"] is None:
            break
        after = {"after": part["next"]}
    assert seen == order


def test_what_changes_is_found_as_it_is_now(office: Office) -> None:
    """Saved, renamed, thrown away, brought back, erased."""
    node = office.document("Old title", "old text")
    path = f"/documents/{node['id']}"
    answered(office["max"].call("PUT", path, {"body": "new words"}, match='"v1"'))
    assert (found(office, "old text"), found(office, "new")) == ([], ["Old title"])
    change = {"name": "New title"}
    answered(office["max"].call("PATCH", f"/nodes/{node['id']}", change, match='"v1"'))
    assert (found(office, "old"), found(office, "title")) == ([], ["New title"])
    assert office["max"].call("DELETE", f"/nodes/{node['id']}").status_code == 204
    assert found(office, "title") == []
    answered(office["max"].post(f"/nodes/{node['id']}/restore"))
    assert found(office, "words") == ["New title"]
    office["max"].call("DELETE", f"/nodes/{node['id']}")
    office["lea"].call("DELETE", f"/trash/{node['id']}")
    assert found(office, "title") == []


def test_nobody_finds_what_they_may_not_see(office: Office) -> None:
    """Of the same words each finds their own projects'; a narrower place is never a wider one."""
    secret = office["tim"].made(f"/teams/{office.team}/projects", {"name": "Secret"})
    path = f"/projects/{secret['id']}/documents"
    office["tim"].made(path, {"title": "Needle of tim"})
    office.document("Needle of max")
    assert found(office, "needle", "tim") == ["Needle of tim"]
    assert found(office, "needle", "max") == ["Needle of max"]
    assert found(office, "needle", "abe") == ["Needle of max", "Needle of tim"]
    assert found(office, "needle", "eve") == []
    assert found(office, "needle", "max", project=secret["id"]) == []
    assert found(office, "needle", "abe", project=secret["id"]) == ["Needle of tim"]
    assert found(office, "needle", "abe", team=office.team) == ["Needle of max", "Needle of tim"]
    stranger = office.app.test_client().get(
        "/search", query_string={"q": "x", "team": office.team}, headers=office["eve"].headers
    )
    assert stranger.status_code == 404


def test_a_cursor_of_nobodys_making_is_refused(library: Office) -> None:
    """It would walk the same texts again and again."""
    for phase in (2, 7):
        after = cursor_of(phase << 60 | 1)
        assert library["rea"].get(f"/search?q=text&after={after}").status_code == 400


def test_a_kind_can_be_chosen(office: Office) -> None:
    """Folders and files are found by their names."""
    office.folder("Needle folder")
    office.document("Needle document")
    assert found(office, "needle", kind="folder") == ["Needle folder"]
    assert found(office, "needle", kind="file") == []
    wrong = office.app.test_client().get("/search?q=x&kind=y", headers=office["rea"].headers)
    assert wrong.status_code == 400


def test_the_newest_texts_are_taken_from_each_project(library: Office) -> None:
    """Those of a few old projects lie behind everybody else's: one list of all is not walked."""
    path = f"/teams/{library.team}/projects"
    other = library["lea"].made(path, {"name": "Other"})["id"]
    member = f"/projects/{other}/members/{library['rea'].id}"
    answered(library["lea"].call("PUT", member, {"role": "reader"}))
    body = {"title": "网关二", "body": "会话"}
    library["lea"].made(f"/projects/{other}/documents", body)
    with library.app.app_context():
        engine = db.engine
    with counted(engine) as statements:
        assert found(library, "会话") == ["网关二", "网关设计"]
    united = [each for each in statements if "UNION ALL" in each]
    assert len(united) == (0 if engine.dialect.name == "sqlite" else 1)
    assert found(library, "会话", kind="file") == []
    first = page(library, "会话", limit="1")
    assert found(library, "会话", limit="1", after=first["next"]) == ["网关设计"]


def test_a_search_costs_the_same_however_much_it_finds(library: Office) -> None:
    """Who calls, their teams, their projects, titles, texts, the people: two statements at most."""
    with library.app.app_context(), counted(db.engine) as statements:
        found(library, "gateway")
    one = len(statements)
    for number in range(10):
        library.document(f"gateway {number}", "gateway")
    with library.app.app_context(), counted(db.engine) as statements:
        assert len(found(library, "gateway")) == 11
    assert len(statements) == one <= 8
