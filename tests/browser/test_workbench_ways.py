"""Ways through the workbench on which something once was lost: text, focus, files, a place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support.bench_answers import (
    DELETED_PROJECTS,
    DOCUMENT,
    FOLDER,
    PROJECT,
    STATUSES,
)
from tests.support.bench_people import ADA, MEMBERS, OTHER_TEAM, TEAM, person
from tests.support.bench_stub import PAGES

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

_AREA = "Text of the document, in Markdown"
_HEAR = """([channel, said]) => new BroadcastChannel(channel).postMessage(said)"""
_LIVE, _SESSION = "workbench.live", "cloakroom.session /"


def hear(page: Page, channel: str, **said: object) -> None:
    """Let the page hear *said* as from another tab, which holds the line."""
    page.evaluate(_HEAR, [channel, said])


def row(page: Page, name: str) -> Any:  # noqa: ANN401 - a locator
    """Return the row of the tree called *name*."""
    return page.get_by_role("treeitem", name=re.compile(f"^{re.escape(name)}, "))


def test_the_tree_keeps_what_is_open_and_the_focus(page: Page) -> None:
    """Whoever opens one thing after the other does not begin anew each time."""
    design = row(page, "Design")
    design.click()
    expect(page.get_by_role("heading", name="Design", level=1)).to_be_visible()
    expect(design).to_be_focused()
    expect(design).to_have_attribute("aria-expanded", "true")
    row(page, DOCUMENT["name"]).click()
    expect(page.get_by_role("heading", name=DOCUMENT["name"], level=1)).to_be_visible()
    expect(design).to_have_attribute("aria-expanded", "true")
    expect(row(page, FOLDER["name"])).to_have_attribute("aria-expanded", "true")
    assert page.title().startswith(DOCUMENT["name"])


def test_who_follows_a_link_stands_at_the_name_of_what_it_led_to(page: Page, origin: str) -> None:
    """Also where the page comes only after its data: the link that had the focus is gone."""
    page.goto(origin + PAGES["statuses"])
    page.get_by_role("link", name=STATUSES[0]["title"]).click()
    heading = page.get_by_role("heading", name=STATUSES[0]["title"], level=1)
    expect(heading).to_be_focused()


def test_files_go_on_up_whatever_page_is_shown(page: Page) -> None:
    """And are there again, as far as they have come, in their project."""
    size = 300_000
    waiting: list[Route] = []

    def told(bytes_: int) -> dict[str, Any]:
        file = {"id": "n_" + "9" * 24} if bytes_ == size else None
        return {"id": "up_1", "offset": bytes_, "chunk_bytes": 200_000, "file": file}

    def take(route: Route) -> None:
        if route.request.headers["upload-offset"] == "0":
            route.fulfill(json=told(200_000))
        else:
            waiting.append(route)

    page.route(
        f"**/api/projects/{PROJECT['id']}/uploads", lambda route: route.fulfill(json=told(0))
    )
    page.route("**/api/uploads/*", take)
    file = {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": b"x" * size}
    page.get_by_label("Upload files").set_input_files(file)  # type: ignore[arg-type]  # its own shape
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads).to_contain_text("200 kB of 300 kB")
    page.get_by_role("link", name="Projects", exact=True).first.click()
    page.get_by_role("link", name=re.compile(str(PROJECT["name"]))).click()
    expect(uploads).to_contain_text("200 kB of 300 kB")
    waiting[0].fulfill(json=told(size))
    expect(page.locator(".toasts")).to_contain_text("a.bin is uploaded.")
    expect(uploads).to_contain_text("Uploaded, 300 kB")


@pytest.mark.parametrize(
    ("status", "hash_", "words"),
    [
        (404, "code", "This invitation is not valid"),
        (200, "%", "This invitation is not valid"),
        (429, "code", "This could not be loaded"),
    ],
)
def test_an_invitation_is_blamed_for_its_own_faults_alone(
    page: Page, origin: str, status: int, hash_: str, words: str
) -> None:
    """A link that was cut in the middle breaks nothing; a refusal for now is not for ever."""
    page.route("**/api/invitations/look", lambda route: route.fulfill(status=status, json={}))
    page.goto(f"{origin}/join#{hash_}")
    expect(page.get_by_role("heading", name=words)).to_be_visible()


def test_a_page_that_breaks_leaves_the_others_whole(page: Page, origin: str) -> None:
    """What cannot be drawn is told in its place; the next page stands."""
    page.route("**/api/notifications?*", lambda route: route.fulfill(json={"items": [{}]}))
    page.goto(f"{origin}/inbox")
    expect(page.get_by_role("alert")).to_contain_text("This could not be loaded")
    page.get_by_role("link", name="Statuses", exact=True).first.click()
    expect(page.get_by_role("heading", name="Statuses", level=1)).to_be_visible()


def test_only_a_newer_text_is_told_to_who_writes(page: Page) -> None:
    """A comment on the document changes nothing of its text."""
    page.get_by_role("button", name="Edit").click()
    subject = {"kind": "document", "id": DOCUMENT["id"], "title": DOCUMENT["name"]}
    hear(
        page, _LIVE, type="feed", data={"verb": "comment.written", "subject": subject, "actor": ADA}
    )
    expect(page.locator(".notice")).to_have_count(0)
    hear(
        page, _LIVE, type="feed", data={"verb": "document.edited", "subject": subject, "actor": ADA}
    )
    expect(page.locator(".notice")).to_contain_text("Somebody saved a newer text while you write.")


def test_text_survives_the_way_back(page: Page, origin: str) -> None:
    """The browser's own button asks nobody; at the next visit the text is there."""
    page.goto(origin + PAGES["projects"])
    page.evaluate("path => history.pushState(null, '', path)", PAGES["document"])
    page.evaluate("dispatchEvent(new PopStateEvent('popstate'))")
    page.get_by_role("button", name="Edit").click()
    page.get_by_label(_AREA).fill("Half a thought")
    page.go_back()
    page.get_by_role("heading", name="Projects", level=1).wait_for()
    page.go_forward()
    page.get_by_role("button", name="Go on writing").click()
    expect(page.get_by_label(_AREA)).to_have_value("Half a thought")


def test_each_newer_text_is_joined_anew(page: Page) -> None:
    """What was chosen against one text is not chosen against the next; the text stays meanwhile."""
    said = iter(["By Ada, first", "By Ada, second"])
    base = {"body": DOCUMENT["body"]}

    def refuse(route: Route) -> None:
        if route.request.method != "PUT":
            route.fallback()
            return
        body = next(said)
        current = {"body": body, "revision": len(body), "author": ADA}
        document = {"code": "precondition_failed", "current": current, "base": base}
        route.fulfill(status=412, json=document)

    page.route(f"**/api/documents/{DOCUMENT['id']}", refuse)
    page.get_by_role("button", name="Edit").click()
    page.get_by_label(_AREA).fill("Mine")
    page.get_by_role("button", name="Save", exact=True).click()
    mine = page.get_by_role("radio", name="Yours")
    save = page.get_by_role("button", name="Save the joined text")
    mine.check()
    save.click()
    expect(page.get_by_text("By Ada, second")).to_be_visible()
    expect(mine).not_to_be_checked()
    expect(save).to_have_attribute("aria-disabled", "true")
    page.reload()
    page.get_by_role("button", name="Go on writing").click()
    expect(page.get_by_label(_AREA)).to_have_value("Mine")


def test_the_box_above_the_page_searches_on_the_page_of_results(page: Page, origin: str) -> None:
    """Not the address alone changes."""
    page.goto(origin + PAGES["search"])
    box = page.get_by_label("Search in the team")
    box.fill("账单")
    box.press("Enter")
    expect(page.get_by_label("Words to look for")).to_have_value("账单")


def test_another_team_is_shown_without_the_filters_of_the_first(page: Page, origin: str) -> None:
    """Its groups and people are others."""
    page.goto(f"{origin}/statuses?group={'g_' + '0' * 23 + '2'}")
    page.get_by_role("button", name=str(TEAM["name"])).click()
    with page.expect_request(f"**/api/teams/{OTHER_TEAM['id']}/statuses?*") as asked:
        page.get_by_role("menuitem", name=str(OTHER_TEAM["name"])).click()
    assert "group=" not in asked.value.url
    expect(page).to_have_url(f"{origin}/statuses")


def test_who_cannot_sign_out_is_told_and_loses_nothing(page: Page) -> None:
    """Offline: still signed in, and the draft is there."""
    page.get_by_label("Write a comment").fill("Not lost.")
    page.route("**/bff/logout", lambda route: route.abort())
    page.get_by_role("button", name="Account of 林晓雨").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.locator(".toast.bad")).to_contain_text("We could not reach the server.")
    page.reload()
    expect(page.get_by_label("Write a comment")).to_have_value("Not lost.")


def test_who_signed_in_again_elsewhere_goes_on_at_a_press(page: Page) -> None:
    """No window is needed where another tab has brought the session already."""
    hear(page, _SESSION, state="ended")
    bar = page.locator(".bar")
    expect(bar).to_contain_text("You have been signed out.")
    bar.get_by_role("button", name="Sign in again").click()
    expect(bar).to_have_count(0)


def test_the_second_page_of_versions_is_shown(page: Page, origin: str) -> None:
    """They have numbers and no ids; a list is joined by what tells its things apart."""
    asked = f"**/api/documents/{DOCUMENT['id']}/revisions?*"

    def listed(route: Route) -> None:
        first = "after=" not in route.request.url
        newest = {"author": ADA, "saved_at": DOCUMENT["updated_at"]}
        items = [{**newest, "revision": number} for number in ([4, 3] if first else [2, 1])]
        route.fulfill(json={"items": items, "next": "c2" if first else None})

    page.route(asked, listed)
    page.goto(origin + PAGES["history"])
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".versions li")).to_have_count(4)


def test_somebody_is_found_who_joined_late(page: Page, origin: str) -> None:
    """A name is looked for in the whole team, not on the first page of it."""
    late = {**MEMBERS[3], "user": person(99, "Zoe Quist", "zoe")}

    def listed(route: Route) -> None:
        first = "after=" not in route.request.url
        route.fulfill(json={"items": MEMBERS if first else [late], "next": "c2" if first else None})

    page.route(f"**/api/teams/{TEAM['id']}/members?*", listed)
    page.goto(f"{origin}/teams")
    page.get_by_label("Find somebody").fill("zoe")
    expect(page.locator(".people .row-item")).to_have_count(1)
    page.get_by_label("Find somebody").fill("nobody at all")
    expect(page.get_by_role("heading", name="Nobody of that name")).to_be_visible()


def test_news_leaves_a_long_list_as_long_as_it_was(page: Page, origin: str) -> None:
    """Whoever has come to the second page reads on there."""
    many = [{**STATUSES[0], "id": f"s_{n:024x}", "title": f"Post {n}"} for n in range(30)]
    asked: list[str] = []

    def listed(route: Route) -> None:
        asked.append(route.request.url)
        found = re.search(r"limit=(\d+)", route.request.url)
        limit, start = int(found[1]) if found else 0, 20 if "after=" in asked[-1] else 0
        page_ = many[start : start + limit]
        route.fulfill(json={"items": page_, "next": "c" if start + limit < len(many) else None})

    page.route(f"**/api/teams/{TEAM['id']}/statuses?*", listed)
    page.goto(f"{origin}/statuses")
    posts = page.locator(".status")
    expect(posts).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    expect(posts).to_have_count(30)
    with page.expect_response(f"**/api/teams/{TEAM['id']}/statuses?*"):
        hear(page, _LIVE, type="feed", data={"verb": "status.liked", "subject": {"kind": "status"}})
    expect(page.locator(".more .spinner")).to_have_count(0)
    expect(posts).to_have_count(30)
    assert "limit=30" in asked[-1]


def test_who_only_reads_is_offered_nothing_else(page: Page) -> None:
    """Neither in the menu nor by drag; what is left leads somewhere."""
    project = {**PROJECT, "role": "reader"}
    page.route(f"**/api/projects/{PROJECT['id']}", lambda route: route.fulfill(json=project))
    page.reload()
    page.get_by_role("heading", name=DOCUMENT["name"], level=1).wait_for()
    assert page.get_by_role("button", name="Edit").count() == 0
    assert page.locator("[draggable=true]").count() == 0
    page.locator(".project-main").get_by_role("button", name="More", exact=True).first.click()
    assert page.get_by_role("menuitem").all_text_contents() == ["History"]


@pytest.mark.parametrize(
    ("language", "field", "place"),
    [("en", "Words to look for", "Show everything"), ("zh", "搜索内容", "显示全部")],
)
def test_statuses_are_found_by_their_words(
    page: Page, origin: str, language: str, field: str, place: str
) -> None:
    """The words stand in the address, and one press shows everything again."""
    path = f"/api/teams/{TEAM['id']}/statuses"
    page.route(f"**{path}?*q=*", lambda route: route.fulfill(json={"items": [], "next": None}))
    page.goto(f"{origin}/statuses?ui_locales={language}")
    expect(page.locator(".status")).to_have_count(len(STATUSES))
    with page.expect_request(re.compile(rf"{path}\?q=%E7%94%B5%E8%B4%B9&")):
        page.get_by_label(field).fill("电费")
    expect(page).to_have_url(re.compile(r"\?q="))
    page.get_by_role("button", name=place).click()
    expect(page.locator(".status")).to_have_count(len(STATUSES))
    assert "q=" not in page.url


@pytest.mark.parametrize(
    ("language", "restore", "erase", "sure"),
    [
        ("en", "Restore {}", "Delete {} for good", "Delete for good"),
        ("zh", "恢复“{}”", "彻底删除“{}”", "彻底删除"),
    ],
)
def test_deleted_projects_come_back_or_go_for_good(
    page: Page, origin: str, language: str, restore: str, erase: str, sure: str
) -> None:
    """By one press, or by a press and a yes."""
    gone = DELETED_PROJECTS[0]
    done: list[str] = []

    def note(route: Route) -> None:
        done.append(f"{route.request.method} {route.request.url.partition('/api')[2]}")
        route.fulfill(json={})

    page.route("**/api/projects/*/restore", note)
    page.route("**/api/teams/*/projects/deleted/*", note)
    page.goto(f"{origin}/projects?ui_locales={language}")
    page.locator("#content a[href='/projects/deleted']").click()
    page.get_by_role("button", name=restore.format(gone["name"])).click()
    expect(page.locator(".toast")).to_contain_text(str(gone["name"]))
    page.get_by_role("button", name=erase.format(gone["name"])).click()
    page.get_by_role("dialog").get_by_role("button", name=sure, exact=True).click()
    expect(page.locator(".toast")).to_have_count(2)
    assert done == [
        f"POST /projects/{gone['id']}/restore",
        f"DELETE /teams/{TEAM['id']}/projects/deleted/{gone['id']}",
    ]


def test_a_problem_that_no_field_shows_is_told_above_the_form(page: Page, origin: str) -> None:
    """A complaint of something that the form does not ask for would else be silence."""
    errors = [{"field": "expires_in_s", "code": "too_large", "message": "Write less."}]
    refused = {"code": "invalid_fields", "errors": errors}
    path = f"**/api/teams/{TEAM['id']}/invitations"
    page.route(path, lambda route: route.fulfill(status=422, json=refused))
    page.goto(origin + PAGES["invitations"])
    page.get_by_role("button", name="New invitation").click()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_focused()


def test_a_form_that_met_a_newer_version_is_saved_over_that(page: Page, origin: str) -> None:
    """The second press sends what was changed here, and nothing of what the other changed."""
    path = f"/api/teams/{TEAM['id']}"
    sent: list[tuple[str, Any]] = []
    theirs = {**TEAM, "description": "By Ada"}

    def answer(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json=theirs, headers={"ETag": '"v2"'})
            return
        sent.append((route.request.headers["if-match"], route.request.post_data_json))
        if len(sent) == 1:
            route.fulfill(status=412, json={"code": "precondition_failed"})
        else:
            route.fulfill(json={**theirs, "name": "Campus"}, headers={"ETag": '"v3"'})

    page.goto(origin + PAGES["settings"])
    page.get_by_label("Name", exact=True).fill("Campus")
    page.route(f"**{path}", answer)
    save = page.get_by_role("button", name="Save", exact=True)
    with page.expect_response(lambda got: got.url.endswith(path) and got.request.method == "GET"):
        save.click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody changed this in the meantime.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Campus")
    save.click()
    expect(page.locator(".toast")).to_contain_text("Saved.")
    expect(page.get_by_label("What it is about")).to_have_value("By Ada")
    assert sent == [('"v1"', {"name": "Campus"}), ('"v2"', {"name": "Campus"})]
