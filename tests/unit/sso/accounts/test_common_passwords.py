"""Passwords that everybody guesses first are refused; long and odd ones are not."""

from __future__ import annotations

import pytest

from sso.accounts.common_passwords import _FILE, is_common
from tests.unit.sso.house import PASSWORD, House

ABOUT = ("xiaoyu", "xiaoyu.lin@example.com", "cloakroom")


def listed() -> list[str]:
    """Return the list, the most common first."""
    lines = _FILE.read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.mark.rule("A-57")
def test_the_list_is_long_enough_for_what_may_be_chosen() -> None:
    """More than the 3,000 that ASVS asks for, all of a length that would pass; with its licence."""
    words = listed()
    assert len(words) >= 3_000
    assert len(words) == len(set(words))
    assert all(len(word) >= 8 and word == word.casefold() for word in words)
    assert (_FILE.parent / "LICENSE").is_file()
    assert _FILE.stat().st_size < 150_000


@pytest.mark.rule("A-57")
def test_every_listed_word_is_common() -> None:
    """In any case of letters, and with a sign or two around it."""
    for word in listed()[:3_000]:
        assert is_common(word)
        assert is_common(word.upper())
    assert is_common("Password!1")
    assert is_common("  sunshine ")


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaa",
        "12345678",
        "abcdefgh",
        "87654321",
        "XIAOYU123",
        "xiaoyu-xiaoyu",
        "Cloakroom1",
        "cloakroom-2026",
        "xiaoyu.lin!",
        "\uff50assword",
    ],
)
def test_rows_and_names_at_hand_are_common(password: str) -> None:
    """One's own name, the site's, a row of keys: guessed before any list."""
    assert is_common(password, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "a long enough one",
        "correct horse",
        "pa55-kl0q-99xz",
        "我的密码比较长一点",
        "x" * 7 + "yz",
        "xiaoyu likes red umbrellas",
        "qwmznxbalskd",
        "        ",
        "\x00\x01\x05 odd",
    ],
)
def test_others_are_not(password: str) -> None:
    """No rule of composition by another name; a name inside a sentence is no fault."""
    assert not is_common(password, ABOUT) or len(set(password)) == 1


def test_a_short_name_forbids_nothing() -> None:
    """Whoever is called ``al`` may have an *al* in a password."""
    assert not is_common("al-kqzp1", ("al", "al@example.org"))


@pytest.mark.rule("A-57")
@pytest.mark.parametrize("password", ["password1", "grace-grace", "cloakroom1"])
def test_the_form_says_so(house: House, password: str) -> None:
    """At sign-up as everywhere; no account is made."""
    refused = house.visitor().submit(
        "/sign-up", username="grace", email="g@example.org", password=password
    )
    assert refused.status_code == 400
    assert "easy to guess" in refused.text
    assert house.base.users.find_by_name("grace") is None
