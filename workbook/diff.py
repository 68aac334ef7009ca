"""`diff` and `peek`: what changes from one folder to another, in a lesson's order."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from itertools import groupby, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from workbook.common import (
    WorkbookError,
    behaviour_title,
    paint,
    say_command,
    story,
)
from workbook.compare import (
    Comparison,
    FileChange,
    Hunk,
    Line,
    choose_names,
    compare,
    is_step,
    patch,
)
from workbook.lessons import (
    Lesson,
    Place,
    State,
    behaviours_of,
    find_place,
    introduction,
    lessons_between,
    place_of_work,
    state_folder,
)
from workbook.places import ROOT, STEPS, WORK, lesson_files, shown

if TYPE_CHECKING:  # its packages are needed for the page alone
    from workbook.pages import Section

NARROWEST_COLUMN = 68  # with less room than this, the sides are not put side by side
DIM = "2"
COLOURS = {"+": "32", "-": "31", " ": "0"}


def diff_command(options: argparse.Namespace) -> int:
    """Compare two places: steps, lessons, or work/."""
    a = find_place(options.a)
    b = find_place(options.b)
    if options.html:
        return write_page(Path(options.html), a, b, options.path)
    return show(a.folder, b.folder, options.path, options.stat, pager=True)


def peek_command(options: argparse.Namespace) -> int:
    """Show the way from work/ to what it is to become: the app after its lesson."""
    return show(WORK, goal_of_work(), options.file, pager=True)


def goal_of_work() -> Path:
    """Return the folder with the app after the lesson, or the step, of work/."""
    place = place_of_work()
    if place.lesson:
        return state_folder(State(place.step, place.lesson))
    return ROOT / "steps" / place.step


def sections_between(a: Place, b: Place, path: str | None) -> list[Section]:
    """Return the parts of the page that lead from one place to another.

    One for each lesson between them; one alone if there is none, if work/ is one of
    the two, or if one file is asked for.
    """
    from workbook.pages import Section

    between = lessons_between(a, b)
    if between and path is None and WORK not in (a.folder, b.folder):
        return [section_of_lesson(lesson) for lesson in between]
    stories = [story(step) for step in steps_between(a.step, b.step)]
    comparison = compare(a.folder, b.folder, path)
    return [Section(comparison, before="\n\n".join(stories))]


def section_of_lesson(lesson: Lesson) -> Section:
    """Return the part of the page about one lesson."""
    from workbook.pages import Section

    before = state_folder(State(lesson.step, lesson.number - 1))
    after = state_folder(State(lesson.step, lesson.number))
    tests = behaviours_of(lesson.step).get(lesson.number, [])
    text = lesson.task
    if lesson.number == 1:
        text = f"{introduction(lesson.step)}\n\n{text}"
    return Section(
        compare(before, after),
        title=f"{lesson.name} {lesson.title}",
        before=text,
        after=lesson.afterwards,
        behaviours=[behaviour_title(f"{lesson.step}::{test}") for test in tests],
    )


def steps_between(first: str, last: str) -> list[str]:
    """Return the steps whose stories lead from one to another; none lead back."""
    if first == last:  # work/ and its own step
        return [last]
    return STEPS[STEPS.index(first) + 1 : STEPS.index(last) + 1]


def write_page(file: Path, a: Place, b: Place, path: str | None) -> int:
    """Write the HTML page; it never overwrites anything but another page."""
    from workbook.pages import render_page  # only here are its packages needed

    if file.exists() and not file.read_bytes().startswith(b"<!doctype html>"):
        raise WorkbookError(
            f"{file} is there already, and is not an HTML page. "
            "Name another file: it stays as it is."
        )
    sections = sections_between(a, b, path)
    html = render_page(a.folder.name, b.folder.name, sections)
    file.write_bytes(html.encode(errors="replace"))
    print(f"Wrote {file}: open it in a browser.")
    return 0


def show(
    a: Path,
    b: Path,
    path: str | None = None,
    stat: bool = False,
    pager: bool = False,
) -> int:
    """Print the difference: for a reader on a terminal, for `git apply` in a pipe."""
    say_plain_command(a, b, path)
    if not stat and not sys.stdout.isatty():
        sys.stdout.buffer.write(patch(a, b, path))
        sys.stdout.buffer.flush()
        return 0
    rows = list(comparison_rows(compare(a, b, path), stat))
    if pager and sys.stdout.isatty():
        print_in_pager(rows)
    else:
        print("\n".join(rows))
    return 0


def say_plain_command(a: Path, b: Path, path: str | None) -> None:
    """Show git's own command, if there is one that compares the same files."""
    if path:
        names = choose_names({*lesson_files(a), *lesson_files(b)}, path)
        if len(names) != 1:
            return
        a = a / names[0]
        b = b / names[0]
        is_same = a.is_file() and b.is_file()
    else:
        # Git would compare the documents, a .env and a database, too.
        is_same = is_step(a) == is_step(b) and holds_code_alone(a, b)
    if is_same:
        say_command("git", "diff", "--no-index", shown(a), shown(b))


def holds_code_alone(*folders: Path) -> bool:
    """Return whether folders hold nothing but the files that are compared."""
    for folder in folders:
        everything = [path for path in folder.rglob("*") if not path.is_dir()]
        if len(everything) != len(lesson_files(folder)):
            return False
    return True


def print_in_pager(rows: list[str]) -> None:
    """Print rows; more than the terminal shows at once go through $PAGER or less."""
    text = "\n".join(rows) + "\n"
    command = shlex.split(os.environ.get("PAGER", "less -R"))
    has_pager = bool(command) and shutil.which(command[0]) is not None
    fits = len(rows) < shutil.get_terminal_size().lines
    if fits or not has_pager or os.environ.get("TERM") == "dumb":
        print(text, end="")
        return
    # Without R, less shows colours as codes.
    variables = {"LESS": "R", **os.environ}
    # Ctrl-C is for the pager: less stops a search with it.
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        data = text.encode(errors="replace")
        subprocess.run(command, input=data, env=variables, check=False)
    finally:
        signal.signal(signal.SIGINT, previous)


def comparison_rows(comparison: Comparison, stat: bool) -> Iterator[str]:
    """Give the rows of a terminal that show a comparison; with `stat` only counts."""
    for change in comparison.changes:
        if not stat:
            yield ""
        yield title_row(change)
        if not stat:
            for hunk in change.hunks:
                yield paint(hunk.title, "36")
                yield from hunk_rows(hunk)
    if not stat:
        yield ""
    if comparison.left_out:
        yield f"Left out: {', '.join(comparison.left_out)}."
    if comparison.same:
        yield f"The same in both: {', '.join(comparison.same)}."


def title_row(change: FileChange) -> str:
    """Return the row above a file's changes."""
    name = paint(f"{change.name:46}", "1")
    added = paint(f"+{change.added}", "32")
    removed = paint(f"-{change.removed}", "31")
    return f"{name} {added} {removed} {change.kind}".rstrip()


def hunk_rows(hunk: Hunk) -> Iterator[str]:
    """Give a hunk's rows: both sides side by side if they differ and there is room."""
    columns = shutil.get_terminal_size().columns
    column = (columns - len(" │ ")) // 2
    signs = {line.sign for line in hunk.lines}
    if column >= NARROWEST_COLUMN and {"+", "-"} <= signs:
        for left, right in side_by_side(hunk.lines):
            yield from pair_rows(left, right, column)
    else:
        for line in hunk.lines:
            for part in wrap_line(line, columns):
                yield paint(part, colour(line))


def side_by_side(lines: list[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """Pair lines that were removed with those that took their place."""
    for is_unchanged, run in groupby(lines, key=lambda line: line.sign == " "):
        block = list(run)
        if is_unchanged:
            yield from zip(block, block, strict=True)
        else:
            removed = [line for line in block if line.sign == "-"]
            added = [line for line in block if line.sign == "+"]
            yield from zip_longest(removed, added)


def pair_rows(left: Line | None, right: Line | None, column: int) -> Iterator[str]:
    """Give the rows of two lines side by side."""
    left_parts = wrap_line(left, column)
    right_parts = wrap_line(right, column)
    for left_part, right_part in zip_longest(left_parts, right_parts, fillvalue=""):
        left_cell = paint(left_part.ljust(column), colour(left))
        right_cell = paint(right_part, colour(right))
        yield f"{left_cell} │ {right_cell}"


def wrap_line(line: Line | None, width: int) -> list[str]:
    """Return the line in parts that fit, each with the line's sign."""
    if line is None:
        return []
    text = line.text
    if line.ends_without_newline:
        text += " (no newline at the end)"
    wrapper = textwrap.TextWrapper(
        width - len(line.sign),
        drop_whitespace=False,
        replace_whitespace=False,
        break_on_hyphens=False,
    )
    parts = wrapper.wrap(text) or [""]
    return [line.sign + part for part in parts]


def colour(line: Line | None) -> str:
    """Return the code of a line's colour."""
    if line is None:
        return COLOURS[" "]
    return DIM if line.moved else COLOURS[line.sign]
