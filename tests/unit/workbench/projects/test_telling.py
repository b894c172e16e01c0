"""What a project's people are told: its feed, watches, mentions; and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.workbench.projects.conftest import answered

if TYPE_CHECKING:
    from tests.unit.workbench.projects.conftest import Office


def feed(office: Office, who: str, query: str = "") -> list[str]:
    """Return verbs and titles of *who*'s feed, newest first, without the team's own."""
    items = answered(office[who].get(f"/feed{query}"))["items"]
    told = [f"{item['verb']} {item['subject']['title']}" for item in items]
    return [each for each in told if not each.startswith(("team.", "member."))]


def inbox(office: Office, who: str) -> list[str]:
    """Return reasons and verbs of *who*'s inbox, newest first, without how they came to be here."""
    return [each for each in whole_inbox(office, who) if not each.startswith("membership ")]


def whole_inbox(office: Office, who: str) -> list[str]:
    """Return reasons and verbs of *who*'s inbox, newest first."""
    items = answered(office[who].get("/notifications"))["items"]
    return [f"{item['reason']} {item['event']['verb']}" for item in items]


def watch(office: Office, who: str, kind: str, subject: str) -> int:
    """Let *who* watch a thing; return the answer's status."""
    return office[who].call("PUT", f"/watches/{kind}/{subject}").status_code


def test_only_who_sees_the_project_sees_its_events(office: Office) -> None:
    """Its people and the team's leaders do; somebody of the team without projects does not."""
    office.document("Secret")
    for who in ("lea", "max", "rea", "ann", "abe"):
        assert feed(office, who)[0] == "document.created Secret"
    for who in ("tim", "eve"):
        assert feed(office, who) == []
        assert office[who].get(f"/feed?project={office.home['id']}").status_code == 404
    assert feed(office, "rea", f"?project={office.home['id']}")[0] == "document.created Secret"
    item = answered(office["rea"].get("/feed"))["items"][0]
    assert item["project"] == {"id": office.home["id"], "name": "Home"}


def test_feed_of_a_project_is_that_projects(office: Office) -> None:
    """Other projects and the team's own affairs are left out."""
    other = office["lea"].made(f"/teams/{office.team}/projects", {"name": "Other"})
    office.document("Here")
    told = feed(office, "lea", f"?project={other['id']}")
    assert told == ["project.created Other"]


def test_watchers_hear_of_what_they_watch(office: Office) -> None:
    """A document or the whole project; not of their own deeds, once for both."""
    document = office.document("Plan", "one")
    assert watch(office, "rea", "document", document["id"]) == 204
    assert watch(office, "rea", "project", office.home["id"]) == 204
    assert watch(office, "rea", "document", document["id"]) == 204
    assert watch(office, "max", "document", document["id"]) == 204
    body = {"body": "two", "note": ""}
    path = f"/documents/{document['id']}"
    etag = office["max"].get(path).headers["ETag"]
    answered(office["max"].call("PUT", path, body, match=etag))
    assert inbox(office, "rea") == ["watch document.edited"]
    assert inbox(office, "max") == []
    listed = answered(office["rea"].get("/watches"))["items"]
    assert [(each["kind"], each["title"]) for each in listed] == [
        ("project", "Home"),
        ("document", "Plan"),
    ]
    office.document("Another")
    assert inbox(office, "rea")[0] == "watch document.created"


def test_who_is_added_hears_of_it(office: Office) -> None:
    """The office's own making is the example."""
    assert "membership project.member_added" in whole_inbox(office, "rea")
    assert whole_inbox(office, "tim") == []


def test_watching_needs_sight_and_ends_with_it(office: Office) -> None:
    """Who may not see a thing cannot watch it; who may no longer is told no more."""
    document = office.document("Plan")
    for who in ("tim", "eve"):
        assert watch(office, who, "document", document["id"]) == 404
        assert watch(office, who, "project", office.home["id"]) == 404
    assert watch(office, "rea", "file", document["id"]) == 404
    watch(office, "rea", "document", document["id"])
    office["lea"].call("DELETE", f"/projects/{office.home['id']}/members/{office['rea'].id}")
    office["max"].made(f"/nodes/{document['id']}/comments", {"body": "!"})
    assert [told for told in inbox(office, "rea") if told.startswith("watch")] == []
    assert answered(office["rea"].get("/watches"))["items"] == []


def test_comments_tell_author_and_those_they_answer_or_name(office: Office) -> None:
    """Of people who may see the project alone; an edit tells only those newly named."""
    document = office.document("Plan")
    path = f"/nodes/{document['id']}/comments"
    first = office["abe"].made(path, {"body": "@tim @eve @lea ?"})
    assert inbox(office, "max") == ["comment comment.written"]
    assert inbox(office, "lea") == ["mention comment.written"]
    assert inbox(office, "tim") == inbox(office, "eve") == []
    office["lea"].made(path, {"body": "yes", "reply_to": first["id"]})
    assert inbox(office, "abe") == ["reply comment.written"]
    where = f"/comments/{first['id']}"
    answered(office["abe"].call("PATCH", where, {"body": "@lea @ann ?"}, match="*"))
    assert inbox(office, "ann") == ["mention comment.edited"]
    assert inbox(office, "lea") == ["mention comment.written"]


def test_a_document_names_people_once(office: Office) -> None:
    """Saving it again does not ring again; what a comment said is not kept in the journal."""
    document = office.document("Plan", "for @rea and @tim")
    assert inbox(office, "rea") == ["mention document.created"]
    assert inbox(office, "tim") == []
    path = f"/documents/{document['id']}"
    etag = office["max"].get(path).headers["ETag"]
    answered(office["max"].call("PUT", path, {"body": "for @rea and @lea"}, match=etag))
    assert inbox(office, "rea") == ["mention document.created"]
    assert inbox(office, "lea") == ["mention document.edited"]
    office["lea"].made(f"/nodes/{document['id']}/comments", {"body": "taken back later"})
    assert "taken back later" not in office["lea"].get("/feed").text


def test_what_is_gone_for_good_is_watched_no_more(office: Office) -> None:
    """From the trash there is a way back; from beyond it none."""
    document = office.document("Plan")
    watch(office, "rea", "document", document["id"])
    office["max"].call("DELETE", f"/nodes/{document['id']}")
    assert inbox(office, "rea") == ["watch node.trashed"]
    assert answered(office["rea"].get("/watches"))["items"] == []
    office["lea"].call("POST", f"/nodes/{document['id']}/restore")
    assert len(answered(office["rea"].get("/watches"))["items"]) == 1
    office["lea"].call("DELETE", f"/nodes/{document['id']}")
    assert office["lea"].call("DELETE", f"/trash/{document['id']}").status_code == 204
    assert answered(office["rea"].get("/watches"))["items"] == []
