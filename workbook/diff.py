"""`diff`: what changes from one step to another, in the order in which one would tell it."""

import argparse
import difflib
import io
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, zip_longest
from pathlib import Path
from textwrap import wrap

from workbook import common
from workbook.common import PACKAGE, ROOT, STEPS, WORK, paint, shown

CODE = "config __init__ errors models commands forms sessions throttle auth account routes headers"
# An unknown file has its place where "" is.
ORDER = [".env.example", "wsgi.py", *(f"{name}.py" for name in CODE.split()), "", "templates", "static", "README.md"]
LEXERS = {".py": "python", ".html": "html+jinja", ".css": "css", ".md": "markdown", ".example": "bash"}
WHOLE = {"drop_whitespace": False, "replace_whitespace": False, "break_on_hyphens": False}  # lose nothing
Row = tuple[str, int, int, str]  # the sign, the line's number before and after, the line


@dataclass
class Change:
    """One file of the lesson, before and after."""

    name: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        """What is to be said of it beside its lines."""
        told = {"new": self.before is None, "deleted": self.after is None, "empty": not (self.before or self.after)}
        return " ".join(word for word, so in {**told, "binary": "\0" in f"{self.before}{self.after}"}.items() if so)

    @cached_property
    def text(self) -> str:
        """The unified diff, as `git apply` takes it; nothing for what is not text."""
        if "binary" in self.kind:
            return ""
        text = f"diff --git a/{self.name} b/{self.name}\n"
        if self.before is None or self.after is None:
            text += f"{self.kind.split()[0]} file mode 100644\n"
        lines = [list(io.StringIO(side or "", newline="\n")) for side in (self.before, self.after)]
        names = f"a/{self.name}" if self.before is not None else "/dev/null", f"b/{self.name}"
        diff = difflib.unified_diff(*lines, *(names if self.after is not None else (names[0], "/dev/null")))
        return text + "".join(x if x.endswith("\n") else f"{x}\n\\ No newline at end of file\n" for x in diff)

    @cached_property
    def hunks(self) -> list[list[Row]]:
        """The lines that changed and those around them, with their numbers."""
        hunks: list[list[Row]] = []
        old = new = 0
        for line in self.text.split("\n")[:-1]:
            if start := re.match(r"@@ -(\d+)\S* \+(\d+)", line):
                old, new = int(start[1]), int(start[2])
                hunks.append([])
            elif hunks and line[0] == "\\":
                hunks[-1][-1] = (*hunks[-1][-1][:3], f"{hunks[-1][-1][3]} (no newline at the end)")
            elif hunks and line[0] in "+- ":
                hunks[-1].append((line[0], old, new, line[1:].expandtabs(4)))
                old, new = old + (line[0] != "+"), new + (line[0] != "-")
        return hunks


def compare(a: Path, b: Path, only: str | None = None, exact: bool = False) -> tuple[list[Change], list[str]]:
    """What differs between two folders, as the lesson is told; and the names of the files that are the same."""

    def read(path: Path | None) -> str | None:
        text = path.read_bytes().decode("utf-8", "surrogateescape") if path else None
        # To a reader, Windows line ends and blanks at the end of a line are noise.
        return text if exact or text is None else "\n".join(x.rstrip().replace("\r", "␍") for x in text.split("\n"))

    old, new = common.lesson_files(a), common.lesson_files(b)
    firsts = {name: name.removeprefix(f"{PACKAGE}/").partition("/")[0] for name in sorted({*old, *new})}
    names = sorted(firsts, key=lambda name: ORDER.index(firsts[name] if firsts[name] in ORDER else ""))
    wanted = Path(only or "").as_posix().removeprefix("work/")
    chosen = [name for name in names if not only or f"/{wanted}/" in f"/{name}/"]
    if not chosen:
        known = [Path(name).name for name in names]
        raise common.WorkbookError(f"Neither side has {only}. {common.nearest(Path(only).name, known)}")
    changes = [Change(name, read(old.get(name)), read(new.get(name))) for name in chosen]
    return [x for x in changes if x.before != x.after], [x.name for x in changes if x.before == x.after]


def diff_command(options: argparse.Namespace) -> int:
    """Compare two steps, or a step and work/."""
    (first, a), (last, b) = common.find_folder(options.a), common.find_folder(options.b)
    if not options.html:
        return show(a, b, options.path, options.stat)
    file, told = Path(options.html), STEPS[STEPS.index(first) + 1 : STEPS.index(last) + 1] or [last] * (first == last)
    if file.exists() and not file.read_bytes().startswith(b"<!doctype html>"):
        raise common.WorkbookError(f"{file} is there already, and is no page. Name another file: it stays as it is.")
    file.write_bytes(page(told, a, b, *compare(a, b, options.path)).encode(errors="replace"))
    print(f"Wrote {file}: open it in a browser.")
    return 0


def peek_command(options: argparse.Namespace) -> int:
    """Show the way from work/ to its step."""
    return show(WORK, ROOT / "steps" / common.work_step(), options.file)


def show(a: Path, b: Path, only: str | None = None, stat: bool = False) -> int:
    """Print the difference: for a reader on a terminal, for `git apply` in a pipe."""
    common.say_command("git", "diff", "--no-index", shown(a), shown(b))
    reader = sys.stdout.isatty() or stat
    changes, same = compare(a, b, only, exact=not reader)
    if not reader:
        sys.stdout.buffer.write("".join(change.text for change in changes).encode("utf-8", "surrogateescape"))
        print(
            "".join(f"Left out, as it is no text: {x.name}\n" for x in changes if not x.text), end="", file=sys.stderr
        )
        return 0
    moved = moved_rows(changes)
    wide = half if (half := (shutil.get_terminal_size().columns - 3) // 2) >= 68 else 0
    for change in changes:
        added, removed = (sum(row[0] == sign for hunk in change.hunks for row in hunk) for sign in "+-")
        counts = paint(f"+{added}", "32"), paint(f"-{removed}", "31"), change.kind
        print("\n" * (not stat) + paint(f"{change.name:46}", "1"), *counts)
        for hunk in () if stat else change.hunks:
            print(paint(f"Line {hunk[0][2] or hunk[0][1]}", "36"))
            beside = wide and {"+", "-"} <= {row[0] for row in hunk}
            for rows in side_by_side(hunk) if beside else zip(hunk, strict=True):
                codes = ["2" if (change.name, x) in moved else {"+": "32", "-": "31"}.get(x[0], "0") for x in rows]
                cells = [wrap(f"{x[0] or ' '}{x[3]}", wide if beside else 10**6, **WHOLE) for x in rows]
                for parts in zip_longest(*cells, fillvalue=""):
                    print(" │ ".join(paint(part.ljust(wide), code) for part, code in zip(parts, codes, strict=True)))
    print(f"The same in both: {', '.join(same)}." if same else "")
    return 0


def moved_rows(changes: list[Change]) -> set[tuple[str, Row]]:
    """Three lines or more that go in one place and come in another as they were: they draw no attention."""
    rows = [(change.name, row) for change in changes for hunk in change.hunks for row in hunk]
    gone, come = ([row for row in rows if row[1][0] == sign] for sign in "-+")
    same = difflib.SequenceMatcher(None, *([row[1][3] for row in side] for side in (gone, come)), autojunk=False)
    blocks = [block for block in same.get_matching_blocks() if block.size > 2]
    return {row for x in blocks for row in (*gone[x.a : x.a + x.size], *come[x.b : x.b + x.size])}


def side_by_side(hunk: list[Row]) -> Iterator[tuple[Row, ...]]:
    """The lines of a hunk in two columns: what was there, what is there."""
    for same, run in groupby(hunk, key=lambda row: row[0] == " "):
        block = list(run)
        sides = [block, block] if same else [[row for row in block if row[0] == sign] for sign in "-+"]
        yield from zip_longest(*sides, fillvalue=("", 0, 0, ""))


def page(told: list[str], a: Path, b: Path, changes: list[Change], same: list[str]) -> str:
    """One page: the steps' own stories first, then each file with its changes and the colours of its language."""
    from jinja2 import Environment, FileSystemLoader
    from markdown_it import MarkdownIt
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    def code(name: str, text: str | None) -> list[str]:
        lexer = get_lexer_by_name(LEXERS.get(Path(name).suffix, "text"), stripnl=False)
        return highlight(text or "", lexer, HtmlFormatter(nowrap=True)).split("\n")

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    values = {"a": a.name, "b": b.name, "changes": changes, "same": same, "moved": moved_rows(changes), "code": code}
    story = MarkdownIt("commonmark", {"html": False}).render("\n\n".join(map(common.story, told)))
    return environment.get_template("page.html").render(values, story=story, HtmlFormatter=HtmlFormatter)
