"""`hint`: a nudge for a behaviour that fails, a level deeper each time."""

import argparse
import tomllib

from tests.support.suites import files_of_behaviours
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
from workbook.lessons import (
    Lesson,
    behaviour_names,
    current_lesson,
    later_behaviours,
    lessons,
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
    if not progress.app_starts:
        print("When you last checked, the app did not start: no hint helps before it")
        print("does. `check` names the file and the line.")
        return 0
    if progress.failing is None:
        print("First see what holds: python3 -m workbook check")
        return 0
    names = failing_now(step, progress.failing, wanted)
    if names:
        print_hint(names[0], progress)
        return 0
    if not wanted:
        print("Nothing fails. `check` goes on to what comes next.")
        return 0
    names = find_behaviours(wanted, behaviours(step))
    if names:
        print(f"{mark(True)} {behaviour_title(names[0])}\n\nThis one holds.")
        return 0
    raise unknown_behaviour(wanted, behaviours(step))


def failing_now(step: str, failing: list[str], wanted: str) -> list[str]:
    """Return what fails and has these words; without any, what the lesson asks for."""
    lesson = current_lesson()
    if lesson:
        failing = lesson_first(lesson, failing)
    if wanted:
        return find_behaviours(wanted, failing) or of_lesson(step, wanted, failing)
    later = set(later_behaviours(lesson)) if lesson else set()
    return [name for name in failing if name not in later]


def lesson_first(lesson: Lesson, failing: list[str]) -> list[str]:
    """Return what fails as `check` shows it: that of the lesson before all other."""
    own = behaviour_names(lesson)
    first = [name for name in own if name in failing]
    return first + [name for name in failing if name not in own]


def of_lesson(step: str, wanted: str, failing: list[str]) -> list[str]:
    """Return what fails of the lesson with this name or with these words."""
    for lesson in lessons(step):
        if has_words(wanted, f"{lesson.name} {lesson.title}"):
            return [name for name in behaviour_names(lesson) if name in failing]
    return []


def find_behaviours(wanted: str, names: list[str]) -> list[str]:
    """Return the names with these words: in a row or, if there is none, in any way."""
    titles = {name: behaviour_title(name) for name in names}
    in_a_row = [name for name in names if wanted.lower() in titles[name]]
    return in_a_row or [name for name in names if has_words(wanted, titles[name])]


def has_words(wanted: str, text: str) -> bool:
    """Return whether a text has all these words, in any order."""
    return set(wanted.lower().split()) <= set(text.lower().split())


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
        names += files_of_behaviours(suite)
    return names
