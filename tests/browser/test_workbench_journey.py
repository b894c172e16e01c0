"""Three people, three browsers, one team: the workbench through the whole house as it starts.

The upload is of 8 MB; ``WORKBENCH_UPLOAD_MB=200`` makes it the long one.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.desk import LIVE_WITHIN_MS, Desk
from tests.support.house import House

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

_UPLOAD_BYTES = int(os.environ.get("WORKBENCH_UPLOAD_MB", "8")) * 1_000_000
_TEXT = "First line\n\nSecond line\n\nThird line"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The house as `make run` starts it."""
    house = House(tmp_path_factory.mktemp("workbench"))
    house.start()
    yield house
    house.program.stop()


@pytest.fixture
def desks(house: House, chromium: Browser) -> Iterator[tuple[Desk, Desk, Desk]]:
    """Three people who have just made an account."""
    three = (Desk(chromium, house.url), Desk(chromium, house.url), Desk(chromium, house.url))
    for desk in three:
        desk.sign_up()
    yield three
    for desk in three:
        desk.close()


def _found_team(ada: Desk, name: str) -> None:
    ada.sees("Welcome, ")
    ada.fill(Name_of_the_team=name)
    ada.press("Found the team")
    ada.is_told(f"The team {name} is there.")


def _apply_and_be_accepted(ada: Desk, newcomer: Desk, team: str) -> None:
    newcomer.follow("Find a team")
    newcomer.fill(Name_of_the_team=team)
    newcomer.press(f"Apply to {team}")
    newcomer.fill(A_line_about_yourself="I would like to help.")
    newcomer.press("Send")
    newcomer.sees("Waiting for an answer")
    ada.press(f"Accept {newcomer.name}")
    ada.is_told(f"{newcomer.name} is in the team now.")
    # Nobody touched the newcomer's page: the news came by itself.
    newcomer.page.wait_for_url(f"{newcomer.url}/", timeout=LIVE_WITHIN_MS)
    newcomer.sees(f"What happened in {team}")


def _make_project(ada: Desk, *members: Desk) -> str:
    ada.follow("Projects")
    ada.press("New project")
    ada.fill(Name="Electricity", What_it_is_about="Bills per room.")
    ada.press("Begin")
    ada.page.wait_for_url("**/projects/p_*")
    project = ada.page.url.rsplit("/", 1)[1]
    ada.choose("More", "Members")
    for member in members:
        ada.page.get_by_label("Add somebody of the team").select_option(label=member.name)
        ada.press("Add")
        ada.is_told(f"{member.name} is in the project now.")
    return project


def _write_document(ada: Desk, project: str) -> str:
    ada.go(f"/projects/{project}")
    ada.choose("Add", "New document")
    ada.fill(Title="Rules")
    ada.press("Add", ada.page.get_by_role("dialog"))
    ada.page.get_by_label("Text of the document, in Markdown").fill(_TEXT)
    ada.press("Save")
    ada.is_told("Saved.")
    return re.sub(r".*/documents/(n_\w+).*", r"\1", ada.page.url)


def _upload(bo: Desk, project: str, file: Path) -> None:
    bo.go(f"/projects/{project}")
    with bo.page.expect_file_chooser() as chooser:
        bo.choose("Add", "Upload files")
    chooser.value.set_files(file)
    expect(bo.page.get_by_role("progressbar")).to_be_visible()
    bo.page.get_by_text(f"{file.name} is uploaded.").first.wait_for(timeout=240_000)
    (item,) = [one for one in bo.ask(f"/projects/{project}/tree")["items"] if one["kind"] == "file"]
    assert item["size"] == file.stat().st_size
    bo.page.get_by_role("treeitem", name=f"{file.name}, File").click()
    with bo.page.expect_download() as download:
        bo.press("Download")
    assert download.value.path().read_bytes() == file.read_bytes()


def _edit(desk: Desk, old: str, new: str) -> None:
    desk.press("Edit")
    area = desk.page.get_by_label("Text of the document, in Markdown")
    expect(area).to_have_value(_TEXT)
    area.fill(_TEXT.replace(old, new))


def _both_edit(bo: Desk, cai: Desk, document: str) -> None:
    """Both change a line of their own, and both the same one."""
    for desk in (bo, cai):
        desk.go(document)
    _edit(bo, "First line", "First line, by Bo")
    _edit(cai, "First line", "First line, by Cai")
    area = cai.page.get_by_label("Text of the document, in Markdown")
    area.fill(area.input_value().replace("Third line", "Third line, by Cai"))
    bo.press("Save")
    bo.is_told("Saved.")
    cai.sees("Somebody saved a newer text while you write.")
    cai.press("Save")
    cai.sees("Two versions of Rules")
    cai.page.get_by_label(f"By {bo.name}").check()
    cai.press("Save the joined text")
    cai.is_told("Saved.")
    for desk in (bo, cai):
        desk.sees("First line, by Bo")
        desk.sees("Third line, by Cai")


def _post_like_and_comment(ada: Desk, bo: Desk, cai: Desk) -> None:
    ada.go("/")
    bo.go("/statuses")
    cai.go("/statuses")
    cai.press("Post a status")
    cai.fill(Title="Reminders run", Done="- The daily task", Next="- Try one building")
    cai.press("Post")
    cai.is_told("Your status is posted.")
    ada.sees("Reminders run")  # at home, live
    bo.sees("Reminders run")  # in the list, live
    like = bo.page.get_by_role("button", name=re.compile("^Like"))
    like.click()
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(cai.page.get_by_role("button", name="Like 1 like")).to_be_visible(timeout=LIVE_WITHIN_MS)
    cai.go("/")
    badge = cai.page.locator(".places .unread")
    unread = badge.inner_text()[0] if badge.count() else "0"
    ada.follow("Reminders run")
    ada.fill(Write_a_comment=f"Well done, @{cai.name}!")
    ada.press("Comment")
    ada.sees("Well done, ")
    expect(badge).not_to_have_text(re.compile(rf"^{unread}\D"), timeout=LIVE_WITHIN_MS)
    cai.follow("Inbox")
    cai.sees("You are mentioned.")
    cai.press("Mark all as read")
    expect(badge).to_have_count(0, timeout=LIVE_WITHIN_MS)


def _trash_and_restore(ada: Desk, bo: Desk, project: str, document: str) -> None:
    ada.go(f"/projects/{project}/trash")
    ada.sees("The trash is empty")
    bo.go(document)
    bo.choose("More", "Into the trash")
    bo.press("Into the trash", bo.page.get_by_role("dialog"))
    bo.is_told("Rules is in the trash.")
    ada.press("Restore Rules")  # it appeared by itself
    ada.is_told("Rules is back.")
    expect(bo.page.get_by_role("treeitem", name="Rules, Document")).to_be_visible(
        timeout=LIVE_WITHIN_MS
    )


def _sign_out_everywhere(chromium: Browser, cai: Desk) -> None:
    elsewhere = Desk(chromium, cai.url, cai.person)
    elsewhere.sign_in()
    cai.go("/devices")
    cai.press("Sign out all others")
    cai.press("Sign them out")
    cai.is_told("1 device is signed out.")
    elsewhere.sees("You have been signed out.")
    elsewhere.close()
    cai.press("Sign out", cai.page.locator("#content"))
    expect(cai.page.locator("main a[href^='/bff/login']")).to_be_visible()


@pytest.mark.timeout(600)
def test_three_people_work_together(
    desks: tuple[Desk, Desk, Desk], chromium: Browser, tmp_path: Path
) -> None:
    """From the first sign-in to the sign-out everywhere, each seeing what the others do."""
    ada, bo, cai = desks
    team = f"Campus Card {ada.name}"
    _found_team(ada, team)
    ada.go("/teams/applications")
    for newcomer in (bo, cai):
        _apply_and_be_accepted(ada, newcomer, team)
    project = _make_project(ada, bo, cai)
    document = f"/projects/{project}/documents/{_write_document(ada, project)}"
    file = tmp_path / "rooms.bin"
    file.write_bytes(os.urandom(_UPLOAD_BYTES))
    _upload(bo, project, file)
    _both_edit(bo, cai, document)
    _post_like_and_comment(ada, bo, cai)
    _trash_and_restore(ada, bo, project, document)
    _sign_out_everywhere(chromium, cai)
    for desk in (ada, bo, cai):
        assert (desk.name, desk.complaints()) == (desk.name, [])


@pytest.mark.timeout(600)
def test_an_invitation_leads_a_stranger_into_the_team(house: House, chromium: Browser) -> None:
    """The code behind the # survives signing up; the picture of the founder is seen by the new."""
    founder, stranger = Desk(chromium, house.url), Desk(chromium, house.url)
    founder.sign_up()
    team = f"Library {founder.name}"
    _found_team(founder, team)
    founder.press("New invitation")
    founder.press("Make the link")
    link = founder.page.get_by_label("Link", exact=True).input_value()
    stranger.sign_up(link.removeprefix(house.url))
    stranger.sees(f"{founder.name} invites you.")
    stranger.press("Join the team")
    stranger.sees(f"What happened in {team}")
    founder.go("/profile")
    picture = {"name": "me.png", "mimeType": "image/png", "buffer": founder.page.screenshot()}
    founder.page.get_by_label("Choose a picture").first.set_input_files(picture)  # type: ignore[arg-type]  # its own shape
    founder.is_told("Your picture is changed.")
    stranger.go("/teams")
    shown = stranger.page.locator(".people .avatar img").first
    expect(shown).to_have_attribute("src", re.compile(r"^data:image/"))
    for desk in (founder, stranger):
        assert (desk.name, desk.complaints()) == (desk.name, [])
        desk.close()
