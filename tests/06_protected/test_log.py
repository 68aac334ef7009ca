"""Suite 06: what the operator of the site can see afterwards."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.logging import default_handler

from tests.support.checks import assert_logged
from tests.support.harness import NEW_PASSWORD, PASSWORD, Visitor


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The log so far, as it is written."""

    def formatted() -> list[str]:
        return [default_handler.format(record) for record in caplog.records]

    return formatted


@pytest.mark.asvs("16.2.1", "16.2.5", "16.3.1")
@pytest.mark.parametrize(
    "what", ["log out", "wrong current password", "end-others", "end"]
)
def test_what_matters_leaves_a_line(
    app: Flask, member: Visitor, lines: Callable[[], list[str]], what: str
) -> None:
    """An owner who asks "was it me?" can be answered."""
    Visitor(app).log_in()
    member.log_in()
    before = len(lines())
    buttons = {
        form.action.rpartition("/")[2]: form
        for form in member.get("/account").forms.values()
    }

    if what == "log out":
        member.log_out()
    elif what == "wrong current password":
        fields = {
            "current_password": "wrong",
            "new_password": NEW_PASSWORD,
            "confirm": NEW_PASSWORD,
        }
        member.submit("/account/password", fields)
    else:
        buttons[what].submit()

    new = lines()[before:]
    assert any(re.search(r"Account \d+", line) for line in new), new
    assert [line for line in new if PASSWORD in line or NEW_PASSWORD in line] == []


@pytest.mark.asvs("16.3.2")
def test_a_refused_visitor_leaves_a_line_in_the_log(
    app: Flask, member: Visitor, lines: Callable[[], list[str]]
) -> None:
    """Somebody who tries every address, or another member's sessions, should be seen
    doing it.
    """
    Visitor(app).get("/account")
    member.log_in()
    token = member.csrf_token("/account")
    member.post(
        "/account/sessions/98765/end", {"csrf_token": token}, expect_errors=True
    )

    assert_logged(lines(), "'/account'", "192.0.2.1")
    assert_logged(lines(), "Account ", "98765")
