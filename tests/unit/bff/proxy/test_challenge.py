"""What an upstream's 401 is understood to ask for."""

from __future__ import annotations

import pytest

from bff.proxy.challenge import StepUp, find_step_up

CHALLENGE = 'Bearer error="insufficient_user_authentication"'


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (f'{CHALLENGE}, acr_values="gold silver"', StepUp("gold silver", "")),
        (f"{CHALLENGE}, max_age=300", StepUp("", "300")),
        (f'bearer realm="x", max_age="5",{CHALLENGE[6:]}', StepUp("", "5")),
        (CHALLENGE, StepUp()),
        (f'{CHALLENGE}, max_age="-1"', StepUp()),
        (f'{CHALLENGE}, acr_values="a\x00b"', StepUp()),
        (CHALLENGE.replace("Bearer", "DPoP"), StepUp("", "")),
        ('Bearer error="invalid_token"', None),
        ("Bearer", None),
        ('Basic error="insufficient_user_authentication"', None),
        ("", None),
    ],
)
def test_challenge_is_read_by_its_grammar(value: str, asked: StepUp | None) -> None:
    """Only a challenge to a token with that error asks for a step-up; odd values ask nothing."""
    assert find_step_up([(b"www-authenticate", value.encode())]) == asked


def test_login_url_carries_what_was_asked() -> None:
    """Ready to be followed; the page adds where it wants to come back to."""
    assert StepUp("gold", "300").login_url("/bff/login") == "/bff/login?acr_values=gold&max_age=300"
