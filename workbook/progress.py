"""The notes that are kept beside somebody's work: how far they are."""

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbook.places import PROGRESS_FILE, STEPS


@dataclass
class Score:
    """How many of a step's tests passed."""

    passed: int
    total: int

    def __str__(self) -> str:
        if self.passed == self.total:
            return f"all {self.total}"
        return f"{self.passed} of {self.total}"


@dataclass
class Progress:
    """What is noted about a work folder."""

    step: str = ""
    lesson: int = 0  # 0: not known; `check` finds it
    finished: list[str] = field(default_factory=list)  # lessons, such as 05.2
    failing: list[str] | None = None  # None: the suites have not run yet
    all_judged: bool = True  # False: `start` has judged the lesson's behaviours alone
    done: dict[str, Score] = field(default_factory=dict)  # by step
    hints: dict[str, int] = field(default_factory=dict)  # by test: how many were shown
    # By lesson: the behaviours that held when it began; nobody has built those here.
    started_with: dict[str, list[str]] = field(default_factory=dict)
    app_starts: bool = True  # when the tests ran last
    checked_at: str = ""  # when the tests ran last; in UTC, as ISO 8601 writes it
    progressed_at: str = ""  # when a lesson began, or one more behaviour held

    def begin_lesson(self, lesson: str, holding: list[str]) -> None:
        """Note that a lesson begins, and which of its behaviours hold already."""
        self.started_with[lesson] = holding
        self.progressed_at = now()

    def note_check(self, failing: list[str]) -> None:
        """Note what fails now that all tests ran, and whether more hold than before."""
        if self.failing is None or set(self.failing) - set(failing):
            self.progressed_at = now()
        self.failing = failing
        self.all_judged = True


def now() -> str:
    """Return the time as notes hold it: learners may sit in several time zones."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def minutes_since(moment: str) -> int | None:
    """Return how many whole minutes ago this was; None if it is not known.

    A clock that is ahead of ours makes it 0. Raises ValueError for another text.
    """
    if not moment:
        return None
    passed = datetime.now(UTC) - datetime.fromisoformat(moment).astimezone(UTC)
    return max(0, int(passed.total_seconds() // 60))


def read_progress(folder: Path) -> Progress:
    """Read the notes. Notes that are missing or damaged count as none."""
    try:
        return load_progress(folder / PROGRESS_FILE)
    except (OSError, ValueError):
        return Progress()


def load_progress(file: Path) -> Progress:
    """Read the notes; raises OSError if it cannot, ValueError if they are damaged."""
    try:
        return from_json(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{file} holds no notes of the workbook.") from error


def from_json(notes: dict[str, Any]) -> Progress:
    """Make a Progress of what json.loads returns; raises if that has another shape."""
    progress = Progress(step=str(notes.get("step", "")))
    progress.lesson = max(0, int(notes.get("lesson", 0)))
    progress.finished = [str(name) for name in notes.get("finished", [])]
    if "failing" in notes:
        names = notes["failing"]
        progress.failing = [name for name in names if name.partition("::")[0] in STEPS]
    for step, (passed, total) in notes.get("done", {}).items():
        progress.done[step] = Score(int(passed), int(total))
    for name, level in notes.get("hints", {}).items():
        progress.hints[name] = max(0, int(level))
    for lesson, names in notes.get("started_with", {}).items():
        progress.started_with[lesson] = [str(name) for name in names]
    progress.all_judged = bool(notes.get("all_judged", True))
    progress.app_starts = bool(notes.get("app_starts", True))
    progress.checked_at = read_moment(notes.get("checked_at", ""))
    progress.progressed_at = read_moment(notes.get("progressed_at", ""))
    return progress


def read_moment(moment: str) -> str:
    """Return a time in notes as it is; raises ValueError or TypeError if it is none."""
    minutes_since(moment)
    return moment


def write_progress(folder: Path, progress: Progress) -> None:
    """Write the notes: another terminal reads all of the old ones, or of the new."""
    notes = asdict(progress)
    notes["done"] = {
        step: [score.passed, score.total] for step, score in progress.done.items()
    }
    if progress.failing is None:
        del notes["failing"]
    text = json.dumps(notes, indent=1)
    draft = folder / f"{PROGRESS_FILE}.{os.getpid()}"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / PROGRESS_FILE)
