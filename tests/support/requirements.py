"""Makes the tables "requirement, where it is kept, which tests guard it" from the tests' markers.

`python -m tests.support.requirements` writes them into the reference pages, between two marks. A
test compares the pages with what the markers say, so that neither can lie about the other.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
REFERENCE: Final = ROOT / "docs" / "reference"
PAGES: Final = {"A": REFERENCE / "sso.md", "B": REFERENCE / "bff.md"}
BEGIN: Final = "<!-- requirements: made from the tests' markers -->"
END: Final = "<!-- requirements end -->"
_UP: Final = "../../"
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row: *text* in our words, *at* the files that keep it."""

    name: str
    text: str
    at: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guard:
    """One test that names a row."""

    file: str
    test: str


def requirements() -> list[Requirement]:
    """Return every row, in the order of the file."""
    rows = tomllib.loads((REFERENCE / "requirements.toml").read_text("utf-8"))
    return [Requirement(name, row["text"], tuple(row["at"])) for name, row in rows.items()]


def guards(tests: Path = ROOT / "tests") -> dict[str, list[Guard]]:
    """Return the tests that name each row (``A-07``, ``S-083``), in the order of their files."""
    found: dict[str, list[Guard]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        file = path.relative_to(ROOT).as_posix()
        for test, names in _marked(ast.parse(path.read_text("utf-8"))):
            for name in names:
                found.setdefault(name, []).append(Guard(file, test))
    return found


def table(letter: str) -> str:
    """Return the table of the rows that begin with *letter*."""
    guarded = guards()
    lines = ["| | Asked for | Kept in | Guarded by |", "|---|---|---|---|"]
    for row in requirements():
        if row.name.startswith(letter):
            kept = "<br>".join(_link(file, file) for file in row.at)
            lines.append(
                f"| {row.name} | {row.text} | {kept} | {_told(guarded.get(row.name, []))} |"
            )
    return "\n".join(lines)


def page_with_table(letter: str, page: str) -> str:
    """Return *page* with the table between its marks.

    Raises:
        ValueError: the page lacks a mark.
    """
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page of {letter} has no place for the table")
    return f"{before}{BEGIN}\n\n{table(letter)}\n\n{END}{after}"


def _marked(module: ast.Module) -> Iterator[tuple[str, set[str]]]:
    everywhere = _named_in(
        node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        )
    )
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_test(node):
            yield node.name, everywhere | _named_in(node.decorator_list)


def _is_test(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.name.startswith("test_")


def _named_in(nodes: Iterable[ast.AST]) -> set[str]:
    calls = (call for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call))
    return {
        argument.value
        for call in calls
        if ast.unparse(call.func) == "pytest.mark.rule"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def _told(tests: list[Guard]) -> str:
    if not tests:
        return "nothing yet"
    shown = [
        _link(guard.test.removeprefix("test_").replace("_", " "), guard.file) for guard in tests
    ]
    more = len(shown) - _SHOWN
    return "<br>".join(shown[:_SHOWN]) + (f"<br>and {more} more" if more > 0 else "")


def _link(text: str, file: str) -> str:
    return f"[{text}]({_UP}{file})"


def main() -> None:
    """Write the tables into their pages."""
    for letter, path in PAGES.items():
        path.write_text(page_with_table(letter, path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
