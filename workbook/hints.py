"""`hint`: a nudge for a behaviour that fails, a level deeper each time."""

import argparse
import re
import tomllib

from workbook.common import (
    WorkbookError,
    behaviour_title,
    mark,
    nearest,
    paint,
    suites_up_to,
    work_step,
    wrap_text,
)
from workbook.places import ROOT, WORK
from workbook.progress import Progress, read_progress, write_progress

NO_HINT = (
    "This held when you began. `check` with its name says what came back; "
    "`reset` goes back."
)


def hint_command(options: argparse.Namespace) -> int:
    """Give a hint for the first behaviour that fails, or for one with these words."""
    return hint(" ".join(options.words))


def hint(wanted: str = "") -> int:
    """Print the next hint for the first behaviour that fails and has these words."""
    step = work_step()
    progress = read_progress(WORK)
    if progress.failing is None:
        print("First see what holds: python3 -m workbook check")
        return 0
    name = find_behaviour(wanted, progress.failing)
    if name:
        print_hint(name, progress)
        return 0
    if not wanted:
        print("Nothing fails.")
        return 0
    name = find_behaviour(wanted, behaviours(step))
    if name:
        print(f"{mark(True)} {behaviour_title(name)}\n\nThis one holds.")
        return 0
    raise unknown_behaviour(wanted, behaviours(step))


def find_behaviour(wanted: str, names: list[str]) -> str:
    """Return the first name with these words in it; an empty text if there is none."""
    for name in names:
        if wanted.lower() in behaviour_title(name):
            return name
    return ""


def unknown_behaviour(wanted: str, names: list[str]) -> WorkbookError:
    """Return the error for words that no behaviour has."""
    titles = [behaviour_title(name) for name in names]
    suggestion = nearest(wanted, titles)
    if suggestion.startswith("There is"):
        suggestion = "`check` lists them."
    return WorkbookError(f"No behaviour is called {wanted!r}. {suggestion}")


def print_hint(name: str, progress: Progress) -> None:
    """Print the next hint for a behaviour, and note that it was shown."""
    suite, _, test = name.partition("::")
    levels = hints(suite).get(test, [NO_HINT])
    level = min(progress.hints.get(name, 0) + 1, len(levels))
    progress.hints[name] = level
    write_progress(WORK, progress)
    print(f"{mark(False)} {paint(behaviour_title(name), '1')}\n")
    print(wrap_text(levels[level - 1]))
    if level < len(levels):
        print("\nAsk again for more.")
    else:
        print("\nWhat is left is the answer: python3 -m workbook peek")


def hints(suite: str) -> dict[str, list[str]]:
    """Read the hints for each test of a suite: three, from a nudge to where to look."""
    text = (ROOT / "tests" / suite / "hints.toml").read_text(encoding="utf-8")
    found = {}
    for entry in tomllib.loads(text)["hint"]:
        for test in entry["for"]:
            found[test] = [entry["nudge"], entry["idea"], entry["look"]]
    return found


def behaviours(step: str) -> list[str]:
    """Return the names of all tests up to a step, read from their files."""
    names = []
    for suite in suites_up_to(step):
        for path in sorted((ROOT / "tests" / suite).glob("test_*.py")):
            text = path.read_text(encoding="utf-8")
            names += [
                f"{suite}::{test}" for test in re.findall(r"def (test_\w+)", text)
            ]
    return names
