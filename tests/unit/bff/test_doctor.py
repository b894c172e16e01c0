"""What the doctor finds, of every front end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from bff.doctor import examine
from bff.settings import Settings
from tests.support.authority import Authority
from tests.support.fake_provider import FakeProvider
from tests.support.wire import ScriptedUpstream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bff.doctor import Finding


def findings(redis_url: str, provider: FakeProvider, port: int) -> dict[str, list[Finding]]:
    """Return the findings for two front ends, by part; nothing listens at *port*."""
    upstream = f"http://127.0.0.1:{port}"
    shop_route = {"path": "/shop/api", "upstream": upstream}
    settings = Settings.model_validate(
        {
            "secret_keys": ["k" * 32],
            "redis_url": redis_url,
            "providers": [provider.settings()],
            "frontends": [{"name": "shop", "path": "/shop", "routes": [shop_route]}],
        }
    )
    found: dict[str, list[Finding]] = {}
    for finding in examine(settings):
        found.setdefault(finding.part, []).append(finding)
    return found


@pytest.mark.parametrize(
    ("proxies", "forward_auth", "told"),
    [([], "headers", 0), (["10.0.0.0/8"], "headers", 1), (["10.0.0.0/8"], "off", 0)],
)
def test_an_open_door_is_named(
    valkey_url: str, proxies: list[str], forward_auth: str, told: int
) -> None:
    """Whoever may ask for tokens is said, and what else has to be closed; it is no fault."""
    provider = {"name": "sso", "issuer": "http://127.0.0.1:9", "client_id": "c"}
    provider["client_secret"] = "s"
    settings = Settings.model_validate(
        {
            "secret_keys": ["k" * 32],
            "redis_url": valkey_url,
            "providers": [provider],
            "trusted_proxies": proxies,
            "forward_auth": forward_auth,
        }
    )
    examined = itertools.islice(examine(settings), 2)
    found = [finding for finding in examined if finding.part == "forward-auth"]
    assert [finding.remedy for finding in found] == [None] * told


def test_what_a_proxy_does_not_get_is_named(valkey_url: str) -> None:
    """Limits that only the carrier of a call can hold are named, where a proxy may be it."""
    provider = {"name": "sso", "issuer": "http://127.0.0.1:9", "client_id": "c"}
    provider["client_secret"] = "s"
    upstream = {"upstream": "http://127.0.0.1:9"}
    bound = {"path": "/a", "concurrent_per_session": 2, "total_timeout_s": 9, **upstream}
    settings = {
        "secret_keys": ["k" * 32],
        "redis_url": valkey_url,
        "providers": [provider],
        "routes": [bound, {"path": "/b", "concurrent_requests": 2, **upstream}],
    }
    for proxies, told in ((["10.0.0.0/8"], 1), ([], 0)):
        examined = examine(Settings.model_validate({**settings, "trusted_proxies": proxies}))
        found = [each for each in itertools.islice(examined, 3) if "carries by" in each.state]
        assert [each.part for each in found] == ["route /a"] * told
        assert all("concurrent_per_session, total_timeout_s:" in each.state for each in found)


def test_every_front_end_is_examined(valkey_url: str, free_port: Callable[[], int]) -> None:
    """Each callback is named for registration, and each front end's upstream is tried."""
    with FakeProvider() as provider:
        found = findings(valkey_url, provider, free_port())
    name = provider.settings().name
    told = found[f"provider {name}"][0].state
    assert f"http://localhost:8000/bff/callback/{name}" in told
    assert f"http://localhost:8000/shop/bff/callback/{name}" in told
    assert found["route /shop/api"][0].remedy is not None
    assert [finding.remedy for finding in found["redis"]] == [None]


def test_every_address_of_an_upstream_is_tried(
    valkey_url: str, free_port: Callable[[], int], tmp_path: Path
) -> None:
    """Sockets and certificates too, as the gateway itself would connect."""
    authority = Authority(tmp_path)
    own = authority.certificate("cloakroom.client")
    secure = ScriptedUpstream(tls=authority.server("api.internal", clients=True))
    plain = ScriptedUpstream(path=tmp_path / "api.sock")
    known = {"upstream_ca_file": authority.file, "upstream_certificate_file": own}
    routes = [
        {"path": "/a", "upstream": [plain.url, f"http://127.0.0.1:{free_port()}"]},
        {"path": "/b", "upstream": secure.url, **known, "upstream_tls_name": "api.internal"},
        {"path": "/c", "upstream": secure.url, "upstream_ca_file": authority.file},
    ]
    with FakeProvider() as provider:
        values = {"secret_keys": ["k" * 32], "redis_url": valkey_url, "routes": routes}
        values["providers"] = [provider.settings()]
        found = [one for one in examine(Settings.model_validate(values)) if "route" in one.part]
    assert [(one.part, one.remedy is None) for one in found] == [
        ("route /a", True), ("route /a", False), ("route /b", True), ("route /c", False),
    ]  # fmt: skip
    secure.close()
    plain.close()
