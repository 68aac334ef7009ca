"""The workbook itself: neighbours differ by the lesson alone, and the last step stays small."""

import ast
import difflib
import io
import itertools
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest
from harness import ROOT, STEPS

NAMES = [step.name for step in STEPS.values()]
PAIRS = list(itertools.pairwise(NAMES))
LITTER = {"__pycache__", "instance", ".env"}


@cache
def files(step: str) -> dict[str, str]:
    """The files of a step by their path in it; its README tells the story and is no part of the diff."""
    folder = ROOT / "steps" / step
    paths = [path for path in folder.rglob("*") if path.is_file() and not LITTER & set(path.relative_to(folder).parts)]
    return {str(path.relative_to(folder)): path.read_text() for path in paths if path.name != "README.md"}


def code_lines(source: str) -> int:
    """Lines that hold code: no blanks, comments or docstrings."""
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in nothing:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_step_adds_one_lesson_and_takes_little_away(before: str, after: str) -> None:
    """A diff that cannot be read in a sitting teaches nothing: 250 lines added at most, five for each one removed."""
    old, new = files(before), files(after)
    added = removed = 0
    for name in old.keys() | new.keys():
        for line in difflib.ndiff(old.get(name, "").splitlines(), new.get(name, "").splitlines()):
            added += line.startswith("+ ")
            removed += line.startswith("- ")

    assert added <= 250, f"{before} -> {after} adds {added} lines"
    assert removed * 5 < added, f"{before} -> {after} removes {removed} lines and adds {added}"


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_no_step_takes_a_file_away(before: str, after: str) -> None:
    """Files that move about hide what has changed."""
    assert files(before).keys() <= files(after).keys()


@pytest.mark.parametrize(
    "name", ["wsgi.py", "flask_login_tutorial/static/style.css", "flask_login_tutorial/templates/error.html"]
)
def test_what_no_lesson_touches_is_the_same_in_every_step(name: str) -> None:
    """To the byte: a stray difference would look like a lesson."""
    assert len({files(step)[name] for step in NAMES}) == 1


def test_a_line_that_a_later_step_brings_back_is_a_change_not_carried_along() -> None:
    """A file that agrees in an earlier and a later step, but not in between, was mended in one place only."""
    for name in files(NAMES[-1]):
        versions = [files(step).get(name) for step in NAMES]
        for first in range(len(versions)):
            for last in range(first + 2, len(versions)):
                if versions[first] is not None and versions[first] == versions[last]:
                    between = versions[first + 1 : last]
                    assert set(between) == {versions[first]}, (
                        f"{name}: {NAMES[first]} and {NAMES[last]} agree, one between differs"
                    )


def test_the_last_step_can_be_read_in_one_sitting() -> None:
    """About 600 lines of code, and no function over 30 lines."""
    sources = {name: text for name, text in files(NAMES[-1]).items() if name.endswith(".py")}
    longest = {
        f"{name}:{node.name}": node.end_lineno - node.lineno + 1
        for name, text in sources.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }

    assert sum(map(code_lines, sources.values())) <= 610
    assert {name: length for name, length in longest.items() if length > 30} == {}


@pytest.mark.parametrize("step", NAMES)
def test_a_step_stands_on_its_own(step: str) -> None:
    """Copied elsewhere it still runs: relative imports inside the package, and no way out of the folder."""
    for name, text in files(step).items():
        if name.endswith(".py") and name != "wsgi.py":
            assert not re.search(r"^\s*(from|import) flask_login_tutorial", text, re.MULTILINE), name


@pytest.mark.parametrize("step", NAMES)
def test_a_step_fits_the_house(step: str) -> None:
    """Whoever knows one step knows where things are in the others."""
    folder = ROOT / "steps" / step

    assert {"README.md", ".env.example", "wsgi.py"} <= {path.name for path in folder.iterdir()}
    assert len((folder / "README.md").read_text().splitlines()) <= 45, "more than one screen"
    assert (ROOT / "tests" / step).is_dir()
    assert not list(Path(folder).rglob("*.jinja2")), "Flask escapes by file ending"
