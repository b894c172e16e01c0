"""Two people of one team: what one does, the other hears, through the cookie and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.followed import following
from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from tests.support.world import World


def cookie_of(visitor: Visitor, **more: str) -> dict[str, str]:
    """Return what a page of *visitor*'s sends."""
    return {"Cookie": f"session={visitor.ticket()}", "X-CSRF": "1"} | more


def test_one_persons_change_is_heard_by_the_other(world: World) -> None:
    """Feed and inbox arrive while they happen; who comes back misses nothing; sign-out ends it."""
    ada, bob = world.browser, Visitor(world.bff.url, world.new_account("bob"))
    ada.sign_in()
    bob.sign_in()
    bob.api()  # into the directory, so that an `@` finds him
    team = ada.api("/teams", "POST", body={"name": "一组"}).json()
    wanted = {"expires_in_s": 3600, "uses": 1}
    code = ada.api(f"/teams/{team['id']}/invitations", "POST", body=wanted).json()["code"]
    live = f"{world.bff.url}/api/feed/live"
    with following(live, cookie_of(bob)) as stream:
        assert stream.status == 200
        first = stream.next()
        assert first is not None
        assert (first.event, first.data["item"]) == ("inbox", None)
        assert bob.api("/invitations/accept", "POST", body={"code": code}).status in {200, 201}
        stream.until("feed", "member.joined")
        post = {"title": "第一周", "body": f"@{bob.person.username} 请看"}
        assert ada.api(f"/teams/{team['id']}/statuses", "POST", body=post).status == 201
        letter = stream.until("inbox", "status.posted")
        assert letter.data["item"]["reason"] == "mention"
        item = stream.until("feed", "status.posted")
        assert item.data["subject"]["title"] == "第一周"
        assert item.data["actor"]["username"] == ada.person.username
    ada.api(f"/teams/{team['id']}/statuses", "POST", body={"title": "第二周"})
    with following(live, cookie_of(bob, **{"Last-Event-ID": item.id})) as again:
        again.next()
        back = again.until("feed", "status.posted")
        assert back.data["subject"]["title"] == "第二周"
        bob.sign_out()
        while again.next():
            pass
    with following(live, cookie_of(bob)) as after:
        assert after.status == 401


def test_a_stranger_hears_nothing_and_sees_nothing(world: World) -> None:
    """Whoever is in no team has an empty feed, whatever happens elsewhere."""
    ada, eve = world.browser, Visitor(world.bff.url, world.new_account("eve"))
    ada.sign_in()
    eve.sign_in()
    team = ada.api("/teams", "POST", body={"name": "二组"}).json()
    with following(f"{world.bff.url}/api/feed/live", cookie_of(eve)) as stream:
        stream.next()
        ada.api(f"/teams/{team['id']}/statuses", "POST", body={"title": "secret"})
        own = eve.api("/teams", "POST", body={"name": "own"}).json()
        heard = stream.next()
        assert heard is not None
        assert heard.data["subject"]["id"] == own["id"]
    assert [item["team"]["id"] for item in eve.api("/feed").json()["items"]] == [own["id"]]
    assert eve.api(f"/feed?team={team['id']}").status == 404
