"""What several suites ask of a page."""

from __future__ import annotations

from collections.abc import Iterable
from logging import LogRecord

from click.testing import Result
from webtest.response import TestResponse
from werkzeug.exceptions import default_exceptions

from tests.support.harness import visible_text

LEAKS = ("Traceback", 'File "', "Exception", "werkzeug", "Werkzeug", "sqlalchemy", "SELECT", "INSERT")


def assert_error_page(response: TestResponse, status: int) -> None:
    """The site's own page for this error, in its own words, with a way back and nothing about the app's insides."""
    assert response.status_code == status, f"{response.status} came back, not {status}"
    assert response.content_type == "text/html"
    text = visible_text(response)
    assert default_exceptions[status].description not in text, "this is the framework's page, not the site's own"
    assert response.html.find("h1"), "the page has no heading"
    assert response.html.select_one('a[href$="/"]'), "the page has no link to the start page"
    assert [leak for leak in LEAKS if leak in response.text] == []


def assert_refused(result: Result) -> None:
    """The command has failed, and has said why in words."""
    assert result.exit_code != 0, f"the command should have refused, and it succeeded: {result.output!r}"
    assert "No such command" not in result.output, "there is no such command yet"
    assert isinstance(result.exception, SystemExit), f"a traceback is no answer: {result.exception!r}"
    said = result.output.strip().splitlines() or [""]
    assert len(said[-1].split()) > 2, f"the command failed, and did not say why: {result.output!r}"


def assert_logged(lines: Iterable[str | LogRecord], *words: str) -> None:
    """One line of the log holds all these words."""
    texts = [line if isinstance(line, str) else line.getMessage() for line in lines]
    found = [text for text in texts if all(word in text for word in words)]
    assert found, f"no line of the log holds {' and '.join(map(repr, words))}. The log: {texts or 'nothing'}"


class Faults(frozenset[str]):
    """The names of fields that a page marks as wrong; knows what was sent, for whoever has to find out why."""

    sent: dict[str, str]

    def __new__(cls, names: set[str], sent: dict[str, str]) -> Faults:
        """Remember both."""
        made = super().__new__(cls, names)
        made.sent = sent
        return made

    def __sub__(self, others: set[str]) -> Faults:
        """Without some fields that are not the question."""
        return Faults({*self} - others, {name: value for name, value in self.sent.items() if name not in others})

    def explain(self, expected: set[str]) -> list[str]:
        """What the page marks and what it should mark, in words; pytest shows this when a test compares the two."""
        marked, wanted = (", ".join(sorted(names)) or "no field" for names in (self, expected))
        sent = [f"sent {name}: {value[:100]!r}" for name, value in self.sent.items()]
        return [f'the page marks {marked} with aria-invalid="true"; it should mark {wanted}', *sent]


def faults(response: TestResponse) -> Faults:
    """The names of the fields that the page marks as wrong; none if all was well."""
    assert response.status_code in (200, 302, 422), f"{response.status}: this says neither yes nor no"
    names = {control["name"] for control in response.html.select('[aria-invalid="true"]')}
    return Faults(names, response.sent)
