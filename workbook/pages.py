"""The HTML page of a comparison: the steps' stories, then each file's changes."""

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


def render_page(a: str, b: str, stories: list[str], comparison: Comparison) -> str:
    """Return the page about what changes from a to b; the stories are Markdown."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True)
    # The stories are our own, and HTML in them stays text.
    markdown = MarkdownIt("commonmark", {"html": False})
    template = environment.get_template("page.html")
    return template.render(
        a=a,
        b=b,
        story=markdown.render("\n\n".join(stories)),
        comparison=comparison,
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
