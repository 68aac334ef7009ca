"""Suite 02: the commands for the operator of the app."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from tests.support.checks import assert_refused
from tests.support.harness import PASSWORD, Step, close, init_db

Sql = Callable[..., list[Any]]


def add_user(
    app: Flask, email: str = "ada@example.com", password: str = PASSWORD
) -> Result:
    """Run `flask add-user EMAIL` and type the password twice."""
    return app.test_cli_runner().invoke(
        args=["add-user", email], input=f"{password}\n{password}\n"
    )


def test_init_db_can_be_repeated_and_loses_nothing(
    app: Flask, store: Callable[..., Any], sql: Sql
) -> None:
    """Scripts that set a server up run it every time. It must not empty the house."""
    store("ada@example.com")

    init_db(app)

    assert len(sql("SELECT id FROM users")) == 1


class SQLiteWithPassword(SQLiteDialect_pysqlite):
    """A database server for this test: it takes a password, and keeps its tables in a
    file.
    """

    file = ""
    supports_statement_cache = True

    def create_connect_args(self, url: object) -> tuple[list[str], dict[str, Any]]:  # noqa: ARG002 - SQLAlchemy's
        """Connect to a file, whatever the address says."""
        return [self.file], {}


def test_init_db_does_not_show_the_password_of_the_database(
    step: Step, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a command prints ends up in the logs of a deployment, and in screenshots."""
    monkeypatch.setattr(SQLiteWithPassword, "file", str(tmp_path / "vault.db"))
    monkeypatch.setitem(registry.impls, "vault", lambda: SQLiteWithPassword)
    app = step.create_app(
        SQLALCHEMY_DATABASE_URI="vault://owner:hunter2@db.example/workbook"
    )

    result = app.test_cli_runner().invoke(args=["init-db"])

    close(app)
    assert result.exit_code == 0, result.output
    assert "hunter2" not in result.output
    assert "db.example" in result.output, "it does not say which database that is"


def test_init_db_names_a_column_that_the_table_lacks(app: Flask, sql: Sql) -> None:
    """It makes missing tables and changes none: "ready" would be a lie, and every page
    a 503.
    """
    sql("ALTER TABLE users RENAME COLUMN website TO homepage")

    result = app.test_cli_runner().invoke(args=["init-db"])

    sql("ALTER TABLE users RENAME COLUMN homepage TO website")
    assert_refused(result)
    assert "website" in result.output


def test_add_user_asks_for_the_password_and_keeps_it_secret(
    app: Flask, sql: Sql
) -> None:
    """A password in the command line is in the shell's history, and every user of the
    machine can list it.
    """
    result = add_user(app)

    assert result.exit_code == 0, (
        f"flask add-user failed: {result.output}{result.exception or ''}"
    )
    assert "ada@example.com" in result.output, "it does not say who has an account"
    assert PASSWORD not in result.output
    assert PASSWORD not in str(sql("SELECT * FROM users"))
    assert len(sql("SELECT id FROM users")) == 1


def test_add_user_refuses_what_is_not_an_address(app: Flask, sql: Sql) -> None:
    """The address is what its owner logs in with: with a typo in it, the account opens
    for nobody.
    """
    assert_refused(add_user(app, "ada@example"))

    assert sql("SELECT id FROM users") == []


def test_add_user_makes_no_second_account_for_a_mailbox(app: Flask, sql: Sql) -> None:
    """Two accounts for one person: which of them does the password belong to?"""
    assert add_user(app, "ada@example.com").exit_code == 0, (
        "the first account was not made"
    )

    for same in ("ada@example.com", "Ada@Example.COM"):
        assert_refused(add_user(app, same))

    assert len(sql("SELECT id FROM users")) == 1


def test_add_user_refuses_an_address_that_no_log_in_form_takes(
    app: Flask, sql: Sql
) -> None:
    """Browsers refuse letters beyond A to Z before the @: its owner could never log
    in."""
    assert_refused(add_user(app, "jürgen@example.com"))

    assert sql("SELECT id FROM users") == []


def test_add_user_refuses_a_password_that_is_too_short_or_too_long(
    app: Flask, sql: Sql
) -> None:
    """The rules hold at every door.

    A password typed by an administrator is guessed like any other.
    """
    for password in ("plum trombone s"[:14], f"{PASSWORD} "[:31] * 5):
        assert_refused(add_user(app, password=password))

    assert sql("SELECT id FROM users") == []


@pytest.mark.parametrize("words", [["init-db"], ["add-user", "ada@example.com"]])
def test_a_command_says_so_when_the_database_does_not_answer(
    step: Step, tmp_path: Path, words: list[str]
) -> None:
    """Forty lines of traceback hide the one that says what to do."""
    app = step.create_app(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/no/such/folder/workbook.db"
    )

    result = app.test_cli_runner().invoke(args=words, input=f"{PASSWORD}\n{PASSWORD}\n")

    assert result.exit_code == 1, (
        f"the command succeeded, or there is none: {result.output!r}"
    )
    assert "database does not answer" in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
