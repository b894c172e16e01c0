"""Whose word about the client is taken."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from bff.proxy.client_address import client_of
from httpkit.client_address import remembering

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["<script>"], "10.0.0.1"),
        ("192.0.2.1", ["203.0.113.7"], "192.0.2.1"),
    ],
)
@pytest.mark.rule("S-082")
def test_first_foreign_hop_from_the_right_is_the_client(
    peer: str, forwarded: list[str], client: str
) -> None:
    """A stranger's word counts for nothing, nor does what stands left of the client."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert client_of({"client": (peer, 1), "headers": headers}, remembering(TRUSTED)) == (client, 1)


def test_judgement_of_one_set_of_networks_is_not_anothers() -> None:
    """What is remembered of an address is remembered for the networks that were asked about."""
    ours = remembering([ip_network("10.0.0.0/8")])
    theirs, nobody = remembering([ip_network("192.0.2.0/24")]), remembering(())
    for _ in range(2):
        assert ours("10.0.0.1")
        assert not theirs("10.0.0.1")
        assert not nobody("10.0.0.1")
        assert not ours("no address")
