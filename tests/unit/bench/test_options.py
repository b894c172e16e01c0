"""What is asked of the benchmark is judged before anything is started."""

from __future__ import annotations

import pytest

from bench.__main__ import main


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--only=nginx,apache", "no such peer: apache; there are nginx, cloakroom"),
        ("--bodies=small,1m", "no such body: 1m; there are small, medium, large"),
        ("--rows=stream", "no such row: stream; there are "),
    ],
)
def test_a_name_of_nothing_is_told_at_once(
    capsys: pytest.CaptureFixture[str], option: str, told: str
) -> None:
    """In one sentence with the names there are, and not after minutes of measuring."""
    assert main([option]) == 2
    assert told in capsys.readouterr().err
