"""Several addresses, unix sockets, names, TLS with certificates, and upstreams that fail."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

import pytest

from bff.proxy.addresses import Tolerance
from bff.proxy.transport import Transport
from bff.settings import UpstreamTls
from tests.support.authority import Authority
from tests.support.ports import free_port
from tests.support.served import Desk, Served, ask, request, route
from tests.support.wire import ScriptedUpstream, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Serve = Callable[..., Served]

NEVER = Tolerance(0, 1, 1)


@pytest.fixture
def second() -> Iterator[ScriptedUpstream]:
    """Another address of the same upstream."""
    server = ScriptedUpstream()
    yield server
    server.close()


def dead() -> str:
    """Return an address that refuses connections."""
    return f"http://127.0.0.1:{free_port()}"


def test_calls_are_shared_out_and_each_address_gets_its_own_host(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    """A virtual host is found by the name that its address has."""
    served = serve(route("/two", f"{upstream.url} {second.url}", round_robin=True))
    ticket = desk.sign_in()
    for _ in range(6):
        assert ask(served, request("GET", "/two/x?a=1", ticket=ticket)).status == 200
    for server in (upstream, second):
        assert [one.header("host") for one in server.requests] == [f"127.0.0.1:{server.port}"] * 3
        assert {one.target for one in server.requests} == {"/x?a=1"}


def test_configured_host_stands_in_every_request(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    """One name for all addresses, where the settings give one."""
    served = serve(
        route("/two", f"{upstream.url} {second.url}", host="api.example", round_robin=True)
    )
    for _ in range(2):
        ask(served, request("GET", "/two/x", ticket=desk.sign_in()))
    for server in (upstream, second):
        assert server.requests[0].header("host") == "api.example"


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", b"once")])
@pytest.mark.rule("F-38")
def test_refused_connection_is_no_failure_while_another_address_answers(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, method: str, body: bytes
) -> None:
    """Nothing was sent, so that even a POST may go elsewhere; then the dead one is left alone."""
    served = serve(
        route("/two", f"{dead()} {upstream.url}", round_robin=True, ejection=Tolerance(2, 60, 60))
    )
    ticket = desk.sign_in()
    for _ in range(8):
        assert ask(served, request(method, "/two/x", ticket=ticket, body=body)).status == 200
    assert [one.body for one in upstream.requests] == [body] * 8


def test_call_that_was_sent_is_not_repeated_elsewhere(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    """An address that took the request and closed may have acted on it."""
    upstream.serve = second.serve = lambda wire: (wire.message(), None)[1]
    served = serve(route("/two", f"{upstream.url} {second.url}"))
    assert ask(served, request("GET", "/two/x", ticket=desk.sign_in())).status == 502
    assert upstream.connections + second.connections == 1


def test_address_with_failing_statuses_is_ejected(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    """Its replies are relayed as they are, and then it gets no more calls."""

    def serve_503(wire: Wire) -> None:
        while True:
            upstream.take(wire)
            wire.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n")

    upstream.serve = serve_503
    urls = f"{upstream.url} {second.url}"
    served = serve(route("/two", urls, round_robin=True, ejection=Tolerance(2, 60, 60)))
    ticket = desk.sign_in()
    got = [ask(served, request("GET", "/two/x", ticket=ticket)) for _ in range(10)]
    assert [one.status for one in got].count(503) == 2
    assert {one.header("retry-after") for one in got if one.status == 503} == {"7"}
    assert len(upstream.requests) == 2


@pytest.mark.rule("F-38")
def test_breaker_answers_503_at_once_and_closes_with_the_first_good_reply(
    serve: Serve, desk: Desk
) -> None:
    """Nobody waits for what is known to be broken; one call at a time sees whether it still is."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    served = serve(route("/one", url, breaking=Tolerance(3, 0.2, 0.2)))
    ticket = desk.sign_in()

    def get() -> tuple[int, str | None]:
        answer = ask(served, request("GET", "/one/x", ticket=ticket))
        return answer.status, answer.header("retry-after")

    assert [get()[0] for _ in range(3)] == [502] * 3
    assert get() == (503, "1")
    upstream = ScriptedUpstream(port=port)
    for _ in range(1000):
        if (status := get()[0]) == 200:
            break
        assert status == 503
    assert status == 200
    assert get()[0] == 200
    served.stop()
    upstream.close()
    problems = [line["problem"] for line in served.lines() if "problem" in line]
    assert problems[:4] == ["upstream_unreachable"] * 3 + ["upstream_unavailable"]


def test_unix_socket(serve: Serve, desk: Desk, tmp_path: Path) -> None:
    """A path instead of a port; kept and reused like any connection."""
    upstream = ScriptedUpstream(path=tmp_path / "api.sock")
    served = serve(route("/sock", upstream.url))
    ticket = desk.sign_in()
    assert [ask(served, request("GET", "/sock/x", ticket=ticket)).status for _ in "12"] == [200] * 2
    assert (upstream.requests[0].header("host"), upstream.connections) == ("localhost", 1)
    upstream.close()
    (tmp_path / "api.sock").unlink()
    assert ask(served, request("GET", "/sock/x", ticket=ticket)).status == 502


def test_name_is_followed_to_all_its_addresses(serve: Serve, desk: Desk) -> None:
    """The name stands in `Host`; each of its records is an address of its own."""
    one = ScriptedUpstream()
    other = ScriptedUpstream(host="127.0.0.2", port=one.port)

    async def resolve(host: str, _port: int) -> list[str]:
        assert host == "api.internal"
        return ["127.0.0.1", "127.0.0.2"]

    served = serve(
        route("/name", f"http://api.internal:{one.port}", round_robin=True),
        transport=lambda: Transport(resolve=resolve),
    )
    ticket = desk.sign_in()
    for _ in range(4):
        assert ask(served, request("GET", "/name/x", ticket=ticket)).status == 200
    assert [len(server.requests) for server in (one, other)] == [2, 2]
    assert one.requests[0].header("host") == f"api.internal:{one.port}"
    one.close()
    other.close()


def test_own_authority_client_certificate_and_name(
    serve: Serve, desk: Desk, tmp_path: Path
) -> None:
    """Each route shows its own certificate, over connections that no other route uses."""
    authority = Authority(tmp_path)
    upstream = ScriptedUpstream(tls=authority.server("api.internal", clients=True))

    def tell_who(wire: Wire) -> None:
        upstream.take(wire)
        wire.send(_who(wire))

    upstream.serve = tell_who
    trusting = UpstreamTls(ca_file=authority.file, name="api.internal")

    def shown(name: str) -> UpstreamTls:
        file = authority.certificate(name)
        return UpstreamTls(authority.file, file, name="api.internal")

    served = serve(
        route("/ada", upstream.url, tls=shown("ada.client")),
        route("/bob", upstream.url, tls=shown("bob.client")),
        route("/none", upstream.url, tls=trusting, breaking=NEVER),
        route("/misnamed", upstream.url, tls=UpstreamTls(ca_file=authority.file)),
    )
    ticket = desk.sign_in()
    for name in ("ada", "bob", "ada"):
        answer = ask(served, request("GET", f"/{name}/x", ticket=ticket))
        assert (answer.status, answer.body) == (200, f"{name}.client".encode())
    for path in ("/none/x", "/misnamed/x"):
        assert ask(served, request("GET", path, ticket=ticket)).status == 502
    assert len(upstream.requests) == 3
    upstream.close()


def test_unusable_files_are_an_answer(serve: Serve, desk: Desk, tmp_path: Path) -> None:
    """Files that went after the start: 502 and no bug in the log."""
    missing = UpstreamTls(ca_file=tmp_path / "gone.pem")
    served = serve(route("/tls", "https://127.0.0.1:9", tls=missing))
    answer = ask(served, request("GET", "/tls/x", ticket=desk.sign_in()))
    assert (answer.status, json.loads(answer.body)["code"]) == (502, "upstream_unreachable")


def _who(wire: Wire) -> bytes:
    assert isinstance(wire.sock, ssl.SSLSocket)
    shown = wire.sock.getpeercert()
    assert shown
    name = str(shown["subjectAltName"][0][1]).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name)


def test_address_that_comes_back_is_used_again(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """After its pause one call sees, without a failure for anybody."""
    port = free_port()
    url = f"http://127.0.0.1:{port} {upstream.url}"
    served = serve(route("/two", url, round_robin=True, ejection=Tolerance(1, 0.1, 0.1)))
    ticket = desk.sign_in()
    for _ in range(4):
        assert ask(served, request("GET", "/two/x", ticket=ticket)).status == 200
    back = ScriptedUpstream(port=port)
    for _ in range(1000):
        assert ask(served, request("GET", "/two/x", ticket=ticket)).status == 200
        if back.requests:
            break
    assert back.requests
    back.close()


def test_more_than_three_dead_addresses_are_an_answer(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """A call does not try for ever; the next one goes on where others are left."""
    urls = " ".join([*(dead() for _ in range(4)), upstream.url])
    served = serve(route("/many", urls, round_robin=True, ejection=Tolerance(1, 60, 60)))
    ticket = desk.sign_in()
    statuses = [ask(served, request("GET", "/many/x", ticket=ticket)).status for _ in range(4)]
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 502}


def test_replies_of_both_addresses_come_over_kept_connections(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream, second: ScriptedUpstream
) -> None:
    """A pool for each address."""
    served = serve(route("/two", f"{upstream.url} {second.url}", round_robin=True))
    ticket = desk.sign_in()
    for _ in range(8):
        assert ask(served, request("GET", "/two/x", ticket=ticket)).status == 200
    assert (upstream.connections, second.connections) == (1, 1)


def test_no_more_connections_are_kept_than_are_set(
    serve: Serve, desk: Desk, upstream: ScriptedUpstream
) -> None:
    """With none, each call has one of its own, closed after it."""
    served = serve(route("/own", upstream.url, kept_connections=0))
    ticket = desk.sign_in()
    for _ in range(3):
        assert ask(served, request("GET", "/own/x", ticket=ticket)).status == 200
    assert upstream.connections == 3
