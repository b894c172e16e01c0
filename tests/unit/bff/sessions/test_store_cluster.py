"""The store works on a Redis Cluster: every script stays within one slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bff.problems import Unavailable
from bff.sessions.model import Ticket
from bff.sessions.store import Written
from bff.tokens.lease import Leases
from tests.support.ports import free_port
from tests.support.programs import Program, listens
from tests.support.stores import valkey_binary
from tests.unit.bff.sessions.conftest import ISSUER, Desk, record_of, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Program]]:
    """A cluster of one node that serves every slot; it needs two seconds to be sure of that."""
    folder = tmp_path_factory.mktemp("cluster")
    port = free_port()
    options = f"--port {port} --bind 127.0.0.1 --cluster-enabled yes --cluster-port {free_port()}"
    command = [valkey_binary(), *options.split(), "--save", "", "--dir", str(folder)]
    program = Program("cluster", command, folder / "cluster.log", folder=folder)
    program.start()
    program.wait_until(lambda: listens(port))
    client = Desk(f"redis://127.0.0.1:{port}/0").client
    client.execute_command("CLUSTER ADDSLOTSRANGE 0 16383")
    program.wait_until(lambda: _info(client)["cluster_state"] == "ok")
    client.close()
    yield f"redis+cluster://127.0.0.1:{port}", program
    program.stop()


def _info(client: redis.Redis) -> dict[str, str]:
    info: dict[str, str] = client.execute_command("CLUSTER INFO")
    return info


def test_a_session_lives_its_whole_life_on_a_cluster(cluster: tuple[str, Program]) -> None:
    """Create, load, replace, touch, list, lease and end, each without a cross-slot error."""
    desk = Desk(cluster[0])
    ticket = desk.sign_in()
    session = desk.store.load(ticket)
    assert session is not None
    assert desk.store.replace_tokens(ticket, tokens_of(generation=2)) is Written.DONE
    assert desk.store.replace_record(ticket, session.record, session.revision) is Written.DONE
    assert desk.store.touch(ticket) is True
    [listed] = desk.store.sessions_of_subject(ISSUER, "ada")
    assert listed.digest == ticket.digest
    with Leases(desk.client).hold(ticket) as held:
        assert held.is_held
    assert desk.store.delete(ticket, record_of()) is True
    assert desk.store.load(ticket) is None


@pytest.mark.rule("F-07")
def test_a_cluster_that_dies_is_an_outage(cluster: tuple[str, Program]) -> None:
    """Nobody is signed out by a shard that is lost (F-07)."""
    desk = Desk(cluster[0])
    desk.sign_in()
    cluster[1].kill()
    with pytest.raises(Unavailable):
        desk.store.load(Ticket.new())
    with pytest.raises(Unavailable):
        desk.store.touch(Ticket.new())
