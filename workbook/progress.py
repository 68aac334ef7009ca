"""The notes that are kept beside somebody's work: how far they are."""

import json
import os
from dataclasses import asdict, dataclass, field
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
    done: dict[str, Score] = field(default_factory=dict)  # by step
    hints: dict[str, int] = field(default_factory=dict)  # by test: how many were shown


def read_progress(folder: Path) -> Progress:
    """Read the notes. Notes that are missing or damaged count as none."""
    try:
        text = (folder / PROGRESS_FILE).read_text(encoding="utf-8")
        return from_json(json.loads(text))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return Progress()


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
    return progress


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
