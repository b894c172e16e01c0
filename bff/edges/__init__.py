"""Configuration for proxies that ask `/bff/forward-auth` and carry the calls themselves.

Written from the settings alone, so that proxy and gateway never disagree about a route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bff.edges.caddy import write_caddy
from bff.edges.envoy import write_envoy
from bff.edges.nginx import write_nginx
from bff.edges.plan import EdgeImpossible, Plan, plan_of
from bff.edges.traefik import write_traefik

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["WRITERS", "EdgeImpossible", "Plan", "plan_of"]

WRITERS: Mapping[str, Callable[[Plan], str]] = {
    "nginx": write_nginx,
    "traefik": write_traefik,
    "caddy": write_caddy,
    "envoy": write_envoy,
}
