"""What every command needs: the steps, the learner's folder and its notes, and plain words on the terminal."""

import difflib
import itertools
import json
import os
import re
import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "work"
STATE = ".workbook.json"
PACKAGE = "flask_login_tutorial"
STEPS = sorted(path.name for path in (ROOT / "steps").glob("[0-9][0-9]_*"))
# What running an app leaves in its folder, and what the tool keeps there: no part of the lesson.
NOT_LESSON = {".env", "__pycache__", ".ruff_cache", ".pytest_cache", ".git", ".venv", ".vscode", ".idea", ".DS_Store"}
NOT_LESSON_AT_TOP = {*NOT_LESSON, "instance", "mistakes", STATE}


class WorkbookError(Exception):
    """Something the reader can mend; the message says in a sentence what is wrong and what to do."""


def say_command(*words: str | Path) -> None:
    """Show the plain command, as one could type it; on stderr, so that a pipe stays clean."""
    print("$", *(f'"{word}"' if set(str(word)) & set(" <>[") else word for word in words), file=sys.stderr)


def paint(text: str, code: str) -> str:
    """Colour, where there is a terminal that wants it."""
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{code}m{text}\x1b[0m" if wanted else text


def mark(good: bool) -> str:
    """A tick or a cross."""
    return paint("✓", "32") if good else paint("✗", "31")


def words(name: str) -> str:
    """A behaviour, to read: its name is 04_signup::test_what_it_does."""
    return name.partition("::test_")[2].replace("_", " ")


def fold(text: str) -> str:
    """Text in lines that end between words, and go on below where their own text begins."""
    width = min(shutil.get_terminal_size().columns - 1, 110)
    lines = [(line, re.match(r"\s*(- |\d+\. |[A-Z][a-z]+ {2,})?", line).end()) for line in text.split("\n")]
    return "\n".join(textwrap.fill(x, width, subsequent_indent=" " * n, break_on_hyphens=False) for x, n in lines)


def shown(path: Path) -> str:
    """A path as one would type it here."""
    return path.relative_to(ROOT).as_posix()


def nearest(word: str, known: list[str]) -> str:
    """End a sentence about an unknown name: what might have been meant, or else all there is."""
    close = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(close)}?" if close else f"There is: {', '.join(known)}."


def find_step(word: str) -> str:
    """The folder's name for 4, 04, 04_signup, signup or steps/04_signup/."""
    word = Path(word).name
    if found := [name for name in STEPS if word in (name, name[:2], name[1:2], name[3:])]:
        return found[0]
    raise WorkbookError(f"There is no step {word}. {nearest(word, STEPS)}")


def find_folder(word: str) -> tuple[str, Path]:
    """The step and the folder meant by a step's name, or by `work`."""
    if Path(word).name == "work":
        return work_step(), WORK
    return find_step(word), ROOT / "steps" / find_step(word)


def step_before(step: str) -> Path:
    """The folder that the work on a step begins with: for the first, an empty app."""
    return ROOT / "steps" / STEPS[STEPS.index(step) - 1] if step != STEPS[0] else ROOT / "workbook" / "empty"


def story(step: str) -> str:
    """A step's README up to how to run it: what it adds, and why."""
    return (ROOT / "steps" / step / "README.md").read_text(encoding="utf-8").partition("**Run it**")[0].strip()


def work_step(whole: bool = True) -> str:
    """The step that work/ is for, after a look at whether there is any work, and an app in it."""
    if not WORK.is_dir() or not (lesson_files(WORK) or (WORK / STATE).exists()):
        raise WorkbookError("There is no work/ yet. Begin a step with: python3 -m workbook start 01")
    if whole and not (WORK / PACKAGE / "__init__.py").is_file():
        raise WorkbookError(f"work/ holds no app: {PACKAGE}/__init__.py is missing. `reset` brings the start back.")
    if (step := read_state(WORK).get("step")) not in STEPS:
        raise WorkbookError("work/ does not say which step it is for. Tell it once: python3 -m workbook check 03")
    return step


def read_state(folder: Path) -> dict[str, Any]:
    """The notes kept beside somebody's work: its step, what holds, how deep the hints went. Lost notes are no harm."""
    readers = {
        "step": str,
        "failing": lambda names: [name for name in names if name.partition("::")[0] in STEPS],
        "done": lambda done: {step: (int(good), int(of)) for step, (good, of) in done.items()},
        "hints": lambda levels: {name: max(0, int(level)) for name, level in levels.items()},
    }
    try:
        notes = json.loads((folder / STATE).read_text(encoding="utf-8"))
        return {key: read(notes[key]) for key, read in readers.items() if key in notes}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def write_state(folder: Path, **changes: object) -> None:
    """Change the notes."""
    (folder / STATE).write_text(json.dumps({**read_state(folder), **changes}, indent=1), encoding="utf-8")


def lesson_files(folder: Path) -> dict[str, Path]:
    """The files that are the lesson, by their path in the folder."""
    found = {}
    for top, folders, names in os.walk(folder, followlinks=True):
        left_out = NOT_LESSON_AT_TOP if Path(top) == folder else NOT_LESSON
        folders[:] = set(folders) - left_out
        paths = [Path(top, name) for name in names if name not in left_out and not name.endswith(".pyc")]
        found |= {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
    return found


def set_aside(name: str = "") -> str:
    """Move a file of work/, or all of it, to a folder with today's date that is not there yet; give its place."""
    dated = time.strftime("work-%Y%m%d-%H%M%S")
    free = (ROOT / f"{dated}{f'-{number}' * (number > 1)}" for number in itertools.count(1))
    target = next(folder for folder in free if not os.path.lexists(folder)) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    (WORK / name).rename(target)
    return f"Yours is kept: {shown(target)}"


def copy_lesson(source: Path, target: Path, only: str = "") -> None:
    """Copy a step, or one file of it, as it was handed out: no database, no key."""
    for name, path in lesson_files(source).items():
        if only in ("", name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
