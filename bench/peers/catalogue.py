"""Every subject, in the order in which they take turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.peers.apache import Apache
from bench.peers.cloakroom import Cloakroom
from bench.peers.fastapi_bff import FastApiBff
from bench.peers.flask_naive import FlaskNaive
from bench.peers.nginx import Nginx
from bench.peers.node_stack import NodeStack

if TYPE_CHECKING:
    from bench.peers.base import Peer


def all_peers() -> list[Peer]:
    """Return the subjects; the yardstick first."""
    return [
        Nginx(), Cloakroom(), Apache(), NodeStack(), FastApiBff(),
        FlaskNaive("urllib3"), FlaskNaive("requests"),
    ]  # fmt: skip
