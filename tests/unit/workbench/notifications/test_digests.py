"""The daily e-mail: only if wanted, of what is unread, once."""

from __future__ import annotations

import email
import email.policy
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from tests.unit.workbench.notifications.test_inbox import inbox, ring
from workbench.cli import cli
from workbench.database import db
from workbench.feed.sight import channels_of
from workbench.notifications.digests import Outcome, Sender, send_all
from workbench.notifications.mail import NotSent, Outbox
from workbench.notifications.model import MailDigest
from workbench.users.model import User

if TYPE_CHECKING:
    from email.message import EmailMessage
    from pathlib import Path

    from tests.unit.workbench.conftest import Someone
    from tests.unit.workbench.crew import Crew
    from workbench.settings import Settings


@dataclass
class Postman:
    """Keeps what it is given; refuses when told to."""

    letters: list[EmailMessage] = field(default_factory=list)
    refuses: bool = False

    def send(self, letter: EmailMessage) -> None:
        """Take *letter*."""
        if self.refuses:
            raise NotSent("not today")
        self.letters.append(letter)


def reader(crew: Crew, name: str = "ann") -> Someone:
    """Return a member who wants letters and has an address."""
    someone = crew.member(name)
    with crew.app.app_context():
        db.session.execute(
            update(User).where(User.id == someone.id).values(email=f"{name}@example.com")
        )
        db.session.commit()
    someone.call("PATCH", "/notifications/preferences", {"daily_email": True})
    return someone


def run(crew: Crew, postman: Postman) -> Outcome:
    """Do what the timer does."""
    address = "Cloakroom <workbench@example.com>"
    with crew.app.app_context():
        return send_all(Sender(postman, address, "https://app.example/", channels_of))


def a_day_later(crew: Crew) -> None:
    """Let a day have passed since the last run."""
    with crew.app.app_context():
        db.session.execute(update(MailDigest).values(claimed_at=None))
        db.session.commit()


def test_a_letter_tells_of_what_is_unread(crew: Crew) -> None:
    """In both languages, with the way to the inbox; the subject counts."""
    reader(crew)
    ring(crew, "你好")
    ring(crew, "second")
    postman = Postman()
    assert run(crew, postman) == Outcome(sent=1)
    [letter] = postman.letters
    assert letter["To"] == "ann@example.com"
    assert letter["Subject"] == "工作台：2 条未读消息 / Workbench: 2 unread"
    text = letter.get_content()
    assert "olga 提到了你: 你好" in text
    assert "olga mentioned you: second" in text
    assert "https://app.example/inbox" in text


def test_an_address_of_ones_own_choice_gets_no_letters(crew: Crew) -> None:
    """Whoever writes another's address into their profile cannot have letters sent there."""
    ann = reader(crew)
    bob = crew.member("bob")  # of him the issuer told none
    bob.call("PATCH", "/notifications/preferences", {"daily_email": True})
    for someone in (ann, bob):
        etag = someone.get("/users/me").headers["ETag"]
        chosen = {"email": "victim@example.org"}
        written = someone.call("PATCH", "/users/me", chosen, match=etag)
        assert written.status_code == 200
    ring(crew)
    ring(crew, name="bob")
    postman = Postman()
    assert run(crew, postman) == Outcome(sent=1)
    assert [letter["To"] for letter in postman.letters] == ["ann@example.com"]


def test_nobody_gets_letters_unasked(crew: Crew) -> None:
    """Neither who never asked, nor who asked no longer, nor who has no address."""
    crew.member("bob")
    ring(crew, name="bob")
    reader(crew).call("PATCH", "/notifications/preferences", {"daily_email": False})
    ring(crew)
    crew.member("eve").call("PATCH", "/notifications/preferences", {"daily_email": True})
    ring(crew, name="eve")
    postman = Postman()
    assert (run(crew, postman), postman.letters) == (Outcome(), [])


def test_nothing_is_told_twice(crew: Crew) -> None:
    """One letter a day; the next one begins where this one ended."""
    reader(crew)
    ring(crew, "第一条")
    postman = Postman()
    run(crew, postman)
    ring(crew, "第二条")
    assert run(crew, postman) == Outcome()
    a_day_later(crew)
    run(crew, postman)
    a_day_later(crew)
    run(crew, postman)
    texts = [letter.get_content() for letter in postman.letters]
    assert [("第一条" in text, "第二条" in text) for text in texts] == [
        (True, False),
        (False, True),
    ]


def test_what_was_read_or_is_hidden_is_not_told(crew: Crew) -> None:
    """A letter tells no more than the inbox does."""
    ann = reader(crew)
    ring(crew, "read")
    ann.post("/notifications/read", {"ids": [inbox(ann)[0]["id"]]})
    ring(crew, "hidden")
    crew.drop(ann)
    postman = Postman()
    assert (run(crew, postman), postman.letters) == (Outcome(), [])


def test_a_letter_that_could_not_leave_is_tried_again(crew: Crew) -> None:
    """An outage of the mail server loses nothing."""
    reader(crew)
    ring(crew)
    postman = Postman(refuses=True)
    assert run(crew, postman) == Outcome(failed=1)
    postman.refuses = False
    assert run(crew, postman) == Outcome(sent=1)


def test_two_runs_at_once_send_one_letter(crew: Crew) -> None:
    """Each person is taken on by one run."""
    reader(crew)
    ring(crew)
    postman, together = Postman(), threading.Barrier(2)

    def go(_: int) -> Outcome:
        together.wait(30)
        return run(crew, postman)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(go, range(2)))
    assert sorted(outcome.sent for outcome in outcomes) == [0, 1]
    assert len(postman.letters) == 1


def test_the_command_fills_the_outbox(
    crew: Crew, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a mail server letters are files that anybody's reader opens."""
    reader(crew)
    ring(crew, "你好")
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("WORKBENCH_MAIL_OUTBOX", str(tmp_path / "outbox"))
    done = CliRunner().invoke(cli, ["digests", "send"])
    assert (done.exit_code, done.output) == (0, "1 sent, 0 could not leave.\n")
    [file] = (tmp_path / "outbox").glob("*.eml")
    assert file.stat().st_mode & 0o077 == 0
    letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert "你好" in str(letter.get_content())


def test_an_outbox_that_cannot_be_written_is_not_sent(tmp_path: Path) -> None:
    """A full disk is an outage, never a bug."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotSent):
        Outbox(tmp_path / "file").send(email.message_from_bytes(b"", policy=email.policy.default))
