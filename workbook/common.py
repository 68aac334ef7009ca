"""What the commands share: text on the terminal, and finding a step by its name."""

import difflib
import os
import re
import shlex
import shutil
import sys
import textwrap
from pathlib import Path

from workbook.places import PACKAGE, PROGRESS_FILE, ROOT, STEPS, WORK, lesson_files
from workbook.progress import read_progress

WIDEST_TEXT = 110
# "- ", "1. " and "Why    " begin a paragraph that goes on below its own text.
INDENTED = re.compile(r"\s*(- |\d+\. |[A-Z][a-z]+ {2,})?")
GREEN = "32"
RED = "31"
CLEAR_SCREEN = "\x1b[2J\x1b[H"


class WorkbookError(Exception):
    """Something the reader can mend; the message says what is wrong and what to do."""


def say_command(*words: str | Path) -> None:
    """Show the plain command as one could type it; on stderr: a pipe stays clean."""
    print("$", shlex.join(str(word) for word in words), file=sys.stderr)


def paint(text: str, code: str) -> str:
    """Return the text in a colour, if stdout is a terminal that wants colours."""
    if not sys.stdout.isatty():
        return text
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{code}m{text}\x1b[0m"


def mark(good: bool) -> str:
    """Return a tick or a cross."""
    return paint("✓", GREEN) if good else paint("✗", RED)


def behaviour_title(name: str) -> str:
    """Return a test's name as words: 04_signup::test_what_it_does."""
    return name.partition("::test_")[2].replace("_", " ")


def wrap_text(text: str) -> str:
    """Wrap each line at the terminal's width, with a hanging indent for lists."""
    width = min(shutil.get_terminal_size().columns - 1, WIDEST_TEXT)
    lines = []
    for line in text.split("\n"):
        indent = " " * INDENTED.match(line).end()
        wrapped = textwrap.fill(
            line,
            width,
            subsequent_indent=indent,
            break_on_hyphens=False,
            break_long_words=False,  # a link that is cut leads nowhere
        )
        lines.append(wrapped)
    return "\n".join(lines)


def ask(question: str) -> bool:
    """Ask a question on the terminal; anything but yes is no."""
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def nearest(word: str, known: list[str]) -> str:
    """End a sentence about an unknown name: what may be meant, or all there is."""
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There is: {', '.join(known)}."


def find_step(word: str, others: tuple[str, ...] = ()) -> str:
    """Return the name of the folder for 4, 04, 04_signup, signup or steps/04_signup/.

    Raises WorkbookError if there is none; `others` are names that it may suggest, too.
    """
    word = Path(word).name
    for name in STEPS:
        number, _, title = name.partition("_")
        if word in (name, number, number.lstrip("0"), title):
            return name
    raise WorkbookError(f"There is no step {word}. {nearest(word, [*STEPS, *others])}")


def step_before(step: str) -> Path:
    """Return the folder that the work on a step begins with; first, an empty app."""
    if step == STEPS[0]:
        return ROOT / "workbook" / "empty"
    return ROOT / "steps" / STEPS[STEPS.index(step) - 1]


def suites_up_to(step: str) -> list[str]:
    """Return the names of the suites that judge a step."""
    return STEPS[: STEPS.index(step) + 1]


def story(step: str) -> str:
    """Return a step's README up to how to run it: what the step adds, and why."""
    readme = ROOT / "steps" / step / "README.md"
    return readme.read_text(encoding="utf-8").partition("**Run it**")[0].strip()


def work_step(whole: bool = True) -> str:
    """Return the step that work/ is for.

    Raises WorkbookError if there is no work/ or, unless `whole` is False, no app in it.
    """
    if not has_work():
        raise WorkbookError(
            "There is no work/ yet. Begin a step with: python3 -m workbook start 01"
        )
    if whole and not (WORK / PACKAGE / "__init__.py").is_file():
        raise WorkbookError(
            f"work/ holds no app: {PACKAGE}/__init__.py is missing. "
            "`reset` brings the start back."
        )
    step = read_progress(WORK).step
    if step not in STEPS:
        raise WorkbookError(
            "work/ does not say which step it is for. "
            "Tell it once: python3 -m workbook check 03"
        )
    return step


def has_work() -> bool:
    """Return whether work/ holds anything of the learner's."""
    return bool(lesson_files(WORK)) or (WORK / PROGRESS_FILE).exists()
