"""Suite 05: what the operator of the site can see of log-ins and of attacks."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.logging import default_handler

from tests.support.checks import assert_logged
from tests.support.harness import Visitor

Sql = Callable[..., list[Any]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The log so far, as it is written."""

    def formatted() -> list[str]:
        return [default_handler.format(record) for record in caplog.records]

    return formatted


@pytest.mark.asvs("16.2.1", "16.2.2")
def test_times_in_the_log_are_utc_and_say_so(
    app: Flask, member: Visitor, lines: Callable[[], list[str]]
) -> None:
    """Two machines in two time zones tell one story only if both say which clock they
    use.
    """
    member.log_in()

    last_line = lines()[-1]
    stamp = re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z", last_line)
    assert stamp, last_line
    written = datetime.fromisoformat(stamp.group())
    assert abs(datetime.now(UTC) - written) < timedelta(minutes=30)


@pytest.mark.asvs("16.3.3")
def test_refused_forgeries_and_too_many_attempts_leave_a_line(
    member: Visitor, lines: Callable[[], list[str]]
) -> None:
    """They are what an attack looks like while it goes on."""
    member.post("/logout", {}, expect_errors=True)
    for number in range(11):
        member.log_in(password=f"wrong {number}")

    assert_logged(lines(), "/logout", "400")
    assert_logged(lines(), "/login", "429")


@pytest.mark.asvs("14.2.4", "16.2.1", "16.2.5")
def test_the_end_of_a_session_is_logged_by_its_number_and_not_its_token(
    member: Visitor, sql: Sql, lines: Callable[[], list[str]]
) -> None:
    """The row is gone then: only the log can tell when. And a reader of the log must
    not be able to take a session over (session hijacking).
    """
    member.log_in(remember=True)
    row = sql("SELECT id, token FROM user_sessions")[0]
    before = len(lines())
    member.log_out()

    assert_logged(lines()[before:], f"session {row.id}")
    assert [line for line in lines() if row.token in line] == [], (
        "the token is in the log"
    )
