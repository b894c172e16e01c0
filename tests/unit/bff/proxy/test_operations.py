"""Routes that a document scopes, at the socket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from bff.problems import Refused, Unavailable
from bff.proxy.operations import ListedOperations, keep_up
from bff.settings import RouteSettings
from tests.support.served import Desk, Served, ask, request
from tests.support.wire import ScriptedUpstream, replies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Serve = Callable[..., Served]


def document(*paths: str) -> bytes:
    """Return a document that lists a GET of each of *paths*."""
    return json.dumps({"openapi": "3.1.0", "paths": {path: {"get": {}} for path in paths}}).encode()


def loaded(where: Path | str) -> ListedOperations:
    """Return the operations of the document at *where*, read once."""
    operations = ListedOperations("/api", str(where))
    asyncio.run(operations.load())
    return operations


@pytest.mark.rule("B-29")
def test_only_listed_operations_reach_the_upstream(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    """404 for a path, 405 for a method; both before the session is read."""
    file = tmp_path / "api.json"
    file.write_bytes(document("/users/{id}"))
    served = serve(operations=loaded(file))
    ticket = desk.sign_in()
    assert ask(served, request("GET", "/api/users/1?x=1", ticket=ticket)).status == 200
    for target in ("/api/users", "/api/users/1/2", "/api/admin"):
        assert ask(served, request("GET", target)).status == 404
    refused = ask(served, request("POST", "/api/users/1", ticket=ticket, body=b"x"))
    assert (refused.status, refused.header("allow")) == (405, "GET")
    assert [one.target for one in upstream.requests] == ["/users/1?x=1"]


def test_ambiguous_path_is_refused_before_it_is_matched(
    serve: Serve, desk: Desk, tmp_path: Path
) -> None:
    """A parameter takes no dot segment and no encoded slash."""
    file = tmp_path / "api.json"
    file.write_bytes(document("/users/{id}"))
    served = serve(operations=loaded(file))
    for target in ("/api/users/%2e%2e", "/api/users/..", "/api/users/a%2Fb", "/api//users/1"):
        assert ask(served, request("GET", target, ticket=desk.sign_in())).status == 400


def test_nothing_passes_while_there_is_no_document(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """503: an outage of the document's server opens nothing."""
    served = serve(operations=ListedOperations("/api", "http://127.0.0.1:1/openapi.json"))
    assert ask(served, request(ticket=desk.sign_in())).status == 503
    assert not upstream.requests


def test_document_of_a_server_is_read_anew_and_its_last_good_one_holds(
    upstream: ScriptedUpstream,
) -> None:
    """An answer that is none, or no document, changes nothing."""

    def reply(body: bytes, status: int = 200) -> bytes:
        return b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)

    operations = ListedOperations("/api", f"{upstream.url}/openapi.json")
    with pytest.raises(Unavailable):
        operations.require("GET", b"/old")
    with capture_logs() as logs:
        for answer in (
            reply(document("/old")),
            reply(b"", 500),
            reply(b"<html>"),
            b"HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n",
        ):
            replies(upstream, answer)
            asyncio.run(operations.load())
            operations.require("GET", b"/old")
        replies(upstream, reply(document("/new")))
        asyncio.run(operations.load())
    operations.require("GET", b"/new")
    with pytest.raises(Refused):
        operations.require("GET", b"/old")
    told = [line["event"] for line in logs]
    assert told == ["openapi.loaded", *["openapi.not_loaded"] * 3, "openapi.loaded"]
    assert {one.target for one in upstream.requests} == {"/openapi.json"}


def test_document_is_read_at_the_start_and_kept_up(tmp_path: Path) -> None:
    """A file that changes is noticed without a restart."""
    file = tmp_path / "api.json"
    file.write_bytes(document("/old"))

    async def story() -> None:
        operations = ListedOperations("/api", str(file), refresh_s=0.01)
        keepers = await keep_up([operations])
        operations.require("GET", b"/old")
        file.write_bytes(document("/new"))
        for _ in range(1000):
            await asyncio.sleep(0.01)
            try:
                operations.require("GET", b"/new")
                break
            except Refused:
                continue
        operations.require("GET", b"/new")
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("/nowhere/api.json", "cannot be read (No such file or directory)"),
        ("http://10.0.0.1/openapi.json", "plain http is accepted on loopback only"),
    ],
)
def test_document_that_cannot_be_had_stops_the_start(where: str, told: str) -> None:
    """A file that is wrong is a fault of the settings; a server may come later."""
    values = {"path": "/api", "upstream": "http://127.0.0.1:7000", "openapi": where}
    with pytest.raises(ValidationError) as caught:
        RouteSettings.model_validate(values)
    assert told in str(caught.value)


def test_settings_name_the_document(tmp_path: Path) -> None:
    """Each route has its own, or none."""
    file = tmp_path / "api.json"
    file.write_bytes(document("/x"))
    values = {"path": "/api", "upstream": "http://127.0.0.1:7000"}
    assert ListedOperations.of(RouteSettings.model_validate(values)) is None
    scoped = ListedOperations.of(RouteSettings.model_validate(values | {"openapi": str(file)}))
    assert scoped is not None
