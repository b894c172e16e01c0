"""Addresses follow the ports; the operator's own settings stand above the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from launcher.plan import read_plan
from launcher.words import CannotStart

if TYPE_CHECKING:
    from pathlib import Path


def test_the_defaults_are_those_of_the_contract() -> None:
    """Three origins, the gateway's on another host name than the rest."""
    plan = read_plan(None, {})
    assert plan.public_url == "http://localhost:8000"
    assert plan.issuer == "http://127.0.0.1:9000"
    assert plan.identifier == "http://127.0.0.1:7000"
    assert plan.registers_first_party
    assert [party.wants_embedded_store for party in plan.parties] == [True, False, True]


def test_addresses_follow_the_ports() -> None:
    """A port that is moved moves every address that contains it."""
    environ = {"BFF_PORT": "8101", "SSO_PORT": "9101", "WORKBENCH_PORT": "7101"}
    plan = read_plan(None, environ)
    assert plan.defaults(plan.bff)["public_url"] == "http://localhost:8101"
    assert plan.defaults(plan.sso)["issuer"] == "http://127.0.0.1:9101"
    assert plan.defaults(plan.sso)["default_audience"] == "http://127.0.0.1:7101"
    assert plan.defaults(plan.workbench)["issuer"] == "http://127.0.0.1:9101"
    assert plan.defaults(plan.bff)["routes"][0]["upstream"] == "http://127.0.0.1:7101"


def test_a_public_address_of_its_own_stays() -> None:
    """Two nodes may serve one public address, whatever ports they listen on."""
    environ = {"BFF_PORT": "8101", "BFF_PUBLIC_URL": "https://app.example.com"}
    environ |= {"SSO_PORT": "9101", "SSO_ISSUER": "https://sso.example.com"}
    plan = read_plan(None, environ)
    assert plan.public_url == "https://app.example.com"
    assert plan.defaults(plan.workbench)["issuer"] == "https://sso.example.com"


@pytest.mark.parametrize(("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_every_address_is_reached_by_loopback(host: str, reached: str) -> None:
    """Listening everywhere is no address to call."""
    plan = read_plan(None, {"WORKBENCH_HOST": host})
    assert plan.workbench.reached_at == f"{reached}:7000"


def test_a_file_has_a_table_for_each_party(tmp_path: Path) -> None:
    """`--config` holds all; a file of one party's own stands above it, the environment on top."""
    everything = tmp_path / "all.toml"
    everything.write_text("[bff]\nport = 8201\n[sso]\nport = 9201\n[workbench]\nport = 7201\n")
    own = tmp_path / "sso.toml"
    own.write_text("port = 9301\n")
    plan = read_plan(everything, {"SSO_CONFIG": str(own), "WORKBENCH_PORT": "7401"})
    assert [party.port for party in plan.parties] == [9301, 7401, 8201]


@pytest.mark.parametrize(
    "environ",
    [
        {"BFF_REDIS_URL": "redis://127.0.0.1"},
        {"BFF_REDIS_URL_FILE": "/run/secrets/redis"},
    ],
)
def test_a_store_of_ones_own_is_not_doubled(environ: dict[str, str]) -> None:
    """The launcher runs a store only for a party that has none."""
    assert not read_plan(None, environ).bff.wants_embedded_store


@pytest.mark.parametrize(
    "environ", [{"BFF_PROVIDERS": "[]"}, {"BFF_PROVIDERS__0__ISSUER": "https://op.example.com"}]
)
def test_another_provider_needs_no_registration(environ: dict[str, str]) -> None:
    """Whoever names a provider does not sign in through our own."""
    assert not read_plan(None, environ).registers_first_party


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BFF_PORT": "http"}, "BFF_PORT is 'http'; write a number"),
        ({"BFF_PORT": "0"}, "write a number"),
        ({"SSO_PORT": "70000"}, "write a number"),
        ({"SSO_PORT": "8000"}, "SSO_PORT and BFF_PORT are both 8000"),
        ({"SSO_CONFIG": "/nowhere/sso.toml"}, "/nowhere/sso.toml cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence(environ: dict[str, str], words: str) -> None:
    """A fault is named with its variable."""
    with pytest.raises(CannotStart, match=words):
        read_plan(None, environ)


@pytest.mark.parametrize(
    ("text", "words"), [("[web]\n", "no such table: web"), ("bff = 1", "must be"), ("=", "TOML")]
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    """So is a file that says what nobody understands."""
    file = tmp_path / "all.toml"
    file.write_text(text)
    with pytest.raises(CannotStart, match=words):
        read_plan(file, {})


def test_no_repr_shows_the_environment() -> None:
    """Secrets of the environment are in no repr."""
    environ: dict[str, Any] = {"BFF_SECRET_KEYS": "hush-hush"}
    assert "hush" not in repr(read_plan(None, environ))
