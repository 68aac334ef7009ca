"""`diff`: what changes from one step to another, in the order in which one would tell it."""

import argparse
import difflib
import io
import re
import shutil
import sys
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, zip_longest
from pathlib import Path

from workbook.common import PACKAGE, ROOT, WorkbookError, find_folder, lesson_files, nearest, paint, say_command, story

CODE = "config __init__ errors models commands forms sessions throttle auth account routes headers"
# An unknown file has its place where "" is.
ORDER = [".env.example", "wsgi.py", *(f"{name}.py" for name in CODE.split()), "", "templates", "static", "README.md"]
LEXERS = {".py": "python", ".html": "html+jinja", ".css": "css", ".md": "markdown", ".example": "bash"}
Row = tuple[str, int, int, str]  # the sign, the line's number before and after, the line


@dataclass
class Change:
    """One file of the lesson, before and after."""

    name: str
    before: str | None
    after: str | None

    @cached_property
    def text(self) -> str:
        """The unified diff, as `git apply` takes it."""
        text = f"diff --git a/{self.name} b/{self.name}\n"
        text += "new file mode 100644\n" if self.before is None else ""
        text += "deleted file mode 100644\n" if self.after is None else ""
        if "\0" in f"{self.before}{self.after}":
            return f"{text}Binary files differ\n"
        lines = [list(io.StringIO(side or "", newline="\n")) for side in (self.before, self.after)]
        names = (
            [f"a/{self.name}", "/dev/null"][self.before is None],
            [f"b/{self.name}", "/dev/null"][self.after is None],
        )
        diff = difflib.unified_diff(*lines, *names)
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
            elif hunks and line[0] in "+- ":
                hunks[-1].append((line[0], old, new, line[1:]))
                old, new = old + (line[0] != "+"), new + (line[0] != "-")
        return hunks

    def count(self, sign: str) -> int:
        """How many lines come (+) or go (-)."""
        return sum(row[0] == sign for hunk in self.hunks for row in hunk)


def compare(a: Path, b: Path, only: str | None = None, exact: bool = False) -> tuple[list[Change], list[str]]:
    """What differs between two folders, as the lesson is told; and the names of the files that are the same."""

    def place(name: str) -> tuple[int, str]:
        first = name.removeprefix(f"{PACKAGE}/").partition("/")[0]
        return ORDER.index(first if first in ORDER else ""), name

    def read(path: Path | None) -> str | None:
        text = path.read_bytes().decode("utf-8", "surrogateescape") if path else None
        # To a reader, Windows line ends and blanks at the end of a line are noise.
        return text if exact or text is None else "\n".join(line.rstrip() for line in text.split("\n"))

    old, new = lesson_files(a), lesson_files(b)
    names = sorted({*old, *new}, key=place)
    wanted = Path(only or "").as_posix().removeprefix("work/")
    chosen = [name for name in names if not only or f"/{wanted}/" in f"/{name}/"]
    if not chosen:
        raise WorkbookError(f"Neither side has {only}. {nearest(Path(only).name, [Path(n).name for n in names])}")
    changes = [Change(name, read(old.get(name)), read(new.get(name))) for name in chosen]
    return [x for x in changes if x.before != x.after], [x.name for x in changes if x.before == x.after]


def diff_command(options: argparse.Namespace) -> int:
    """Compare two steps, or a step and work/."""
    (_, a), (step, b) = find_folder(options.a), find_folder(options.b)
    if options.html:
        return write_page(Path(options.html), step, a, b, *compare(a, b, options.path))
    return show(a, b, options.path, options.stat)


def show(a: Path, b: Path, only: str | None = None, stat: bool = False) -> int:
    """Print the difference: for a reader on a terminal, for `git apply` in a pipe."""
    say_command("git", "diff", "--no-index", *(path.relative_to(ROOT).as_posix() for path in (a, b)))
    reader = sys.stdout.isatty() or stat
    changes, same = compare(a, b, only, exact=not reader)
    if not reader:
        sys.stdout.buffer.write("".join(change.text for change in changes).encode("utf-8", "surrogateescape"))
        return 0
    moved = moved_lines(changes)
    width = shutil.get_terminal_size().columns
    for change in changes:
        added, removed = paint(f"+{change.count('+')}", "32"), paint(f"-{change.count('-')}", "31")
        print(f"{paint(f'{change.name:44}', '1')} {added} {removed}")
        for hunk in () if stat else change.hunks:
            print(paint(f"Line {hunk[0][2]}", "36"))
            for row in side_by_side(hunk) if width >= 140 else [[row] for row in hunk]:
                half = (width - 3) // 2 if width >= 140 else 0
                cells = [f"{sign}{text}"[: half or None].ljust(half) for sign, _, _, text in row]
                codes = [
                    "2" if line.strip() in moved else {"+": "32", "-": "31"}.get(sign, "0") for sign, _, _, line in row
                ]
                print(" │ ".join(map(paint, cells, codes)))
    print(f"The same in both: {', '.join(same)}." if same else "Every file differs.")
    return 0


def moved_lines(changes: list[Change]) -> set[str]:
    """What goes in one place and comes in another: it draws no attention."""
    rows = [row for change in changes for hunk in change.hunks for row in hunk]
    gone, come = ({row[3].strip() for row in rows if row[0] == sign} for sign in "-+")
    return {text for text in gone & come if len(text) > 12}


def side_by_side(hunk: list[Row]) -> list[tuple[Row, Row]]:
    """The lines of a hunk in two columns: what was there, what is there."""
    pairs: list[tuple[Row, Row]] = []
    for same, run in groupby(hunk, key=lambda row: row[0] == " "):
        block = list(run)
        sides = (block, block) if same else ([row for row in block if row[0] == sign] for sign in "-+")
        pairs += zip_longest(*sides, fillvalue=("", 0, 0, ""))
    return pairs


def write_page(target: Path, step: str, a: Path, b: Path, changes: list[Change], same: list[str]) -> int:
    """Write one page: the step's story first, then each file with its changes and the colours of its language."""
    from jinja2 import Environment, FileSystemLoader
    from markdown_it import MarkdownIt
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    def code(name: str, text: str | None) -> list[str]:
        lexer = get_lexer_by_name(LEXERS.get(Path(name).suffix, "text"), stripnl=False)
        return highlight(text or "", lexer, HtmlFormatter(nowrap=True)).split("\n")

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    light, dark = (HtmlFormatter(style=style).get_style_defs("td code") for style in ("xcode", "github-dark"))
    values = {"a": a.name, "b": b.name, "changes": changes, "same": same, "moved": moved_lines(changes), "code": code}
    told = MarkdownIt("commonmark", {"html": False}).render(story(step))
    page = environment.get_template("page.html").render(values, light=light, dark=dark, story=told)
    target.write_text(page, encoding="utf-8")
    print(f"Wrote {target}: open it in a browser.")
    return 0
