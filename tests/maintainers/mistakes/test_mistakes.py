"""Every mistake of the tutorial can be put back, and exactly the tests that are named
for it turn red.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.suites import SuiteRunner
from workbook.aside import copy_lesson
from workbook.patches import FOLDER, Mistake, all_mistakes, apply, read

ROOT = FOLDER.parent.parent
MISTAKES = {
    "01_config": ["config-at-import", "secret-key-none", "weak-key"],
    "02_models": [
        "create-all-in-factory",
        "default-below-owasp",
        "hash-in-log",
        "repr",
        "sha256",
        "sha256-rows",
        "short-columns",
        "timestamps",
    ],
    "03_forms": [
        "cookie-flags",
        "hard-coded-action",
        "javascript-link",
        "json-bodies",
        "stronger-password",
    ],
    "04_signup": [
        "check-then-insert",
        "nul",
        "second-click",
        "two-accounts-one-mailbox",
    ],
    "05_login": [
        "cookie-outlives-logout",
        "counted-by-answer",
        "csrf-by-form-only",
        "csrf-token-only",
        "failed-login-redirects",
        "jinja2-ending",
        "limits-that-punish-a-room",
        "logged-in-signup",
        "logout-by-get",
        "no-rate-limits",
        "old-session-kept",
        "open-redirect",
        "timing",
    ],
    "06_protected": [
        "back-button",
        "decorator-order",
        "inactive-loop",
        "lost-next",
        "no-headers",
        "not-fresh",
    ],
}
NAMES = [f"{step}-{name}" for step, names in MISTAKES.items() for name in names]


def mistake_named(name: str) -> Mistake:
    """The mistake of this name, such as 05_login-timing."""
    return read(FOLDER / f"{name}.patch")


def listed(tests: set[str]) -> str:
    """Tests, one a line, to be read in a failure."""
    return "".join(f"\n  {test}" for test in sorted(tests))


@pytest.fixture(scope="session")
def runner() -> Iterator[SuiteRunner]:
    """What runs the suites on the copies."""
    with SuiteRunner(warm=True) as runner:
        yield runner


def test_every_mistake_has_its_patch_and_no_other_is_there() -> None:
    """A mistake without a patch is one that nobody can try, and that no test is held
    against.
    """
    assert {f"{mistake.step}-{mistake.id}" for mistake in all_mistakes()} == set(NAMES)
    assert len(NAMES) == 39


@pytest.mark.parametrize("name", NAMES)
def test_a_patch_is_short_and_tells_a_beginner_what_to_try(name: str) -> None:
    """A mistake is understood by reading its diff: under 25 lines, and three things to
    do that show it.
    """
    mistake = mistake_named(name)

    changed = re.findall(r"^(?:\+(?!\+\+ )|-(?!-- )).*$", mistake.diff, re.MULTILINE)
    assert len(changed) < 25, f"{name}.patch changes {len(changed)} lines"
    assert len(mistake.tries) == 3, (
        f"{name}.patch says {len(mistake.tries)} things to try, and not three"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_known_weakness_has_its_standard_name(name: str) -> None:
    """A number such as CWE-384 is not what anybody searches for: "session fixation"
    is."""
    mistake = mistake_named(name)

    assert mistake.name or not mistake.cwe, (
        f"{name}.patch has {mistake.cwe} and no line Name:"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_that_a_patch_names_are_there(name: str) -> None:
    """A test that was renamed or dropped leaves a mistake that nothing is known to
    catch.
    """
    for test in mistake_named(name).red:
        file, _, function = test.partition("::")
        tree = (
            ast.parse((ROOT / file).read_text("utf-8"))
            if (ROOT / file).is_file()
            else ast.Module([], [])
        )

        there = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in there, (
            f"{name}.patch says that {test} turns red, but there is no such test"
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_turns_exactly_its_own_tests_red(
    name: str, runner: SuiteRunner, tmp_path: Path
) -> None:
    """A mistake that nothing catches is a hole in the suites; one that turns others of
    its step red hides which test is its own.

    Of the earlier suites only what is named is run: they take longest.
    """
    mistake = mistake_named(name)
    copy = tmp_path / mistake.step
    copy_lesson(ROOT / "steps" / mistake.step, copy)
    suite = f"tests/{mistake.step}"
    earlier = [test for test in mistake.red if not test.startswith(suite)]

    apply(mistake, copy)
    outcomes = runner.judge(mistake.step, copy, [suite, *earlier])

    red = outcomes.failed
    named = set(mistake.red)
    assert red, f"{name}.patch is caught by no test at all"
    assert not named - red, (
        f"{name}.patch should turn these tests red, but they pass:{listed(named - red)}"
    )
    assert not red - named, (
        f"{name}.patch turns tests red that it does not name:{listed(red - named)}"
    )
    assert outcomes.passed - red, f"{name}.patch leaves no test that passes"
