"""A gateway on a real server, a real Valkey and scripted upstreams."""

from tests.support.served import desk, serve, upstream

__all__ = ["desk", "serve", "upstream"]
