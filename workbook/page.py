"""`diff --html`: the difference between two steps as one page, to read or to project."""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from workbook.common import say, story
from workbook.diff import Change, moved_lines

LEXERS = {".py": "python", ".html": "html+jinja", ".css": "css", ".md": "markdown", ".example": "bash"}


def write_page(target: Path, step: str, a: Path, b: Path, changes: list[Change], same: list[str]) -> int:
    """Write the page: the step's story first, then each file with its changes."""
    moved = moved_lines(changes)
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    page = environment.get_template("page.html").render(
        a=a.name,
        b=b.name,
        story=MarkdownIt("commonmark", {"html": False}).render(story(step)),
        files=[
            (change, [(heading, rows(heading, lines, change, moved)) for heading, lines in change.hunks])
            for change in changes
        ],
        same=same,
        light=HtmlFormatter(style="xcode").get_style_defs("td code"),
        dark=HtmlFormatter(style="github-dark").get_style_defs("td code"),
    )
    target.write_text(page, encoding="utf-8")
    say(f"Wrote {target}: open it in a browser.")
    return 0


def rows(heading: str, lines: list[str], change: Change, moved: set[str]) -> list[dict[str, Any]]:
    """The lines of a hunk with their numbers, their colours and what became of them."""
    old, new = (int(number) - 1 for number in re.match(r"@@ -(\d+)\S* \+(\d+)", heading).groups())
    before, after = coloured(change.name, change.before), coloured(change.name, change.after)
    found = []
    for line in lines:
        sign = line[:1]
        if sign not in "+- ":
            continue  # "\ No newline at end of file"
        old, new = old + (sign != "+"), new + (sign != "-")
        code = before[old - 1] if sign == "-" else after[new - 1]
        kind = "moved" if sign != " " and line[1:].strip() in moved else {"+": "added", "-": "removed"}.get(sign, "")
        found.append({"old": old * (sign != "+"), "new": new * (sign != "-"), "sign": sign, "kind": kind, "code": code})
    return found


def coloured(name: str, text: str) -> list[str]:
    """A file's lines as HTML, with the colours of its language."""
    lexer = get_lexer_by_name(LEXERS.get(Path(name).suffix, "text"), stripnl=False)
    return highlight(text, lexer, HtmlFormatter(nowrap=True)).split("\n")
