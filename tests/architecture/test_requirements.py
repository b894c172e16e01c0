"""A fresh machine gets from `requirements.txt` whatever production imports."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bff", "sso", "workbench", "httpkit", "launcher")
NAME = re.compile(r"[A-Za-z0-9._-]+")


def canonical(requirement: str) -> str:
    """Return the name that *requirement* begins with, in its one spelling (PEP 503)."""
    return re.sub(r"[-_.]+", "-", NAME.findall(requirement)[0]).lower()


def installed_with(requirements: str) -> set[str]:
    """Return what *requirements* names and everything that comes along with it."""
    waiting = [canonical(line) for line in requirements.splitlines() if NAME.match(line)]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system or an older Python
        waiting += [canonical(each) for each in needed if "extra ==" not in each]
    return found


def imported_by(path: Path) -> set[str]:
    """Return the top-level names that the module at *path* imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def test_whatever_production_imports_is_installed_by_make_run() -> None:
    """No import leans on a package that only the test environment happens to have."""
    files = [ROOT / "app.py", *(file for name in PACKAGES for file in (ROOT / name).rglob("*.py"))]
    foreign = set().union(*map(imported_by, files)) - sys.stdlib_module_names - {*PACKAGES, "app"}
    wheels = installed_with((ROOT / "requirements.txt").read_text("utf-8"))
    carriers = metadata.packages_distributions()
    lacking = {
        name
        for name in foreign
        if not wheels & {canonical(wheel) for wheel in carriers.get(name, [])}
    }
    assert lacking == set()
