"""The reference says which test guards each requirement; the tests' markers say the same."""

from __future__ import annotations

import pytest

from tests.support.requirements import PAGES, ROOT, guards, page_with_table, requirements


@pytest.mark.parametrize("letter", PAGES)
def test_table_is_what_the_markers_say(letter: str) -> None:
    """Mended by `python -m tests.support.requirements`."""
    page = PAGES[letter].read_text("utf-8")
    assert page == page_with_table(letter, page)


def test_every_requirement_is_kept_and_guarded() -> None:
    """Somewhere that exists, by some test."""
    guarded = guards()
    for row in requirements():
        assert row.at, row.name
        assert [file for file in row.at if not (ROOT / file).is_file()] == [], row.name
        assert guarded.get(row.name), row.name
