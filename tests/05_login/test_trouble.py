"""Suite 05: when things go wrong around a member who is logged in."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.checks import assert_logged
from tests.support.harness import Visitor, visible_text

Sql = Callable[..., list[Any]]


@pytest.fixture
def broken(member: Visitor, sql: Sql) -> Visitor:
    """A member whose session cannot be looked up: the table is away, as it is when the
    database is.
    """
    member.log_in()
    sql("ALTER TABLE user_sessions RENAME TO away")
    yield member
    if not sql_has_sessions(sql):
        sql("ALTER TABLE away RENAME TO user_sessions")


def sql_has_sessions(sql: Sql) -> bool:
    """Whether the table is back."""
    try:
        sql("SELECT 1 FROM user_sessions")
    except Exception:  # each database has its own word for a missing table
        return False
    return True


@pytest.mark.asvs("16.3.4", "16.5.1", "16.5.2")
def test_a_database_that_is_down_gives_a_plain_page(
    broken: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """The error page must not ask the failing database who is looking at it."""
    for path in ("/dashboard", "/login", "/signup"):
        answer = broken.get(path, expect_errors=True)

        assert answer.status_code == 503, path
        assert "Retry-After" in answer.headers
        assert "SELECT" not in answer.text
        assert "not answering" in visible_text(answer)
    assert_logged(caplog.records, "database")


@pytest.mark.asvs("16.5.2")
def test_when_the_database_is_back_the_next_request_works(
    broken: Visitor, sql: Sql
) -> None:
    """And the member is still logged in."""
    broken.get("/dashboard", expect_errors=True)

    sql("ALTER TABLE away RENAME TO user_sessions")

    assert broken.get("/dashboard").status_code == 200
    assert broken.logged_in, "the member is not logged in any more"


@pytest.mark.asvs("16.5.3")
def test_a_database_that_fails_during_the_log_in_lets_nobody_in(
    member: Visitor, sql: Sql
) -> None:
    """The right password, and then no row to write the session to: half a log-in is
    none.
    """
    page = member.get("/login")
    sql("ALTER TABLE user_sessions RENAME TO away")

    answer = member.log_in(page=page)

    sql("ALTER TABLE away RENAME TO user_sessions")
    assert answer.status_code == 503
    assert not member.logged_in, "the member is logged in"
