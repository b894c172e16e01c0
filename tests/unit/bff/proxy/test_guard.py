"""The guard: only our own page's calls pass, judged before anything else."""

from __future__ import annotations

import pytest

from bff.problems import Refused
from bff.proxy.guard import require_same_origin

OURS = b"https://app.example.com"
MARK = (b"x-csrf", b"1")


@pytest.mark.parametrize(
    "headers",
    [
        [MARK],
        [MARK, (b"origin", OURS)],
        [MARK, (b"sec-fetch-site", b"same-origin")],
        [(b"accept", b"*/*"), MARK, (b"sec-fetch-site", b"none"), (b"origin", OURS)],
    ],
)
def test_own_page_passes(headers: list[tuple[bytes, bytes]]) -> None:
    """The header alone suffices; metadata that names us does no harm."""
    require_same_origin(headers, OURS)


@pytest.mark.rule("B-23", "B-27")
@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-csrf", b"")],
        [(b"x-csrf", b"0")],
        [(b"x-csrf", b"11")],
        [(b"x-csrf", b"1, 1")],
        [(b"x-csrf", b"true")],
        [MARK, MARK],
        [MARK, (b"x-csrf", b"2")],
        [(b"x_csrf", b"1")],
        [(b"X-CSRF-Token", b"1")],
        [MARK, (b"sec-fetch-site", b"same-site")],
        [MARK, (b"sec-fetch-site", b"cross-site")],
        [MARK, (b"sec-fetch-site", b"Same-Origin")],
        [MARK, (b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")],
        [MARK, (b"sec-fetch-site", b"")],
        [MARK, (b"origin", b"null")],
        [MARK, (b"origin", b"")],
        [MARK, (b"origin", b"http://app.example.com")],
        [MARK, (b"origin", b"https://app.example.com:443")],
        [MARK, (b"origin", b"https://app.example.com.evil.example")],
        [MARK, (b"origin", b"https://evil.example")],
        [MARK, (b"origin", OURS), (b"origin", b"https://evil.example")],
        [MARK, (b"origin", OURS + b" https://evil.example")],
    ],
)
def test_anything_else_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    """A missing, doubled or misspelt mark and any foreign origin are `csrf_failed`."""
    with pytest.raises(Refused) as refused:
        require_same_origin(headers, OURS)
    assert refused.value.problem.code == "csrf_failed"
    assert refused.value.problem.status == 403
