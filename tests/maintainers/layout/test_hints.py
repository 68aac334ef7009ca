"""The hints: each behaviour has one, they name what is there, and nothing is asked for
that nobody has said.
"""

import ast
import builtins
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.harness import ROOT, STEPS

NAMES = [step.name for step in STEPS.values()]
LIBRARIES = {
    "AnonymousUserMixin"
}  # names of libraries that an app shows and does not write out
DATA = {"README.md", "common_passwords.txt"}
# What a test needs and its step or hints say in other words.
SAID_OTHERWISE = {
    "Path=/": "the __Host- prefix asks for it: step 01's hint sends the reader to MDN's page",
    "17": "a number of accounts that the test has made",
    "429": "the status of TooManyRequests, and of error pages since step 01",
}


def hints(step: str) -> list[dict[str, str]]:
    """The hints of a suite."""
    return tomllib.loads(
        (ROOT / "tests" / step / "hints.toml").read_text(encoding="utf-8")
    )["hint"]


def words_in(text: str) -> set[str]:
    """The names of things in a text."""
    return set(re.findall(r"[A-Za-z_]\w*", text))


@cache
def files(step: str) -> dict[str, str]:
    """The code, templates and settings of a step, by their name."""
    paths = [
        path
        for path in STEPS[int(step[:2])].path.rglob("*")
        if path.is_file() and path.name not in DATA
    ]
    ours = [
        path for path in paths if path.suffix in (".py", ".html", ".css", ".example")
    ]
    return {path.name: path.read_text(encoding="utf-8") for path in ours}


@cache
def known(step: str) -> set[str]:
    """The names that a reader can find in a step, or in Python."""
    folders = {"templates", "static", "instance"}
    file_names = {word for name in (*files(step), *DATA) for word in words_in(name)}
    return {
        *words_in(" ".join(files(step).values())),
        *file_names,
        *folders,
        *dir(builtins),
        *LIBRARIES,
    }


def the_tests_of(step: str) -> Iterator[tuple[Path, ast.FunctionDef]]:
    """The tests of a suite."""
    for file in sorted((ROOT / "tests" / step).glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield file, node


@pytest.mark.parametrize("step", NAMES)
def test_every_test_has_a_hint_and_every_hint_a_test(step: str) -> None:
    """A learner who is stuck, and a hint for a test that was renamed."""
    hinted = [name for hint in hints(step) for name in hint["for"]]

    assert sorted(hinted) == sorted(test.name for _file, test in the_tests_of(step))


@pytest.mark.parametrize("step", NAMES)
def test_hints_name_what_is_there(step: str) -> None:
    """Looking for a function that was renamed is how one loses a morning."""
    unknown = []
    for hint in hints(step):
        text = " ".join((hint["nudge"], hint["idea"], hint["look"]))
        for span in re.findall(r"`([^`]+)`", text):
            words = words_in(span) - known(step)
            if words:
                unknown.append((hint["for"][0], span, sorted(words)))

    assert unknown == [], "steps/ has no such names"


@pytest.mark.parametrize("step", NAMES)
def test_hints_name_the_right_file(step: str) -> None:
    """`this` in `that.py`: it has to be in there."""
    quoted = r"`[^`]+`"
    place = re.compile(
        rf"({quoted}(?:(?:, | and | or |, and ){quoted})*)(?: is| are)? in (?:a new )?`(\w+\.(?:py|html))`"
    )
    wrong = []
    for hint in hints(step):
        for spans, name in place.findall(hint["look"]):
            there = words_in(files(step).get(name, ""))
            missing = [
                span for span in re.findall(quoted, spans) if words_in(span) - there
            ]
            wrong += [f"{span} is not in {name}" for span in missing]

    assert wrong == []


@pytest.mark.parametrize("step", NAMES)
def test_what_the_readme_says_that_tests_rely_on_is_there(step: str) -> None:
    """Names in it are what a learner types first."""
    readme = (STEPS[int(step[:2])].path / "README.md").read_text(encoding="utf-8")
    paragraph = readme.partition("**Names that the tests rely on**")[2].partition("\n")[
        0
    ]
    spans = re.findall(r"`([^`]+)`", paragraph)

    parts = {
        part for name in known(step) for part in name.lower().split("_")
    }  # aria_describedby, retry_after

    assert spans
    named = set().union(*map(words_in, spans)) - known(step)
    assert {word for word in named if word.lower() not in parts} == set()


def demanded(test: ast.FunctionDef) -> Iterator[str]:
    """The texts that a test looks for in what the app says: `"text" in answer`,
    `headers["name"]`, words in the log.
    """
    for node in ast.walk(test):
        if isinstance(node, ast.Compare) and looks_into_a_text(node):
            yield node.left.value
        if isinstance(node, ast.Subscript) and is_header(node):
            yield node.slice.value
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "assert_logged":
            yield from logged_words(node)


def logged_words(call: ast.Call) -> Iterator[str]:
    """The words that a line of the log has to hold, but for numbers of the test."""
    for word in call.args[1:]:
        if isinstance(word, ast.Constant):
            yield word.value


def is_header(node: ast.Subscript) -> bool:
    """Whether a header is read by its name."""
    return isinstance(node.slice, ast.Constant) and "headers" in ast.unparse(node.value)


def looks_into_a_text(node: ast.Compare) -> bool:
    """Whether a comparison is of a fixed text, and not with a list that the test itself
    writes down.
    """
    is_text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    is_in = isinstance(node.ops[0], ast.In)
    return (
        is_text
        and is_in
        and not isinstance(
            node.comparators[0], ast.Tuple | ast.List | ast.Set | ast.Dict
        )
    )


def typed(file: Path) -> str:
    """Every short text that the tests of a file send or make up themselves."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = looked_for(tree)
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = [node.value for node in constants if id(node) not in found]
    return "\n".join(
        text for text in texts if isinstance(text, str) and len(text) < 100
    )


def looked_for(tree: ast.AST) -> set[int]:
    """Return the ids of the nodes whose text a test looks for in an answer."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            found.add(id(node.left))
        if isinstance(node, ast.Subscript) and is_header(node):
            found.add(id(node.slice))
        if is_call_of(node, "assert_logged"):
            found |= {id(word) for word in node.args[1:]}
    return found


def is_call_of(node: ast.AST, name: str) -> bool:
    """Return whether a node calls the function of this name."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name


@pytest.mark.parametrize("step", NAMES)
def test_what_a_test_looks_for_is_said_in_the_step_or_its_hints(step: str) -> None:
    """A word that only a test knows cannot be found by thinking."""
    sources = [ROOT / "tests/support/visitor.py", ROOT / "tests/support/apps.py"]
    sources.append(ROOT / "tests/conftest.py")
    for number in range(1, int(step[:2]) + 1):
        sources.append(STEPS[number].path / "README.md")
        sources.append(ROOT / "tests" / STEPS[number].name / "hints.toml")
    said = "".join(source.read_text(encoding="utf-8") for source in sources)
    unsaid = []
    for file, test in the_tests_of(step):
        to_be_found = said + typed(file)
        for text in demanded(test):
            if text.strip() and text not in to_be_found and text not in SAID_OTHERWISE:
                unsaid.append(f"{test.name}: {text}")

    assert unsaid == []
