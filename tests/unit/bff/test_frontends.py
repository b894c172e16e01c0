"""Several front ends behind one deployment, strictly apart."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from bff.asgi import Worker
from bff.parts import Parts, build_parts, build_shared
from bff.proxy.edge_socket import RAW_TARGET
from bff.sessions.model import AccessToken, Device, SessionRecord, TokenSet
from bff.settings import SettingsInvalid, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping
    from pathlib import Path

    from bff.parts import Shared

PROVIDER = '{"name":"%s","issuer":"http://127.0.0.1:9","client_id":"c","client_secret":"s"}'


def environ(folder: Path, redis_url: str) -> dict[str, str]:
    """Return settings with one front end by host and one by path beside the first."""
    return {
        "BFF_PUBLIC_URL": "https://app.example.com",
        "BFF_REDIS_URL": redis_url,
        "BFF_SECRET_KEYS": "k" * 32,
        "BFF_PROVIDERS": f"[{PROVIDER % 'sso'},{PROVIDER % 'school'}]",
        "BFF_FRONTENDS__0__NAME": "course",
        "BFF_FRONTENDS__0__PUBLIC_URL": "https://course.example.com",
        "BFF_FRONTENDS__0__PROVIDERS": "school",
        "BFF_FRONTENDS__1__NAME": "card",
        "BFF_FRONTENDS__1__PATH": "/card",
        "BFF_FRONTENDS__1__STATIC_DIR": str(folder),
    }


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first header called *name*, or an empty text."""
        return next((value for found, value in self.headers if found == name), "")


class House:
    """One worker with all its front ends."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.frontends = [build_parts(shared, each) for each in shared.settings.all_frontends()]
        self._runner = asyncio.Runner()
        self._worker = Worker(shared)

    def close(self) -> None:
        """Let go of the event loop and the store."""
        self._runner.close()
        self.shared.client.close()

    def ask(self, host: str, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the answer to a GET."""
        return self._runner.run(_ask(self._worker, host, path, headers or {}))


async def _ask(worker: Worker, host: str, path: str, headers: Mapping[str, str]) -> Reply:
    reply = Reply(0, [], b"")
    given = {"host": host, "x-csrf": "1", **headers}

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
        else:
            reply.body += message.get("body", b"")

    target, _mark, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "http_version": "1.1",
        "path": target,
        "raw_path": target.encode(),
        RAW_TARGET: path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    await worker(scope, receive, send)
    return reply


@pytest.fixture
def house(tmp_path: Path, valkey_url: str) -> Iterator[House]:
    """Three front ends over one store."""
    (tmp_path / "index.html").write_text("<p>card</p>")
    (tmp_path / ".secret").write_text("hidden")
    house = House(build_shared(load_settings(environ=environ(tmp_path, valkey_url))))
    yield house
    house.close()


def sign_in(parts: Parts) -> str:
    """Return the cookie of a new session of one front end."""
    now = time.time()
    record = SessionRecord("school", "http://127.0.0.1:9", "ada", now, now, now + 600)
    tokens = TokenSet(1, "school", "ada", {"": AccessToken("token", now + 600)})
    ticket = parts.store.create(record, tokens, Device())
    return f"{parts.cookie.name}={ticket.encode()}"


def test_ticket_of_one_front_end_opens_nothing_of_another(house: House) -> None:
    """Even renamed to the other's cookie it names nobody there."""
    first, course, _card = house.frontends
    cookie = sign_in(course)
    user = house.ask("course.example.com", "/bff/user", {"cookie": cookie})
    assert user.status == 200
    renamed = cookie.replace(course.cookie.name, first.cookie.name)
    for carried in (cookie, renamed):
        assert house.ask("app.example.com", "/bff/user", {"cookie": carried}).status == 401


def test_sessions_of_another_front_end_are_not_listed(house: House) -> None:
    """The list is that of the front end that asks."""
    first, course, _card = house.frontends
    sign_in(first)
    cookie = sign_in(course)
    listed = house.ask("course.example.com", "/bff/sessions", {"cookie": cookie})
    assert listed.body.count(b'"id"') == 1


@pytest.mark.parametrize(
    ("host", "path", "login_url"),
    [
        ("app.example.com", "/bff/user", "/bff/login"),
        ("course.example.com", "/bff/user", "/bff/login"),
        ("app.example.com", "/card/bff/user", "/card/bff/login"),
        ("unknown.example", "/bff/user", "/bff/login"),
    ],
)
def test_stranger_is_told_the_login_of_the_same_front_end(
    house: House, host: str, path: str, login_url: str
) -> None:
    """The way in is the front end's own."""
    reply = house.ask(host, path)
    assert reply.status == 401
    assert f'"login_url":"{login_url}"'.encode() in reply.body


def test_page_of_one_front_end_may_not_call_another(house: House) -> None:
    """Another front end's origin is as foreign as any."""
    reply = house.ask("course.example.com", "/bff/user", {"origin": "https://app.example.com"})
    assert reply.status == 403


def test_front_end_by_path_serves_its_own_files(house: House) -> None:
    """Its folder beneath its path, without hidden files; the host's own pages stay."""
    assert house.ask("app.example.com", "/card/").body == b"<p>card</p>"
    assert house.ask("app.example.com", "/card/.secret").status == 404
    assert b"Cloakroom" in house.ask("app.example.com", "/").body


def test_login_ends_in_pages_of_its_own_front_end(house: House) -> None:
    """A return address outside of the base path is refused."""
    assert house.ask("app.example.com", "/card/bff/login?return_to=/other").status == 400


def test_front_ends_that_share_a_cookie_are_refused(tmp_path: Path) -> None:
    """Two on one host need two cookies."""
    settings = environ(tmp_path, "redis://127.0.0.1:9")
    settings["BFF_FRONTENDS__1__COOKIE_NAME"] = "__Host-Http-session"
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(environ=settings)
    assert "share host and cookie_name" in refused.value.faults[0]


def test_route_over_a_front_ends_own_addresses_is_refused(tmp_path: Path) -> None:
    """Nobody could sign in there any more."""
    settings = environ(tmp_path, "redis://127.0.0.1:9")
    route = '[{"path": "/card/bff/x", "upstream": "http://127.0.0.1:7000"}]'
    settings["BFF_FRONTENDS__1__ROUTES"] = route
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(environ=settings)
    assert "/card/bff is the front end's own" in refused.value.faults[0]
