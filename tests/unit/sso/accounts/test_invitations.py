"""Invitations: so many accounts for so long, by a link that an administrator can end."""

from __future__ import annotations

import json
import re
import shutil
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from sso.accounts.users import NewUser
from sso.cli import cli
from tests.unit.sso.house import ISSUER, PASSWORD, House

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from sso.accounts.invitations import Invitations


@pytest.fixture
def house(tmp_path: Path, valkey_url: str, furnished: Path) -> House:
    """An SSO that takes in whoever is invited."""
    file = shutil.copy(furnished, tmp_path / "sso.sqlite3")
    return House(f"sqlite:///{file}", valkey_url, fresh=False, registration="invited")


def invitations(house: House) -> Invitations:
    """Return the part that makes them."""
    made: Invitations = house.app.extensions["sso"].services.own_affairs.invitations
    return made


def invite(house: House, *, uses: int = 1, ttl_s: int = 3_600) -> str:
    """Return the address of a fresh invitation."""
    link = invitations(house).create(uses=uses, ttl_s=ttl_s).link
    assert link.startswith(f"{ISSUER}/sign-up?invitation=")
    return link.removeprefix(ISSUER)


def sign_up(house: House, address: str, name: str = "grace", **fields: str) -> TestResponse:
    """Make an account at *address*."""
    given = {"username": name, "email": f"{name}@example.org", "password": "a long enough one"}
    return house.visitor().submit(address, **{**given, **fields})


def test_only_the_invited_make_accounts(house: House) -> None:
    """Without the link the page says so, and a forged one is as none."""
    assert house.visitor().get("/sign-up").status_code == 403
    assert house.visitor().get("/sign-up?invitation=x").status_code == 403
    assert "/sign-up" not in house.visitor().get("/sign-in").text
    made = sign_up(house, invite(house))
    assert made.status_code == 303
    assert house.base.users.find_by_name("grace")


def test_a_use_is_taken_with_the_account_and_not_before(house: House) -> None:
    """A mistake in the form costs nothing; a second account costs another invitation."""
    address = invite(house)
    wrong = sign_up(house, address, password="short")
    assert wrong.status_code == 400
    assert f'value="{address.partition("=")[2]}"' in wrong.text
    assert sign_up(house, address).status_code == 303
    assert house.visitor().get(address).status_code == 403


@pytest.mark.rule("S-107")
def test_of_many_at_once_no_more_get_in_than_are_invited(mariadb_house: House) -> None:
    """The last use is one."""
    house = mariadb_house
    address = invite(house, uses=2)
    visitors = [house.visitor() for _ in range(6)]
    secret = address.partition("=")[2]
    tokens = []
    for visitor in visitors:
        found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(address).text)
        assert found
        tokens.append(found[1])
    statuses: list[int] = []
    start = threading.Barrier(len(visitors))

    def press(number: int) -> None:
        form = {
            "csrf_token": tokens[number],
            "invitation": secret,
            "username": f"guest{number}",
            "email": f"g{number}@example.org",
            "password": "a long enough one",
        }
        start.wait()
        statuses.append(visitors[number].http.post("/sign-up", data=form).status_code)

    threads = [threading.Thread(target=press, args=(n,)) for n in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = [n for n in range(6) if house.base.users.find_by_name(f"guest{n}")]
    assert len(made) == 2
    assert statuses.count(303) == 2


@pytest.fixture
def mariadb_house(request: pytest.FixtureRequest, valkey_url: str) -> House:
    """The same over MariaDB."""
    url = request.getfixturevalue("mariadb").fresh_database()
    return House(url, valkey_url, registration="invited", passwords={"queue_s": 30})


def test_it_ends_with_its_time_and_when_withdrawn(house: House) -> None:
    """A page that was open then no longer makes an account."""
    late = invite(house, ttl_s=60)
    house.clock.pass_s(61)
    assert house.visitor().get(late).status_code == 403
    made = invitations(house).create()
    assert invitations(house).revoke(made.id)
    assert not invitations(house).revoke(made.id)
    assert house.visitor().get(made.link.removeprefix(ISSUER)).status_code == 403


def test_administrators_invite_on_a_page(house: House) -> None:
    """The link is on the page that answers, and on no other; the deed ends it."""
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    admin = house.signed_in("root")
    page = admin.submit("/admin/invitations", uses="3", days="2", note="the choir")
    assert page.status_code == 200
    found = re.search(rf"{ISSUER}(/sign-up\?invitation=[\w-]+)", page.text)
    assert found
    listed = admin.get("/admin/invitations")
    assert "the choir" in listed.text
    assert found[1] not in listed.text
    assert sign_up(house, found[1]).status_code == 303
    id_ = re.search(r'href="/admin/invitations/([0-9a-f]{32})"', listed.text)
    assert id_
    item = f"/admin/invitations/{id_[1]}"
    assert admin.submit(item, f"{item}/withdraw").status_code == 303
    assert house.visitor().get(found[1]).status_code == 403


@pytest.mark.parametrize(
    "fields",
    [{"uses": "0"}, {"uses": "x"}, {"days": "366"}, {"days": ""}, {"note": "x" * 121}],
)
def test_an_invitation_that_cannot_be_says_so(house: House, fields: dict[str, str]) -> None:
    """Nothing is made."""
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    admin = house.signed_in("root")
    given = {"uses": "1", "days": "7", "note": ""}
    page = admin.submit("/admin/invitations", **{**given, **fields})
    assert page.status_code == 400
    assert "invitation=" not in page.text


@pytest.mark.rule("S-110")
def test_nobody_else_invites(house: House) -> None:
    """A person of no office is refused; an old session signs in again."""
    person = house.signed_in()
    assert person.submit("/account", "/admin/invitations", uses="1", days="1").status_code == 403
    house.base.users.create(NewUser("root", "root@example.org", PASSWORD, is_admin=True))
    admin = house.signed_in("root")
    house.clock.pass_s(601)
    away = admin.submit("/admin/invitations", uses="1", days="1", note="")
    assert "again=1" in away.location


def test_the_command_line_makes_and_ends_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object; the log tells who made it, and not the link."""
    settings = house.settings
    monkeypatch.setenv("SSO_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("SSO_REDIS_URL", settings.redis_url.get_secret_value())
    keys = [key.get_secret_value() for key in settings.secret_keys]
    monkeypatch.setenv("SSO_SECRET_KEYS", json.dumps(keys))
    run = CliRunner().invoke
    result = run(cli, ["invitation", "create", "--uses", "2", "--format", "json"])
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert urlsplit(made["link"]).path == "/sign-up"
    assert sign_up(house, made["link"].removeprefix(ISSUER)).status_code == 303
    assert run(cli, ["invitation", "withdraw", made["id"]]).exit_code == 0
    assert run(cli, ["invitation", "withdraw", made["id"]]).exit_code == 1
    assert sign_up_status(house, made["link"]) == 403


def sign_up_status(house: House, link: str) -> int:
    """Return what the page behind *link* answers."""
    return house.visitor().get(link.removeprefix(ISSUER)).status_code


def test_closed_is_closed_to_the_invited_too(
    furnished: Path, tmp_path: Path, valkey_url: str
) -> None:
    """A link made before the door was shut opens nothing."""
    file = shutil.copy(furnished, tmp_path / "closed.sqlite3")
    shut = House(f"sqlite:///{file}", valkey_url, fresh=False, registration="closed")
    assert shut.visitor().get(invite(shut)).status_code == 403
