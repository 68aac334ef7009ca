"""Imports point one way: see the map in docs/CONTRIBUTING.md."""

import ast
import graphlib
from pathlib import Path

from tests.support.harness import ROOT

# Each part of the house, and the parts that it may import.
MAY_IMPORT = {
    "workbook.places": set(),  # how to walk a step's files: everybody needs it
    "tests.support": {"workbook.places"},
    # tests/conftest.py asks for a lesson only if `--step 05.3` names one
    "tests.suites": {"tests.support", "workbook.places", "workbook.lessons"},
    "workbook.lessons": {"workbook", "workbook.places"},
    "workbook": {
        "tests.support",
        "tests.asvs",
        "workbook.places",
        "workbook.lessons",
    },
    "notebooks": {"tests.support", "workbook", "tests.asvs"},
    "tests.asvs": set(),
    "tests.maintainers": {
        "tests.support",
        "tests.asvs",
        "workbook",
        "workbook.places",
        "workbook.lessons",
        "notebooks",
    },
    "tests.system": {"tests.support", "workbook"},
    "maintenance": {
        "tests.support",
        "tests.system",
        "workbook",
        "workbook.places",
        "workbook.lessons",
    },
}


def part_of(module: str) -> str | None:
    """Return the part of the house that a module belongs to; None for a library."""
    if module.startswith(("tests.0", "tests.conftest")):
        return "tests.suites"
    for part in MAY_IMPORT:
        if module == part or module.startswith(f"{part}."):
            return part
    return None


def module_of(path: Path) -> str:
    """Return the dotted name of a file of the workbook."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, also inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            module = full_name(node, path)
            found |= {module}
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def full_name(node: ast.ImportFrom, path: Path) -> str:
    """Return the module that `from ... import` names, without leading dots."""
    if not node.level:
        return node.module
    package = module_of(path).split(".")[: -node.level]
    return ".".join([*package, node.module or ""]).rstrip(".")


def python_files() -> list[Path]:
    """Return every Python file of the workbook outside the steps."""
    folders = [
        ROOT / name for name in ("tests", "workbook", "notebooks", "maintenance")
    ]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def test_each_part_imports_only_what_it_may() -> None:
    """A helper that imports what it helps cannot be used anywhere else."""
    wrong = []
    for path in python_files():
        own = part_of(module_of(path))
        for module in imported(path):
            part = part_of(module)
            if part not in (None, own) and part not in MAY_IMPORT[own]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")

    assert wrong == []


def test_no_module_of_the_tool_imports_itself_in_a_circle() -> None:
    """Two modules that need each other are one module, or three."""
    files = {module_of(path): path for path in (ROOT / "workbook").glob("*.py")}
    graph = {name: imported(path) & files.keys() for name, path in files.items()}

    order = list(graphlib.TopologicalSorter(graph).static_order())

    assert set(order) == set(files)


def test_no_step_imports_anything_outside_its_folder() -> None:
    """Copied elsewhere, it still runs."""
    houses = {"tests", "workbook", "notebooks", "maintenance", "steps"}
    wrong = []
    for path in sorted((ROOT / "steps").rglob("*.py")):
        own_step = ".".join(module_of(path).split(".")[:2])  # steps.03_forms
        for module in imported(path):
            if module.partition(".")[0] in houses and not module.startswith(own_step):
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")

    assert wrong == []
