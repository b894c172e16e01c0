"""Letters leave once, after what they are about is true, and wait while nobody takes them."""

from __future__ import annotations

import email
from email.policy import default
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from sso.accounts.notices import ALL
from sso.mail.letters import NOTICE, Letter, Writer
from sso.mail.transports import Folder, NotSent
from sso.mounting import postman_of
from sso.storage.mail import OutgoingLetter
from tests.unit.sso.house import House, Pile, link_in

if TYPE_CHECKING:
    from pathlib import Path


def write(house: House) -> None:
    """Put a letter to ada down."""
    house.base.storage.write(
        lambda session: house.base.notices.add(session, house.user.sub, "password_changed")
    )


def waiting(house: House) -> list[OutgoingLetter]:
    """Return the letters that wait."""
    with house.base.storage.reading() as session:
        return list(session.scalars(select(OutgoingLetter)))


def test_a_letter_is_sent_once_by_one_of_two_processes(either_house: House) -> None:
    """The other finds it taken."""
    house = either_house
    write(house)
    other = Pile()
    parts = house.app.extensions["sso"]
    second = postman_of(house.app, parts.base, parts.services, via=other)
    row = waiting(house)[0]
    assert house.base.postbox.claim(row)
    assert not house.base.postbox.claim(row)
    assert second.deliver_due() == 0
    house.clock.pass_s(121)  # the one that took it died
    assert second.deliver_due() == 1
    assert len(other.messages) == 1
    assert waiting(house) == []


def test_what_is_rolled_back_is_never_written(house: House) -> None:
    """A letter is part of the transaction that it is about."""

    def work(session: object) -> None:
        house.base.notices.add(session, house.user.sub, "password_changed")  # type: ignore[arg-type]
        raise KeyError

    with pytest.raises(KeyError):
        house.base.storage.write(work)
    assert house.letters() == []


def test_it_is_tried_again_later_and_later_until_it_is_too_late(house: House) -> None:
    """Nothing is lost while the server is away; nothing is sent when it is of no use."""
    house.clock.stop()  # two seconds may pass between two lines of a test on a busy machine
    house.pile.fault = NotSent("away")
    write(house)
    for wait_s in (2, 10, 60, 300, 900, 900):
        assert house.postman.deliver_due() == 1
        assert house.postman.deliver_due() == 0
        house.clock.pass_s(wait_s + 1)
    house.pile.fault = None
    assert len(house.letters()) == 1
    house.pile.fault = NotSent("away")
    write(house)
    house.postman.deliver_due()
    house.pile.fault = None
    house.clock.pass_s(2 * 86_400)
    assert house.letters() == []
    assert waiting(house) == []


def test_what_is_refused_for_good_is_given_up(house: House) -> None:
    """Once, with a word in the log."""
    house.pile.fault = NotSent("no such mailbox", for_good=True)
    write(house)
    assert house.postman.deliver_due() == 1
    assert waiting(house) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_notice_has_words_of_its_own_in_both_languages(house: House, language: str) -> None:
    """None is empty, none has a hole in it, and no language falls back to the other."""
    writer = Writer(house.app, sender="C <c@example.org>")
    said = set()
    for what in ALL:
        facts = {"what": what, "username": "林晓雨", "service": "https://sso.example.edu"}
        message = writer.write(Letter(NOTICE, "a@example.org", language, facts), at=house.clock())
        assert "林晓雨" in message["Subject"]
        text = message.get_content()
        assert "\n-- \n" in text
        said.add(text.partition("\n\n")[0])
    assert len(said) == len(ALL)
    assert all(sentence.isascii() == (language == "en") for sentence in said)


def test_an_outbox_has_a_private_file_a_letter(house: House, tmp_path: Path) -> None:
    """Readable by any mail program, and by a person who looks for the link."""
    folder = tmp_path / "outbox"
    parts = house.app.extensions["sso"]
    postman = postman_of(house.app, parts.base, parts.services, via=Folder(folder))
    house.signed_in().submit("/account/email", "/account/email/verify")
    assert postman.deliver_due() == 1
    [file] = folder.iterdir()
    assert file.suffix == ".eml"
    assert file.stat().st_mode & 0o077 == 0
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert message["To"] == "ada@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert link_in(message).encode() in file.read_bytes()  # whole, on one line


def test_a_full_disk_is_waited_for(house: House, tmp_path: Path) -> None:
    """The letter stays."""
    (tmp_path / "outbox").write_text("in the way")
    parts = house.app.extensions["sso"]
    postman = postman_of(house.app, parts.base, parts.services, via=Folder(tmp_path / "outbox"))
    write(house)
    assert postman.deliver_due() == 1
    assert len(waiting(house)) == 1


def test_an_errand_and_its_letters_are_one_transaction(house: House) -> None:
    """Who asked for a link is forgotten when the letter is written, not before."""
    house.visitor().submit("/password/forgotten", email="ada@example.org")
    assert [row.kind for row in waiting(house)] == ["reset_asked"]
    assert house.postman.deliver_due() == 1
    assert [row.kind for row in waiting(house)] == ["reset"]
