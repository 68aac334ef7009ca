"""What several suites ask of a page."""

from harness import visible_text
from webtest.response import TestResponse
from werkzeug.exceptions import default_exceptions

LEAKS = ("Traceback", 'File "', "Exception", "werkzeug", "Werkzeug", "sqlalchemy", "SELECT", "INSERT")


def assert_error_page(response: TestResponse, status: int) -> None:
    """The site's own page for this error, in its own words, with a way back and nothing about the app's insides."""
    assert response.status_code == status
    assert response.content_type == "text/html"
    text = visible_text(response)
    assert default_exceptions[status].description not in text, "this is the framework's page, not the site's own"
    assert response.html.find("h1"), "the page has no heading"
    assert response.html.select_one('a[href$="/"]'), "the page has no link to the start page"
    assert [leak for leak in LEAKS if leak in response.text] == []


def faults(response: TestResponse) -> set[str]:
    """The names of the fields that the page marks as wrong; none if all was well."""
    assert response.status_code in (200, 302, 422), f"{response.status}: this says neither yes nor no"
    return {control["name"] for control in response.html.select('[aria-invalid="true"]')}
