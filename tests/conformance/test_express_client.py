"""npm ``express-openid-connect``, a relying party of another make, works with the SSO as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.foreign import relying_party
from tests.support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.world import World

SCOPE = "openid profile email offline_access"


@pytest.fixture
def express_url(world: World, tmp_path: Path) -> Iterator[str]:
    """The address of an application that is registered like any other."""
    url = f"http://127.0.0.1:{free_port()}"
    arguments = ["--name", "Express", "--redirect-uri", f"{url}/callback", "--scope", SCOPE]
    arguments += ["--post-logout-redirect-uri", url, "--format", "json"]
    arguments += ["--backchannel-logout-uri", f"{url}/backchannel-logout"]
    made = json.loads(world.sso.command("client", "create", *arguments))
    program = relying_party(tmp_path, url, world.sso.url, made, SCOPE, script="express-party")
    yield url
    program.stop()


@pytest.mark.rule("A-33", "A-37", "A-55", "A-56")
def test_express_signs_in_refreshes_and_hears_of_the_end(world: World, express_url: str) -> None:
    """Login, callback, UserInfo, refresh, RP-initiated logout, and logout behind its back."""
    visitor = world.new_visitor()

    def sign_in() -> None:
        visitor.open(f"{express_url}/login")
        if not visitor.here.startswith(express_url):
            visitor.give_password()
        for form in visitor.page_forms() if not visitor.here.startswith(express_url) else []:
            if ("decision", "allow") in form.buttons:
                visitor.submit(form, decision="allow")

    def told() -> int:
        return world.sso.program.log().count("logout.delivered")

    def is_signed_in() -> bool:
        return bool(visitor.open(f"{express_url}/").json()["signed_in"])

    sign_in()
    home = visitor.open(f"{express_url}/").json()
    assert home["signed_in"], home
    assert home["claims"]["iss"] == world.sso.url
    userinfo = visitor.open(f"{express_url}/userinfo").json()
    assert userinfo["sub"] == home["claims"]["sub"]
    assert userinfo["email"] == world.person.email
    assert visitor.open(f"{express_url}/refresh").json()["changed"]
    before = told()
    after = visitor.open(f"{express_url}/logout")
    assert after.url.rstrip("/") == express_url
    assert not is_signed_in()
    visitor.open(f"{express_url}/login")
    assert "password" in visitor.form_with("password").fields, "signed out at the SSO, too"
    # It hears of that end by both ways, and a word about the person would end the next sign-in.
    world.sso.program.wait_until(lambda: told() == before + 1)
    sign_in()
    assert is_signed_in()
    visitor.open(f"{world.sso.url}/sign-out")
    visitor.submit(next(form for form in visitor.page_forms() if form.method == "POST"))
    world.sso.program.wait_until(lambda: told() == before + 2)
    assert not is_signed_in()
