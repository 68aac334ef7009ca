"""What several suites ask of a page."""

from __future__ import annotations

from collections.abc import Iterable
from logging import LogRecord

from click.testing import Result
from flask import Flask
from webtest.response import TestResponse
from werkzeug.exceptions import default_exceptions

from tests.support.visitor import visible_text

LEAKS = (
    "Traceback",
    'File "',
    "Exception",
    "werkzeug",
    "Werkzeug",
    "sqlalchemy",
    "SELECT",
    "INSERT",
)


def assert_error_page(response: TestResponse, status: int) -> None:
    """The site's own page for this error, in its own words, with a way back and nothing
    about the app's insides.
    """
    assert response.status_code == status, f"{response.status} came back, not {status}"
    assert response.content_type == "text/html"
    text = visible_text(response)
    assert default_exceptions[status].description not in text, (
        "this is the framework's page, not the site's own"
    )
    assert response.html.find("h1"), "the page has no heading"
    assert response.html.select_one('a[href$="/"]'), (
        "the page has no link to the start page"
    )
    assert [leak for leak in LEAKS if leak in response.text] == []


def members_pages(app: Flask) -> list[str]:
    """Return the pages for members alone: two, and the third as soon as it is there.

    That the third is there in the end is asked by
    test_there_is_no_address_but_those_that_are_meant.
    """
    pages = ["/dashboard", "/account"]
    if "/account/password" in {rule.rule for rule in app.url_map.iter_rules()}:
        pages.append("/account/password")
    return pages


def assert_refused(result: Result) -> None:
    """The command has failed, and has said why in words."""
    assert result.exit_code != 0, (
        f"the command should have refused, and it succeeded: {result.output!r}"
    )
    assert "No such command" not in result.output, "there is no such command yet"
    assert isinstance(result.exception, SystemExit), (
        f"a traceback is no answer: {result.exception!r}"
    )
    said = result.output.strip().splitlines() or [""]
    assert len(said[-1].split()) > 2, (
        f"the command failed, and did not say why: {result.output!r}"
    )


def assert_logged(lines: Iterable[str | LogRecord], *words: str) -> None:
    """One line of the log holds all these words."""
    texts = [line if isinstance(line, str) else line.getMessage() for line in lines]
    found = [text for text in texts if all(word in text for word in words)]
    assert found, (
        f"no line of the log holds {' and '.join(map(repr, words))}. The log: {texts or 'nothing'}"
    )


def assert_marked(
    response: TestResponse, expected: set[str], ignored: frozenset[str] = frozenset()
) -> None:
    """The page marks these fields as wrong and no others, apart from those ignored.

    If it does not, the failure names both, and what was sent.
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    marked = marked_fields(response) - ignored
    if marked == expected:
        return
    lines = [
        f'the page marks {list_names(marked)} with aria-invalid="true"; it should mark {list_names(expected)}'
    ]
    for name, value in response.sent.items():
        if name not in ignored:
            lines.append(f"sent {name}: {quoted(value[:100])}")
    raise AssertionError("\n".join(lines))


def marked_fields(response: TestResponse) -> set[str]:
    """The names of the fields that the page marks as wrong; none if all was well."""
    assert response.status_code in (200, 302, 422), (
        f"{response.status}: this says neither yes nor no"
    )
    return {
        control["name"] for control in response.html.select('[aria-invalid="true"]')
    }


def quoted(text: str) -> str:
    """Return a text in quotation marks, so that one sees every character of it.

    Not repr(): that shows one backslash as two.
    """
    shown = [
        character if character.isprintable() else ascii(character)[1:-1]
        for character in text
    ]
    return f'"{"".join(shown)}"'


def list_names(names: set[str]) -> str:
    """The names in order, or "no field"."""
    return ", ".join(sorted(names)) or "no field"
