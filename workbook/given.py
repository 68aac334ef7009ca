"""What is given for a lesson: put it into work/, beside what a learner has written."""

from dataclasses import dataclass, field
from pathlib import Path

from workbook.lessons import Lesson, State, start_folder, state_folder
from workbook.merge import MergeConflictError, carry, read_or_none, write_or_delete
from workbook.places import WORK, code_files


@dataclass
class Given:
    """What became of the files that are given for a lesson."""

    placed: list[str] = field(default_factory=list)  # these are in work/ now
    refused: list[str] = field(default_factory=list)  # these do not fit, and stay


def given_files(lesson: Lesson) -> list[str]:
    """Return the names of the files that are given for a lesson.

    Raises WorkbookError if a diff of the chapter does not fit.
    """
    before = code_files(state_folder(State(lesson.step, lesson.number - 1)))
    start = code_files(start_folder(lesson))
    changed = []
    for name in sorted({*before, *start}):
        if content(before.get(name)) != content(start.get(name)):
            changed.append(name)
    return changed


def put_into_work(lesson: Lesson) -> Given:
    """Merge what is given for a lesson into work/; a file that does not fit stays.

    Raises WorkbookError if a diff of the chapter does not fit, or without git; then
    nothing was changed.
    """
    before = state_folder(State(lesson.step, lesson.number - 1))
    start = start_folder(lesson)
    given = Given()
    new: dict[str, bytes | None] = {}
    for name in given_files(lesson):
        path = WORK / name
        present = content(path)
        try:
            merged = carry(present, content(before / name), content(start / name))
        except MergeConflictError:
            given.refused.append(name)
            continue
        given.placed.append(name)
        if merged != present:
            new[name] = with_line_ends_of(path, merged)
    for name, data in new.items():
        write_or_delete(WORK / name, data)
    return given


def content(path: Path | None) -> bytes | None:
    """Return what is in a file, its lines ended by LF; None if there is no file."""
    data = read_or_none(path) if path else None
    return None if data is None else data.replace(b"\r\n", b"\n")


def with_line_ends_of(path: Path, data: bytes | None) -> bytes | None:
    """Return the text with CR LF at its lines' ends if the file there has them."""
    present = read_or_none(path)
    if data is not None and present is not None and b"\r\n" in present:
        return data.replace(b"\n", b"\r\n")
    return data
