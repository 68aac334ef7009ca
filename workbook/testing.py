"""`test`: run pytest."""

import argparse
import sys

from workbook.common import say_command
from workbook.lessons import find_place
from workbook.places import ROOT, STEPS, WORK, shown


def split_arguments(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the step that stands first, if one does, and the rest for pytest."""
    if arguments and is_no_option_or_path(arguments[0]):
        return arguments[0], arguments[1:]
    return None, list(arguments)


def is_no_option_or_path(word: str) -> bool:
    """Return whether a word can only mean a step, or work/: pytest has no use for it.

    A path of tests is one from the top of the workbook: pytest runs there.
    """
    if word.startswith("-"):
        return False
    path = ROOT / word.partition("::")[0]
    return word == "work" or not path.exists()


def test_command(options: argparse.Namespace) -> int:
    """Run a step's suites, or all there is, with pytest's own options."""
    words = join_app(options.rest)
    if options.step:
        place = find_place(options.step)
        if place.is_start or place.folder == WORK:
            words.insert(0, f"--app={shown(place.folder)}")
        words = ["--step", place.name, *words]
    words = words or ["-n", "auto", *everything_for_learners()]
    say_command("pytest", *words)
    sys.stdout.flush()
    import pytest

    status = pytest.main(words)
    return 130 if status == pytest.ExitCode.INTERRUPTED else int(status)


def everything_for_learners() -> list[str]:
    """Return the folders of the suites, the mistakes and the notebooks.

    What tests the tool itself is for maintainers: .ci/run runs it.
    """
    suites = [f"tests/{step}" for step in STEPS]
    return [*suites, "tests/maintainers/mistakes", "tests/maintainers/notebooks"]


def join_app(words: list[str]) -> list[str]:
    """Return the words with `--app DIR` as one word.

    Pytest takes a folder that stands alone for a path, before it knows our option.
    """
    joined = list(words)
    if "--app" in joined[:-1]:
        place = joined.index("--app")
        folder = joined.pop(place + 1)
        joined[place] = f"--app={folder}"
    return joined
