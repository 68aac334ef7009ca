"""Suite 06: what the operator of the app can do about an account."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.support.harness import Visitor, query

Sql = Callable[..., list[Any]]


def flask(app: Flask, *words: str) -> tuple[int, str]:
    """Run a `flask` command: its exit status and what it said."""
    result = app.test_cli_runner().invoke(args=list(words))
    assert "No such command" not in result.output, (
        f"there is no command `flask {words[0]}` yet"
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        f"a traceback: {result.exception!r}"
    )
    return result.exit_code, result.output


@pytest.mark.asvs("7.4.2")
def test_deactivate_ends_every_session_and_keeps_the_member_out(
    app: Flask, member: Visitor
) -> None:
    """An account that was taken over has to be shut at once, not when its cookies run
    out.
    """
    member.log_in(remember=True)

    status, _ = flask(app, "deactivate", "ada@example.com")

    assert status == 0
    assert not member.logged_in, "the member is logged in"
    member.log_in()
    assert not member.logged_in, "the member is logged in"


def test_reactivate_lets_the_member_log_in_again(app: Flask, member: Visitor) -> None:
    """But brings no old session back."""
    member.log_in(remember=True)
    flask(app, "deactivate", "ada@example.com")

    status, _ = flask(app, "reactivate", "ada@example.com")

    assert status == 0
    assert not member.logged_in, "the member is logged in"
    member.log_in()
    assert member.logged_in, "the member is not logged in"


def test_reactivate_ends_a_session_that_slipped_in_meanwhile(
    app: Flask, member: Visitor
) -> None:
    """A log-in that was under way during the deactivation leaves a row; it must not
    come alive.
    """
    member.log_in()
    query(app, "UPDATE users SET is_active = :no", no=False)

    status, said = flask(app, "reactivate", "ada@example.com")

    assert status == 0, said
    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("7.4.5")
def test_end_sessions_logs_a_member_out_everywhere(app: Flask, member: Visitor) -> None:
    """For the member who calls and says that the phone is gone."""
    bob = Visitor(app)
    bob.sign_up("bob@example.com")
    bob.log_in("bob@example.com")
    member.log_in(remember=True)

    status, _ = flask(app, "end-sessions", "ADA@example.com")

    assert status == 0
    assert not member.logged_in, "the member is logged in"
    assert bob.logged_in, "Bob is not logged in"


def test_an_unknown_address_is_said_to_be_unknown(app: Flask) -> None:
    """And nothing else happens."""
    for command in ("deactivate", "reactivate", "end-sessions"):
        for address in ("eve@example.com", "not an address"):
            status, said = flask(app, command, address)

            assert status != 0, f"`flask {command} {address}` succeeded: {said}"
            assert address in said


def test_clear_sessions_deletes_what_has_expired_and_nothing_else(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """Rows of devices that never come back are personal data that is kept for
    nothing."""
    for remember in (True, False):
        Visitor(app).log_in(remember=remember)
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(hours=1))

    status, said = flask(app, "clear-sessions")

    assert status == 0
    assert "1 " in said, f"it should say how many it has deleted (one): {said!r}"
    assert len(sql("SELECT id FROM user_sessions")) == 1


def ago(**time: int) -> datetime:
    """The time so long ago, as the database stores it."""
    return (datetime.now(UTC) - timedelta(**time)).replace(microsecond=0, tzinfo=None)
