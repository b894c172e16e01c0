"""The workbench when things are not well: signed out, offline, refused, slow; and by keyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.support import chromium as support
from tests.support.bench_answers import DOCUMENT, FOLDER, PROJECT
from tests.support.bench_people import TEAM
from tests.support.bench_stub import PAGES, bench_stub
from tests.support.showcase import served

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page, Route

_COMMENTS = f"**/api/nodes/{DOCUMENT['id']}/comments"
_TREE_LABEL = f"Contents of {PROJECT['name']}"


def says(status: int, document: object, **headers: str) -> Callable[[Route], None]:
    """Return a route that answers so."""
    return lambda route: route.fulfill(status=status, json=document, headers=headers)


def posting(page: Page, *answers: Callable[[Route], None]) -> list[dict[str, Any]]:
    """Answer what is posted as a comment with *answers* in turn; return what was sent."""
    sent: list[dict[str, Any]] = []
    left = list(answers)

    def answer(route: Route) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        key = route.request.headers["idempotency-key"]
        sent.append({"body": json.loads(route.request.post_data or ""), "key": key})
        left.pop(0)(route)

    page.route(_COMMENTS, answer)
    return sent


_MADE = says(201, {"id": "cm_" + "9" * 24})


def comment(page: Page, text: str) -> None:
    """Write *text* and send it."""
    page.get_by_label("Write a comment").fill(text)
    page.get_by_role("button", name="Comment", exact=True).click()


def is_sent(page: Page) -> None:
    """Wait until the field is empty, as after a comment that stands."""
    expect(page.get_by_label("Write a comment")).to_have_value("")


@pytest.mark.parametrize(
    ("code", "title", "button"),
    [
        ("login_required", "You have been signed out", "Sign in again"),
        ("step_up_required", "Confirm that it is you", "Confirm"),
    ],
)
def test_what_met_a_missing_sign_in_goes_on_afterwards(
    page: Page, origin: str, code: str, title: str, button: str
) -> None:
    """The page stays; a window beside it signs in; then the comment stands, made once."""
    refusal = says(401, {"code": code, "login_url": "/bff/login"})
    sent = posting(page, refusal, _MADE)
    page.context.route("**/bff/login?*", lambda route: route.fulfill(body="<title>in</title>"))
    comment(page, "Still here.")
    dialog = page.get_by_role("dialog", name=title)
    expect(dialog.get_by_role("button", name=button)).to_be_focused()
    with page.expect_popup() as popup:
        dialog.get_by_role("button", name=button).click()
    popup.value.goto(f"{origin}/bff/signed-in")  # where signing in ends
    is_sent(page)
    expect(dialog).to_have_count(0)
    assert [one["body"] for one in sent] == [{"body": "Still here."}] * 2
    assert sent[0]["key"] == sent[1]["key"]


def test_who_does_not_sign_in_keeps_the_text(page: Page) -> None:
    """The refusal is said where the text is, and the text survives a reload."""
    posting(page, says(401, {"code": "login_required", "login_url": "/bff/login"}))
    comment(page, "Not lost.")
    page.get_by_role("button", name="Not now").click()
    expect(page.locator(".composer [role=alert]")).to_have_text(
        "You are signed out. Sign in again to go on."
    )
    page.reload()
    expect(page.get_by_label("Write a comment")).to_have_value("Not lost.")


def test_an_outage_is_waited_for_and_told_of(page: Page) -> None:
    """503: the page asks again by itself with the same key, and says so meanwhile."""
    sent = posting(page, says(503, {"code": "storage_unavailable"}, **{"Retry-After": "1"}), _MADE)
    comment(page, "Patience.")
    expect(page.locator(".bars")).to_contain_text("The service is slow to answer.")
    is_sent(page)
    expect(page.locator(".bar")).to_have_count(0)
    assert sent[0] == sent[1]


def test_being_offline_is_told_and_passes(page: Page) -> None:
    """Above the page, without covering it."""
    page.context.set_offline(True)
    expect(page.locator(".bars")).to_contain_text("You are offline.")
    page.context.set_offline(False)
    expect(page.locator(".bar")).to_have_count(0)


def test_a_second_press_sends_nothing_twice(page: Page) -> None:
    """Two clicks at once are one comment."""
    sent = posting(page, _MADE, _MADE)
    page.get_by_label("Write a comment").fill("Once.")
    page.get_by_role("button", name="Comment", exact=True).evaluate(
        "it => { it.click(); it.click() }"
    )
    is_sent(page)
    assert len(sent) == 1


def test_a_wrong_field_is_told_at_the_field(page: Page, origin: str) -> None:
    """In words of the page's language, with the focus where it is to be mended."""
    page.goto(f"{origin}/welcome")
    errors = [{"field": "name", "code": "taken", "message": "There is one already."}]
    page.route(
        "**/api/teams",
        lambda route: (
            says(422, {"code": "invalid_fields", "errors": errors})(route)
            if route.request.method == "POST"
            else route.fallback()
        ),
    )
    name = page.get_by_label("Name of the team")
    page.get_by_role("button", name="Found the team").click()
    expect(name).to_have_accessible_description("Error: This must not be empty.")
    name.fill("Chess")
    page.get_by_role("button", name="Found the team").click()
    expect(name).to_have_accessible_description("Error: This is taken already.")
    expect(name).to_be_focused()
    expect(name).to_have_value("Chess")


@pytest.mark.parametrize(
    ("status", "words"),
    [(404, "There is nothing here"), (500, "This could not be loaded")],
)
def test_what_cannot_be_shown_is_told(page: Page, origin: str, status: int, words: str) -> None:
    """With a code to quote, and a second try where that may help."""
    page.route("**/api/statuses/*", says(status, {"code": "x", "request_id": "r42"}))
    page.goto(f"{origin}/statuses/s_{'7' * 24}")
    failed = page.get_by_role("alert")
    expect(failed).to_contain_text(words)
    expect(failed).to_contain_text("r42")
    assert failed.get_by_role("button", name="Try again").count() == (status == 500)


def test_an_upload_is_paused_and_goes_on(page: Page) -> None:
    """What the server holds is not sent again."""
    size, piece = 300_000, 200_000
    held = {"bytes": 0}
    offsets: list[int] = []

    def told() -> dict[str, Any]:
        file = {"id": "n_" + "9" * 24} if held["bytes"] == size else None
        return {"id": "up_1", "offset": held["bytes"], "chunk_bytes": piece, "file": file}

    def take(route: Route) -> None:
        if route.request.method == "GET":
            route.fulfill(json=told())
            return
        offsets.append(int(route.request.headers["upload-offset"]))
        if offsets == [0, piece]:
            return  # the second piece hangs until it is paused
        held["bytes"] = min(offsets[-1] + piece, size)
        route.fulfill(json=told())

    page.route(f"**/api/projects/{PROJECT['id']}/uploads", lambda route: route.fulfill(json=told()))
    page.route("**/api/uploads/*", take)
    file = {"name": "a.bin", "mimeType": "application/octet-stream", "buffer": b"x" * size}
    page.get_by_label("Upload files").set_input_files(file)  # type: ignore[arg-type]  # its own shape
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads).to_contain_text("200 kB of 300 kB")
    uploads.get_by_role("button", name="Pause a.bin").click()
    expect(uploads).to_contain_text("Paused at")
    uploads.get_by_role("button", name="Go on with a.bin").click()
    expect(uploads).to_contain_text("Uploaded, 300 kB")
    assert offsets == [0, piece, piece]


def test_the_tree_is_walked_and_ordered_by_keyboard(page: Page) -> None:
    """One stop; arrows walk and unfold, Alt and arrows move by one write."""
    moves: list[dict[str, Any]] = []

    def move(route: Route) -> None:
        moves.append(json.loads(route.request.post_data or ""))
        route.fulfill(json={})

    page.route("**/api/nodes/n_*", move)
    tree = page.get_by_role("tree", name=_TREE_LABEL)
    assert tree.locator("[tabindex='0']").count() == 1
    folder = tree.get_by_role("treeitem", name=f"{FOLDER['name']}, Folder")
    tree.locator("[tabindex='0']").focus()
    page.keyboard.press("Home")
    expect(folder).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(folder).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    notes = tree.get_by_role("treeitem", name="会议记录 11 月 20 日, Document")
    expect(notes).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator(".toasts")).to_contain_text("is moved.")
    assert moves == [{"parent": None, "before": "n_" + "4" * 24}]


def test_fast_keys_leave_nobody_behind_in_the_tree(page: Page) -> None:
    """The focus is where the last key led, also when nothing was painted between two of them."""
    tree = page.get_by_role("tree", name=_TREE_LABEL)
    tree.locator("[tabindex='0']").focus()
    page.keyboard.press("Home")
    tree.evaluate("""async (tree) => {
        for (const key of ["ArrowLeft", "ArrowDown", "ArrowDown"]) {
            const pressed = new KeyboardEvent("keydown", { key, bubbles: true });
            document.activeElement.dispatchEvent(pressed);
            for (let turn = 0; turn < 10; turn += 1) await null;
        }
    }""")
    notes = tree.get_by_role("treeitem", name="会议记录 11 月 20 日, Document")
    expect(notes).to_be_focused()


def test_the_tree_is_ordered_by_drag(page: Page) -> None:
    """Onto the middle of a folder: into it, shown before the answer is there."""
    moves: list[dict[str, Any]] = []

    def move(route: Route) -> None:
        moves.append(json.loads(route.request.post_data or ""))
        route.fulfill(json={})

    page.route("**/api/nodes/n_*", move)
    tree = page.get_by_role("tree", name=_TREE_LABEL)
    plan = tree.get_by_role("treeitem", name="Rollout plan, Document")
    plan.drag_to(tree.get_by_role("treeitem", name="Design, Folder"))
    expect(page.locator(".toasts")).to_contain_text("Rollout plan is moved.")
    assert moves == [{"parent": "n_" + "4" * 24, "before": None}]


def test_everything_is_reached_by_keyboard_and_left_again(page: Page) -> None:
    """Skip link, menu, dialog: each gives the focus back to where it came from."""
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    more = page.get_by_role("button", name="More", exact=True).first
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Move to another folder")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_be_focused()
    for _ in range(8):
        page.keyboard.press("Tab")
        # The browser's own frame is on the way round, the page behind is not.
        assert page.evaluate("document.activeElement.matches('dialog *, body')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(more).to_be_focused()


def test_leaving_unsaved_text_asks_and_keeps_it(page: Page, origin: str) -> None:
    """The draft is there at the next visit, and can be gone on with."""
    page.get_by_role("button", name="Edit").click()
    area = page.get_by_label("Text of the document, in Markdown")
    area.fill("Half a thought")
    page.get_by_role("link", name="Projects", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    page.get_by_role("heading", name="Projects", level=1).wait_for()
    page.goto(origin + PAGES["document"])
    expect(page.locator(".notice")).to_contain_text("You have text here that is not saved")
    page.get_by_role("button", name="Go on writing").click()
    expect(area).to_have_value("Half a thought")


def test_a_newcomer_is_led(chromium: Browser) -> None:
    """Without a team every address leads to the three ways into one."""
    newcomer = {
        "/users/me": {"id": "u_1", "name": None, "username": "noor", "avatar_url": None},
        "/teams": {"items": [], "next": None},
        "/applications": {"items": [], "next": None},
        "/notifications/unread": {"unread": 0},
    }
    context = support.visitor(chromium)
    page = context.new_page()
    with served(bench_stub(newcomer)) as origin:
        page.goto(f"{origin}/statuses")
        page.wait_for_url(f"{origin}/welcome")
        expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, noor")
        assert page.locator(".way h2").all_text_contents() == [
            "Join a team that is here",
            "Accept an invitation",
            "Found a team",
        ]
        context.close()


def test_words_follow_the_language_and_stay(page: Page, origin: str) -> None:
    """Chosen in the menu, kept for the next visit; the address is clean again."""
    page.get_by_role("button", name="Account of 林晓雨").click()
    page.get_by_role("menuitem", name="中文").click()
    page.get_by_role("button", name="编辑").wait_for()
    assert "ui_locales" not in page.url
    page.goto(f"{origin}/teams")
    expect(page.get_by_role("link", name="加入申请")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert str(TEAM["name"]) in page.title()
