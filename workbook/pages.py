"""The HTML page of a comparison: a section for each lesson, with its text, its tests
and its changes; without lessons, one section.
"""

from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from workbook.compare import Comparison

LEXERS = {
    ".py": "python",
    ".html": "html+jinja",
    ".css": "css",
    ".md": "markdown",
    ".example": "bash",
}


@dataclass
class Section:
    """One part of the page: what changes, and the text about it."""

    comparison: Comparison
    title: str = ""  # empty where the page has this section alone
    before: str = ""  # Markdown
    after: str = ""  # Markdown
    behaviours: list[str] = field(default_factory=list)


def render_page(a: str, b: str, sections: list[Section]) -> str:
    """Return the page about what changes from a to b."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True)
    # The texts are our own, and HTML in them stays text.
    markdown = MarkdownIt("commonmark", {"html": False})
    template = environment.get_template("page.html")
    return template.render(
        a=a,
        b=b,
        sections=sections,
        markdown=markdown.render,
        highlight_lines=highlight_lines,
        light_colours=HtmlFormatter(style="xcode").get_style_defs("td code"),
        dark_colours=HtmlFormatter(style="github-dark").get_style_defs("td code"),
    )


def highlight_lines(name: str, text: str) -> list[str]:
    """Return the HTML of each line of a file, in the colours of its language.

    The whole file is read, as a hunk may begin within a text of several lines.
    """
    language = LEXERS.get(Path(name).suffix, "text")
    lexer = get_lexer_by_name(language, stripnl=False)
    html = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return html.split("\n")
