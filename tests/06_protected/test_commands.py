"""Suite 06: what the operator of the app can do about an account."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from tests.support.checks import assert_logged
from tests.support.harness import NEW_PASSWORD, Visitor, query

Sql = Callable[..., list[Any]]


def flask(app: Flask, command: str, *arguments: str, typed: str = "") -> Result:
    """Run a `flask` command. `typed` is what the operator answers to its questions."""
    result = app.test_cli_runner().invoke(args=[command, *arguments], input=typed)
    assert "No such command" not in result.output, (
        f"there is no command `flask {command}` yet"
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        f"a traceback: {result.exception!r}"
    )
    return result


def assert_done(result: Result, email: str = "ada@example.com") -> None:
    """The command has succeeded, and says so to whom it may concern."""
    assert result.exit_code == 0, result.output
    assert email in result.stdout.lower(), (
        f"it does not say for whom it has done it: {result.stdout!r}"
    )


@pytest.mark.asvs("7.4.2")
def test_deactivate_ends_every_session_and_keeps_the_member_out(
    app: Flask, member: Visitor
) -> None:
    """An account that was taken over has to be shut at once, not when its cookies run
    out.
    """
    member.log_in(remember=True)

    result = flask(app, "deactivate", "ada@example.com")

    assert_done(result)
    assert not member.logged_in, "the member is logged in"
    member.log_in()
    assert not member.logged_in, "the member is logged in"


def test_reactivate_lets_the_member_log_in_again(app: Flask, member: Visitor) -> None:
    """But brings no old session back."""
    member.log_in(remember=True)
    flask(app, "deactivate", "ada@example.com")

    result = flask(app, "reactivate", "ada@example.com")

    assert_done(result)
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

    result = flask(app, "reactivate", "ada@example.com")

    assert result.exit_code == 0, result.output
    assert not member.logged_in, "the member is logged in"


def test_what_the_operator_does_to_an_account_is_logged(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """After an attack one has to tell the operator's doing from the attacker's."""
    password = NEW_PASSWORD
    for command, word in (
        ("add-user", "made"),
        ("deactivate", " deactivated"),
        ("reactivate", "reactivated"),
    ):
        caplog.clear()
        flask(app, command, "bob@example.com", typed=f"{password}\n{password}\n")

        assert_logged(caplog.records, "Account ", "operator", word)


@pytest.mark.asvs("7.4.5")
def test_end_sessions_logs_a_member_out_everywhere(app: Flask, member: Visitor) -> None:
    """For the member who calls and says that the phone is gone."""
    bob = Visitor(app)
    bob.sign_up("bob@example.com")
    bob.log_in("bob@example.com")
    member.log_in(remember=True)

    result = flask(app, "end-sessions", "ADA@example.com")

    assert_done(result)
    assert not member.logged_in, "the member is logged in"
    assert bob.logged_in, "Bob is not logged in"


def test_an_unknown_address_is_said_to_be_unknown(app: Flask) -> None:
    """And nothing else happens."""
    typed = {"set-password": f"{NEW_PASSWORD}\n" * 2, "delete-user": "y\n"}
    commands = ("deactivate", "reactivate", "end-sessions", "set-password")
    for command in (*commands, "delete-user"):
        for address in ("eve@example.com", "not an address"):
            result = flask(app, command, address, typed=typed.get(command, ""))

            assert result.exit_code != 0, (
                f"`flask {command} {address}` succeeded: {result.output}"
            )
            assert address in result.output


@pytest.mark.asvs("7.4.3")
def test_set_password_gives_a_new_one_and_logs_the_member_out_everywhere(
    app: Flask, member: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """For the member who has forgotten the password, or whose account was taken
    over: the thief is logged in as well.
    """
    member.log_in(remember=True)

    result = flask(
        app, "set-password", "ADA@example.com", typed=f"{NEW_PASSWORD}\n" * 2
    )

    assert_done(result)
    assert NEW_PASSWORD not in result.output, "the password is shown on the terminal"
    assert_logged(caplog.records, "Account ", "password")
    assert not member.logged_in, "the old session is still good"
    member.log_in()
    assert not member.logged_in, "the old password still opens the account"
    member.log_in(password=NEW_PASSWORD)
    assert member.logged_in, "the new password does not open the account"


def test_set_password_holds_the_operator_to_the_same_rules(
    app: Flask, member: Visitor
) -> None:
    """A weak password is weak whoever has chosen it."""
    result = flask(app, "set-password", "ada@example.com", typed="short\n" * 2)

    assert result.exit_code != 0, (
        f"a password of five characters was taken: {result.output}"
    )
    member.log_in()
    assert member.logged_in, "the old password does not open the account any more"


def test_delete_user_deletes_the_account_and_all_that_belongs_to_it(
    app: Flask, member: Visitor, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asks to be forgotten is to be forgotten whole; a session that is left
    could come alive for somebody else.
    """
    bob = Visitor(app)
    bob.sign_up("bob@example.com")
    bob.log_in("bob@example.com")
    member.log_in()
    caplog.clear()

    result = flask(app, "delete-user", "ADA@example.com", typed="y\n")

    assert_done(result)
    assert_logged(caplog.records, "Account ")
    assert not member.logged_in, "the deleted member is still logged in"
    assert len(sql("SELECT id FROM users")) == 1
    assert len(sql("SELECT id FROM user_sessions")) == 1
    assert bob.logged_in, "Bob is not logged in any more"


def test_delete_user_asks_first(app: Flask, member: Visitor, sql: Sql) -> None:
    """What is deleted does not come back."""
    result = flask(app, "delete-user", "ada@example.com", typed="n\n")

    assert result.exit_code != 0, "the answer no is no success"
    assert len(sql("SELECT id FROM users")) == 1


def test_clear_sessions_deletes_what_has_expired_and_nothing_else(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """Rows of devices that never come back are personal data that is kept for
    nothing."""
    for remember in (True, False):
        Visitor(app).log_in(remember=remember)
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(hours=1))

    result = flask(app, "clear-sessions")

    assert result.exit_code == 0, result.output
    assert "1 " in result.output, (
        f"it should say how many it has deleted (one): {result.output!r}"
    )
    assert len(sql("SELECT id FROM user_sessions")) == 1


def ago(**time: int) -> datetime:
    """The time so long ago, as the database stores it."""
    return (datetime.now(UTC) - timedelta(**time)).replace(microsecond=0, tzinfo=None)
