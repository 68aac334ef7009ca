"""`diff`: what changes from one step to another, in the order in which one would tell it."""

import argparse
import difflib
import io
import shutil
import sys
from dataclasses import dataclass
from itertools import groupby, zip_longest
from pathlib import Path

from workbook.common import PACKAGE, ROOT, WorkbookError, find_folder, lesson_files, nearest, paint, say, say_command

CODE = "config __init__ errors models commands forms sessions throttle auth account routes headers"
# An unknown file has its place where "" is.
ORDER = [".env.example", "wsgi.py", *(f"{name}.py" for name in CODE.split()), "", "templates", "static", "README.md"]


@dataclass
class Change:
    """One file of the lesson: its unified diff, as `git apply` takes it."""

    name: str
    lines: list[str]
    before: str
    after: str

    @property
    def hunks(self) -> list[tuple[str, list[str]]]:
        """Each hunk's heading, and its lines with their sign."""
        starts = [number for number, line in enumerate(self.lines) if line.startswith("@@ ")]
        ends = [*starts[1:], len(self.lines)]
        return [
            (self.lines[a].rstrip(), [x.rstrip("\r\n") for x in self.lines[a + 1 : b]])
            for a, b in zip(starts, ends, strict=True)
        ]

    def count(self, sign: str) -> int:
        """How many lines come (+) or go (-)."""
        return sum(line.startswith(sign) for _, lines in self.hunks for line in lines)


def lesson_order(name: str) -> tuple[int, str]:
    """Where a file has its place when the lesson is told."""
    first = name.removeprefix(f"{PACKAGE}/").partition("/")[0]
    return ORDER.index(first if first in ORDER else ""), name


def read(path: Path | None) -> str:
    """A file's text, unchanged down to its line ends; nothing where there is no file."""
    return path.read_bytes().decode("utf-8", "surrogateescape") if path else ""


def tidy(text: str) -> str:
    """A text without what is only noise to a reader: Windows line ends, blanks at the end of a line."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


def compare(a: Path, b: Path, only: str | None = None, exact: bool = False) -> tuple[list[Change], list[str]]:
    """What differs between two folders, as the lesson is told; and the names of the files that are the same."""
    old, new = lesson_files(a), lesson_files(b)
    names = sorted({*old, *new}, key=lesson_order)
    if only:
        wanted = Path(only).as_posix().removeprefix(f"{b.relative_to(ROOT).as_posix()}/").strip("/")
        chosen = [name for name in names if f"/{wanted}/" in f"/{name}/"]
        if not chosen:
            raise WorkbookError(f"Neither side has {only}. {nearest(Path(only).name, [Path(n).name for n in names])}")
        names = chosen
    changes, same = [], []
    for name in names:
        before, after = read(old.get(name)), read(new.get(name))
        if not exact:
            before, after = tidy(before), tidy(after)
        header = [f"diff --git a/{name} b/{name}\n"]
        if (name in old) != (name in new):
            header.append("new file mode 100644\n" if name in new else "deleted file mode 100644\n")
        elif before == after:
            same.append(name)
            continue
        paths = f"a/{name}" if name in old else "/dev/null", f"b/{name}" if name in new else "/dev/null"
        texts = list(io.StringIO(before, newline="\n")), list(io.StringIO(after, newline="\n"))
        lines = [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(*texts, *paths)
        ]
        if "\0" in before + after:
            lines = ["Binary files differ\n"]
        changes.append(Change(name, header + lines, before, after))
    return changes, same


def diff_command(options: argparse.Namespace) -> int:
    """Compare two steps, or a step and work/."""
    (_, a), (step, b) = find_folder(options.a), find_folder(options.b)
    if options.html:
        from workbook.page import write_page

        return write_page(Path(options.html), step, a, b, *compare(a, b, options.path))
    return show(a, b, options.path, options.stat)


def show(a: Path, b: Path, only: str | None = None, stat: bool = False) -> int:
    """Print the difference: for a reader on a terminal, for `git apply` in a pipe."""
    say_command("git", "diff", "--no-index", *(path.relative_to(ROOT).as_posix() for path in (a, b)))
    reader = sys.stdout.isatty() or stat
    changes, same = compare(a, b, only, exact=not reader)
    if not reader:
        text = "".join(line for change in changes for line in change.lines)
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
        return 0
    moved = moved_lines(changes)
    half = (shutil.get_terminal_size().columns - 3) // 2
    for change in changes:
        added, removed = paint(f"+{change.count('+')}", "32"), paint(f"-{change.count('-')}", "31")
        say(f"{paint(f'{change.name:44}', '1')} {added} {removed}")
        for heading, lines in () if stat else change.hunks:
            say(paint(heading, "36"))
            for row in side_by_side(lines) if half > 68 else [[line] for line in lines]:
                cells = [(line, f"{line:{half}.{half}}" if half > 68 else line) for line in row]
                say(paint(" │ ", "2").join(paint(text, colour(line, moved)) for line, text in cells))
    if same:
        say(f"The same in both: {', '.join(same)}.")
    return 0


def moved_lines(changes: list[Change]) -> set[str]:
    """What goes in one place and comes in another: it draws no attention."""
    lines = [line for change in changes for _, hunk in change.hunks for line in hunk]
    gone, come = ({line[1:].strip() for line in lines if line.startswith(sign)} for sign in "-+")
    return {text for text in gone & come if len(text) > 12}


def colour(line: str, moved: set[str]) -> str:
    """The colour of a line of a diff."""
    if line[1:].strip() in moved:
        return "2"
    return {"+": "32", "-": "31"}.get(line[:1], "0")


def side_by_side(lines: list[str]) -> list[tuple[str, str]]:
    """The lines of a hunk in two columns: what was there, what is there."""
    rows: list[tuple[str, str]] = []
    for changed, run in groupby(lines, key=lambda line: line[:1] in ("+", "-")):
        block = list(run)
        if changed:
            gone, come = ([line for line in block if line.startswith(sign)] for sign in "-+")
            rows += zip_longest(gone, come, fillvalue="")
        else:
            rows += [(line, line) for line in block]
    return rows
