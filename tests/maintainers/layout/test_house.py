"""The workbook itself: neighbours differ by the lesson alone, and functions stay
short."""

import ast
import difflib
import itertools
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.harness import ROOT, STEPS

NAMES = [step.name for step in STEPS.values()]
PAIRS = list(itertools.pairwise(NAMES))
LITTER = {
    "__pycache__",
    "instance",
    ".env",
    "common_passwords.txt",
    "deploy",
}  # the last is data, which no lesson explains


@cache
def files(step: str) -> dict[str, str]:
    """The files of a step by their path in it; its README tells the story and is no
    part of the diff.
    """
    folder = ROOT / "steps" / step
    paths = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not LITTER & set(path.relative_to(folder).parts)
    ]
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in paths
        if path.suffix != ".md"
    }


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_step_adds_one_lesson_and_takes_little_away(before: str, after: str) -> None:
    """A step is cut into lessons later; still a diff has to end, and to add far more
    than it takes away.
    """
    old = files(before)
    new = files(after)
    added = removed = 0
    for name in old.keys() | new.keys():
        for line in difflib.ndiff(
            old.get(name, "").splitlines(), new.get(name, "").splitlines()
        ):
            added += line.startswith("+ ")
            removed += line.startswith("- ")

    assert added <= 700, f"{before} -> {after} adds {added} lines"
    # A small step removes little, but for its imports, its title and what stood in for
    # it.
    assert removed <= max(15, added / 5), (
        f"{before} -> {after} removes {removed} lines and adds {added}"
    )


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_no_step_takes_a_file_away(before: str, after: str) -> None:
    """Files that move about hide what has changed."""
    assert files(before).keys() <= files(after).keys()


@pytest.mark.parametrize(
    "name",
    [
        "wsgi.py",
        "flask_login_tutorial/static/style.css",
        "flask_login_tutorial/cookies.py",
    ],
)
def test_what_no_lesson_touches_is_the_same_in_every_step(name: str) -> None:
    """To the byte: a stray difference would look like a lesson."""
    assert len({files(step)[name] for step in NAMES}) == 1


def test_a_line_that_a_later_step_brings_back_is_a_change_not_carried_along() -> None:
    """A file that agrees in an earlier and a later step, but not in between, was mended
    in one step only.
    """
    for name in files(NAMES[-1]):
        versions = [files(step).get(name) for step in NAMES]
        for first, last in itertools.combinations(range(len(versions)), 2):
            if versions[first] is None or versions[first] != versions[last]:
                continue
            between = versions[first:last]
            assert set(between) == {versions[first]}, (
                f"{name}: {NAMES[first]} and {NAMES[last]} agree, one between differs"
            )


@pytest.mark.parametrize("step", NAMES)
def test_a_chapter_links_to_documentation_and_to_no_registry(step: str) -> None:
    """A room may reach its packages by a mirror alone; what is read is the library's
    own page.
    """
    chapter = (ROOT / "steps" / step / "LESSONS.md").read_text(encoding="utf-8")

    assert re.findall(r"https?://[\w.]*(?:pypi|pythonhosted)[\w.]*", chapter) == []


def test_no_function_of_a_step_is_longer_than_a_screen() -> None:
    """Thirty lines fit on a projector, with the question that somebody asks about
    them."""
    too_long = []
    for step in NAMES:
        for name, length in lengths_of_functions(step).items():
            if length > 35:
                too_long.append(f"{step}/{name} has {length} lines")

    assert too_long == []


def lengths_of_functions(step: str) -> dict[str, int]:
    """How many lines each function and method of a step has."""
    lengths = {}
    for file, text in files(step).items():
        if not file.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                lengths[f"{file}:{node.name}"] = node.end_lineno - node.lineno + 1
    return lengths


@pytest.mark.parametrize("step", NAMES)
def test_a_step_stands_on_its_own(step: str) -> None:
    """Copied elsewhere it still runs: relative imports inside the package, and no way
    out of the folder.
    """
    for name, text in files(step).items():
        if name.endswith(".py") and name != "wsgi.py":
            assert not re.search(
                r"^\s*(from|import) flask_login_tutorial", text, re.MULTILINE
            ), name


@pytest.mark.parametrize("step", NAMES)
def test_a_step_fits_the_house(step: str) -> None:
    """Whoever knows one step knows where things are in the others."""
    folder = ROOT / "steps" / step

    assert {"README.md", ".env.example", "wsgi.py"} <= {
        path.name for path in folder.iterdir()
    }
    assert len((folder / "README.md").read_text().splitlines()) <= 50, (
        "more than one screen"
    )
    assert (ROOT / "tests" / step).is_dir()
    assert not list(Path(folder).rglob("*.jinja2")), "Flask escapes by file ending"
