"""Comments: threads with replies; what is deleted leaves no words behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.support.queries import counted
from tests.unit.workbench.projects.conftest import answered
from workbench.database import db
from workbench.projects.model import Comment

if TYPE_CHECKING:
    from tests.unit.workbench.projects.conftest import Office


def written(office: Office, node: dict[str, Any], who: str, body: str, **more: str) -> str:
    """Let somebody comment; return the comment's id."""
    return str(office[who].made(f"/nodes/{node['id']}/comments", {"body": body, **more})["id"])


def threads(office: Office, node: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    """Return the threads as a reader sees them."""
    return list(answered(office["rea"].get(f"/nodes/{node['id']}/comments{query}"))["items"])


def test_replies_stand_below_what_they_answer(office: Office) -> None:
    """An answer to an answer belongs to the same thread."""
    node = office.document()
    first = written(office, node, "max", "first")
    reply = written(office, node, "lea", "reply", reply_to=first)
    written(office, node, "max", "again", reply_to=reply)
    written(office, node, "lea", "second")
    found = [
        (each["body"], [(reply["author"]["name"], reply["body"]) for reply in each["replies"]])
        for each in threads(office, node)
    ]
    assert found == [("first", [("lea", "reply"), ("max", "again")]), ("second", [])]


def test_what_is_deleted_leaves_a_stub_above_its_replies(office: Office) -> None:
    """Without words and without a name; when the last reply goes, so does the stub."""
    node = office.document()
    first = written(office, node, "max", "secret")
    reply = written(office, node, "lea", "reply", reply_to=first)
    assert office["max"].call("DELETE", f"/comments/{first}").status_code == 204
    (stub,) = threads(office, node)
    assert (stub["deleted"], stub["body"], stub["author"]) == (True, None, None)
    assert [each["body"] for each in stub["replies"]] == ["reply"]
    written(office, node, "max", "late", reply_to=first)
    with office.app.app_context():
        assert "secret" not in {body for (body,) in db.session.query(Comment.body)}
    for each in threads(office, node)[0]["replies"]:
        assert office["lea"].call("DELETE", f"/comments/{each['id']}").status_code == 204
    assert threads(office, node) == []
    assert office["lea"].call("DELETE", f"/comments/{reply}").status_code == 404


def test_the_author_edits_and_nobody_else(office: Office) -> None:
    """With the version that they saw."""
    node = office.document()
    path = f"/comments/{written(office, node, 'max', 'one')}"
    assert office["lea"].call("PATCH", path, {"body": "x"}, match='"v1"').status_code == 403
    edited = answered(office["max"].call("PATCH", path, {"body": "two"}, match='"v1"'))
    assert (edited["body"], edited["version"]) == ("two", 2)
    assert edited["edited_at"] is not None
    assert office["max"].call("PATCH", path, {"body": "three"}, match='"v1"').status_code == 412
    assert office["max"].call("PATCH", path, {"body": ""}, match='"v2"').status_code == 422


def test_comments_are_on_documents_and_files_that_are_there(office: Office) -> None:
    """Neither on folders nor on what is in the trash, nor as a reply to something elsewhere."""
    folder, node, other = office.folder("f"), office.document("a"), office.document("b")
    comment = written(office, node, "max", "here")
    path = f"/nodes/{folder['id']}/comments"
    assert office["max"].post(path, {"body": "x"}).status_code == 404
    body = {"body": "x", "reply_to": comment}
    refused = answered(office["max"].post(f"/nodes/{other['id']}/comments", body), 422)
    assert refused["errors"][0]["field"] == "reply_to"
    assert office["max"].call("DELETE", f"/nodes/{node['id']}").status_code == 204
    assert office["max"].post(f"/nodes/{node['id']}/comments", {"body": "x"}).status_code == 404
    assert len(threads(office, node)) == 1
    assert office["max"].call("DELETE", f"/comments/{comment}").status_code == 404


def test_replies_at_once_are_all_counted(office: Office) -> None:
    """Eight answers to one comment: eight replies."""
    node = office.document()
    first = written(office, node, "max", "first")
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda number: written(office, node, "max", str(number), reply_to=first), range(8)
            )
        )
    assert len(threads(office, node)[0]["replies"]) == 8
    with office.app.app_context():
        assert db.session.query(Comment).filter_by(id=first).one().replies == 8


def test_a_page_of_threads_costs_the_same_however_much_is_on_it(office: Office) -> None:
    """Threads, replies, people: one query each, besides who calls and what they may."""
    node = office.document()
    costs = []
    for _ in range(2):
        for number in range(3):
            first = written(office, node, "max", str(number))
            written(office, node, "lea", "reply", reply_to=first)
        with office.app.app_context(), counted(db.engine) as statements:
            threads(office, node)
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 7
    assert len(threads(office, node, "?limit=4")) == 4
