"""The house keeps its own measures: sizes, docstrings, one-way imports, the list of rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_CEILING = 350
TEST_FILE_CEILING = 500  # its tables are long, its tests are read one at a time
FUNCTION_CEILING = 50
PACKAGES = ("bff", "sso", "workbench", "httpkit", "launcher")
# Everything that may stand at the root; whoever adds a thing says so here.
FURNITURE = {
    ".ci",
    ".dockerignore",
    ".gitignore",
    "CHANGELOG.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "app.py",
    "bench",
    "bff",
    "deploy",
    "docs",
    "httpkit",
    "launcher",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements.txt",
    "sso",
    "static",
    "templates",
    "tests",
    "workbench",
}


@cache
def tracked() -> list[str]:
    """Return every file that git knows or would take in."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def modules() -> list[str]:
    """Return every Python file of ours."""
    return [name for name in tracked() if name.endswith(".py")]


def ceiling_of(name: str) -> int:
    """Return how many lines the file *name* may have."""
    return TEST_FILE_CEILING if Path(name).name.startswith("test_") else FILE_CEILING


def too_long_functions(source: str) -> list[str]:
    """Return the name and length of every function in *source* above the ceiling."""
    return [
        f"{node.name}: {length} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_CEILING
    ]


def test_no_file_is_too_long_to_read_in_one_sitting() -> None:
    """A file ends before its 351st line, a file of tests before its 501st."""
    lengths = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in modules()}
    too_long = {name: lines for name, lines in lengths.items() if lines > ceiling_of(name)}
    assert too_long == {}


def test_no_function_is_too_long_to_see_at_once() -> None:
    """A function ends before its 51st line."""
    found = {name: too_long_functions((ROOT / name).read_text("utf-8")) for name in modules()}
    assert {name: functions for name, functions in found.items() if functions} == {}


def test_the_measure_of_functions_measures() -> None:
    """The rule above sees the first function that is too long."""
    longest = "def longest():\n" + "    pass\n" * (FUNCTION_CEILING - 1)
    assert too_long_functions(longest) == []
    assert too_long_functions(longest + "    pass\n") == ["longest: 51 lines"]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_owns(package: str) -> None:
    """Each ``__init__.py`` of a party has a docstring; no folder of modules lacks the file."""
    folders = {Path(name).parent for name in modules() if Path(name).parts[0] == package}
    # Alembic loads its scripts by path.
    folders = {folder for folder in folders if "versions" not in folder.parts}
    silent = [
        str(folder)
        for folder in folders
        if not (ROOT / folder / "__init__.py").exists()
        or not ast.get_docstring(ast.parse((ROOT / folder / "__init__.py").read_text("utf-8")))
    ]
    assert [folder for folder in silent if not folder.endswith("migrations")] == []


def test_nothing_stands_at_the_root_unannounced() -> None:
    """The root holds what the list above names, nothing else."""
    assert {Path(name).parts[0] for name in tracked()} - FURNITURE == set()


def test_no_production_module_imports_tests_or_benchmarks() -> None:
    """What runs in production never reaches into ``tests`` or ``bench``."""
    guilty = [
        name
        for name in modules()
        if Path(name).parts[0] in {*PACKAGES, "app.py"}
        for node in ast.walk(ast.parse((ROOT / name).read_text("utf-8")))
        if _imported(node) & {"tests", "bench", "pytest"}
    ]
    assert guilty == []


def test_imports_go_one_way() -> None:
    """The import-linter contracts of pyproject.toml hold."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").split(".")[0]}
    return set()
