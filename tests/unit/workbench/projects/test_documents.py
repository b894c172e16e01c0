"""Documents: every save is kept, and nobody overwrites anybody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.unit.workbench.projects.conftest import answered

if TYPE_CHECKING:
    from tests.unit.workbench.projects.conftest import Office


def test_every_save_is_a_revision(office: Office) -> None:
    """Author, time and note of each are told, the newest first."""
    made = office.document(body="one\n")
    path = f"/documents/{made['id']}"
    first = office["max"].get(path)
    assert first.headers["ETag"] == '"v1"'
    saved = office["lea"].call("PUT", path, {"body": "two\n", "note": "why"}, match='"v1"')
    assert saved.headers["ETag"] == '"v2"'
    assert answered(saved)["body"] == "two\n"
    items = answered(office["rea"].get(f"{path}/revisions"))["items"]
    assert [(each["revision"], each["author"]["name"], each["note"]) for each in items] == [
        (2, "lea", "why"),
        (1, "max", ""),
    ]
    assert answered(office["rea"].get(f"{path}/revisions/1"))["body"] == "one\n"


def test_a_save_on_an_old_base_is_refused_with_all_that_a_merge_needs(office: Office) -> None:
    """412 has the current text, the common base and a clean suggestion; nothing was written."""
    made = office.document(body="top\nmiddle\nbottom\n")
    path = f"/documents/{made['id']}"
    answered(office["lea"].call("PUT", path, {"body": "TOP\nmiddle\nbottom\n"}, match='"v1"'))
    late = office["max"].call("PUT", path, {"body": "top\nmiddle\nBOTTOM\n"}, match='"v1"')
    refused = answered(late, 412)
    assert refused["code"] == "precondition_failed"
    assert late.headers["ETag"] == '"v2"'
    assert refused["current"]["body"] == "TOP\nmiddle\nbottom\n"
    assert refused["current"]["author"]["name"] == "lea"
    assert refused["base"] == refused["base"] | {"revision": 1, "body": "top\nmiddle\nbottom\n"}
    assert refused["merge"]["clean"] is True
    assert refused["merge"]["body"] == "TOP\nmiddle\nBOTTOM\n"
    assert answered(office["max"].get(path))["revision"] == 2


def test_two_changes_of_one_line_are_a_conflict_with_three_sides(office: Office) -> None:
    """What both changed is shown side by side; what is around it is agreed."""
    made = office.document(body="a\nb\nc\n")
    path = f"/documents/{made['id']}"
    answered(office["lea"].call("PUT", path, {"body": "a\nL\nc\n"}, match='"v1"'))
    refused = answered(office["max"].call("PUT", path, {"body": "a\nM\nc\n"}, match='"v1"'), 412)
    assert refused["merge"] == {
        "clean": False,
        "body": None,
        "segments": [
            {"text": "a\n"},
            {"conflict": {"base": "b\n", "mine": "M\n", "theirs": "L\n"}},
            {"text": "c\n"},
        ],
    }


def test_a_save_that_was_answered_into_the_void_is_the_same_save(office: Office) -> None:
    """The same text on the same base by the same person: one revision, the same answer."""
    made = office.document(body="one")
    path = f"/documents/{made['id']}"
    first = office["max"].call("PUT", path, {"body": "two"}, match='"v1"')
    again = office["max"].call("PUT", path, {"body": "two"}, match='"v1"')
    assert answered(again) == answered(first)
    assert answered(again)["revision"] == 2
    unchanged = office["max"].call("PUT", path, {"body": "two"}, match='"v2"')
    assert answered(unchanged)["revision"] == 2
    other = office["lea"].call("PUT", path, {"body": "two"}, match='"v1"')
    assert other.status_code == 412


def test_a_save_without_a_version_is_428(office: Office) -> None:
    """Nobody overwrites by accident."""
    made = office.document()
    assert office["max"].call("PUT", f"/documents/{made['id']}", {"body": "x"}).status_code == 428


def test_of_saves_at_once_one_stands(office: Office) -> None:
    """Eight people save on the same base: one revision, seven merges to make."""
    made = office.document(body="base")

    def save(number: int) -> int:
        path = f"/documents/{made['id']}"
        body = {"body": f"text {number}"}
        return office["max"].call("PUT", path, body, match='"v1"').status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(save, range(8)))
    assert statuses == [200] + [412] * 7
    assert answered(office["max"].get(f"/documents/{made['id']}"))["revision"] == 2


def test_an_old_revision_comes_back_as_a_new_one(office: Office) -> None:
    """Restoring adds, it never takes away."""
    made = office.document(body="one")
    path = f"/documents/{made['id']}"
    answered(office["max"].call("PUT", path, {"body": "two"}, match='"v1"'))
    stale = office["max"].call("POST", f"{path}/restore", {"revision": 1}, match='"v1"')
    assert stale.status_code == 412
    back = answered(office["max"].call("POST", f"{path}/restore", {"revision": 1}, match='"v2"'))
    assert (back["revision"], back["body"], back["restored_from"]) == (3, "one", 1)
    wrong = office["max"].call("POST", f"{path}/restore", {"revision": 9}, match='"v3"')
    assert answered(wrong, 422)["errors"][0]["field"] == "revision"


def test_a_difference_is_data(office: Office) -> None:
    """Lines with their numbers on both sides."""
    made = office.document(body="a\nb\nc\n")
    path = f"/documents/{made['id']}"
    answered(office["max"].call("PUT", path, {"body": "a\nB\nc\nd\n"}, match='"v1"'))
    told = answered(office["rea"].get(f"{path}/diff?from=1"))
    assert (told["from"], told["to"], told["added"], told["removed"]) == (1, 2, 2, 1)
    assert told["hunks"] == [
        {
            "lines": [
                {"kind": "same", "old": 1, "new": 1, "text": "a"},
                {"kind": "removed", "old": 2, "new": None, "text": "b"},
                {"kind": "added", "old": None, "new": 2, "text": "B"},
                {"kind": "same", "old": 3, "new": 3, "text": "c"},
                {"kind": "added", "old": None, "new": 4, "text": "d"},
            ]
        }
    ]


def test_a_difference_of_no_revisions_is_named(office: Office) -> None:
    """A number that cannot be read is 400, a revision that is not there 404."""
    made = office.document()
    for query in ("", "?from=x", "?from=0", "?from=1&to=x", "?from=٣"):
        assert office["max"].get(f"/documents/{made['id']}/diff{query}").status_code == 400
    assert office["max"].get(f"/documents/{made['id']}/diff?from=2").status_code == 404


def test_a_revision_beyond_every_column_is_not_there(office: Office) -> None:
    """However many digits somebody writes: refused in words, never a fault of ours."""
    path = f"/documents/{office.document()['id']}"
    huge = 2**64
    assert office["max"].get(f"{path}/revisions/{huge}").status_code == 404
    body = {"revision": huge}
    refused = answered(office["max"].call("POST", f"{path}/restore", body, match='"v1"'), 422)
    assert refused["errors"][0]["field"] == "revision"


def test_a_text_beyond_the_limit_is_named(office: Office) -> None:
    """In bytes as they are kept, and far below what the parser would read."""
    path = f"/projects/{office.home['id']}/documents"
    body = {"title": "Long", "body": "文" * 349_526}  # 1,048,578 bytes
    refused = answered(office["max"].post(path, body), 422)
    assert (refused["errors"][0]["field"], refused["errors"][0]["code"]) == ("body", "too_long")
    answered(office["max"].post(path, {"title": "Long", "body": "文" * 349_525}), 201)


def test_a_document_is_made_once_a_key(office: Office) -> None:
    """A retried creation is the same document."""
    path, body = f"/projects/{office.home['id']}/documents", {"title": "Once"}
    first, again = (office["max"].post(path, body, key="k1") for _ in range(2))
    assert answered(first, 201) == answered(again, 201)
    assert office.tree() == ["Once"]
