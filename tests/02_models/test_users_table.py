"""Suite 02: what is stored about an account."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect
from sqlalchemy.exc import IntegrityError

from tests.support.harness import Step, Visitor, init_db, visible_text

Sql = Callable[..., list[Any]]


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose clock is nine hours from UTC."""
    monkeypatch.setitem(os.environ, "TZ", "JST-9")
    set_zone = getattr(time, "tzset", lambda: None)  # not on Windows
    set_zone()
    yield
    monkeypatch.undo()
    set_zone()


def test_making_the_app_makes_no_tables(step: Step, tmp_path: Path) -> None:
    """Processes that start at once and all make them trip over each other: now and then
    one dies.
    """
    file = tmp_path / "empty.db"

    app = step.create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{file}")

    before = tables_in(file)
    init_db(app)
    assert before == set(), "making the app has made tables"
    assert "users" in tables_in(file)


def tables_in(file: Path) -> set[str]:
    """The names of the tables in an SQLite file."""
    with closing(sqlite3.connect(file)) as connection:
        return {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master")
        }


def test_the_columns_are_as_long_as_what_the_forms_allow(
    app: Flask, step: Step
) -> None:
    """PostgreSQL and MySQL answer a longer value with an error.

    An address may have 254 characters.
    """
    with app.app_context():
        columns = inspect(step.module.models.db.engine).get_columns("users")

    lengths = {
        column["name"]: getattr(column["type"], "length", None) for column in columns
    }
    may_be_empty = {column["name"] for column in columns if column["nullable"]}
    assert (lengths["name"], lengths["email"], lengths["website"]) == (100, 254, 255)
    assert lengths["password_hash"] >= len("scrypt:32768:8:3$") + 16 + 1 + 128
    assert "website" in may_be_empty, "website must be filled: not everybody has one"


def test_a_new_account_knows_when_it_was_made_in_utc(
    step: Step, store: Callable[..., Any], sql: Sql, in_tokyo: None
) -> None:
    """A time that nobody sets is NULL for ever, and local times jump when the clocks
    do. A time that is read when the server starts is the same for all accounts.
    """
    before = datetime.now(UTC).replace(tzinfo=None)

    store("ada@example.com")

    created = sql("SELECT created FROM users")[0]["created"]
    assert created, "nothing sets it"
    created = datetime.fromisoformat(str(created)).replace(tzinfo=None)
    assert abs(created - before) < timedelta(minutes=10)
    default = step.module.models.User.__table__.c.created.default
    assert not getattr(default, "is_scalar", False), (
        "created gets the time at which the server was started: its default has to be "
        "a function, and not what that function has returned"
    )


def test_a_new_account_has_never_logged_in(store: Callable[..., Any], sql: Sql) -> None:
    """An account that was made and never used looks different from one in use."""
    store("ada@example.com")

    last_login = sql("SELECT last_login FROM users")[0]["last_login"]
    assert last_login is None, "last_login must be filled, so the tests made up a time"


def test_a_user_can_be_printed_and_shows_nothing_personal(
    step: Step, store: Callable[..., Any]
) -> None:
    """repr() is what log lines, debuggers and shells show: it must not raise, and logs
    are read by many.
    """
    for user in (
        store("ada@example.com"),
        step.new_user(),
    ):
        shown = repr(user).lower()

        assert "user" in shown
        shows = [
            secret
            for secret in ("ada", "lovelace", "example", "pbkdf2")
            if secret in shown
        ]
        assert shows == [], f"repr() shows {shows}: {shown}"


def test_the_database_itself_refuses_an_address_twice(
    store: Callable[..., Any], sql: Sql
) -> None:
    """A check in Python can be overtaken by another process; a unique column cannot."""
    store("ada@example.com", "grace@example.com")

    with pytest.raises(IntegrityError):
        sql(
            "UPDATE users SET email_key = 'ada@example.com' WHERE email_key = 'grace@example.com'"
        )


def test_a_mailbox_is_compared_in_one_spelling(
    store: Callable[..., Any], sql: Sql
) -> None:
    """Ada@Example.com and ada@example.com reach the same person: compared as typed,
    they are two accounts.
    """
    store(" Ada@EXAMPLE.com ")

    assert sql("SELECT email_key FROM users")[0]["email_key"] == "ada@example.com"
    with pytest.raises(IntegrityError):
        store("aDa@example.COM")


def test_an_address_is_kept_as_it_was_typed_for_sending(
    store: Callable[..., Any], sql: Sql
) -> None:
    """Some mail servers tell Ada@ from ada@: a message to another spelling could reach
    a stranger.
    """
    store(" Ada@EXAMPLE.com ")

    assert sql("SELECT email FROM users")[0]["email"] == "Ada@example.com"


def test_one_domain_is_not_made_another(store: Callable[..., Any], sql: Sql) -> None:
    """casefold() turns straße.de into strasse.de: another domain, whose owner could not
    sign up.
    """
    store("ada@straße.de", "ada@strasse.de")

    assert len(sql("SELECT id FROM users")) == 2


def test_the_id_of_a_deleted_account_is_never_given_to_another(
    store: Callable[..., Any], sql: Sql
) -> None:
    """An old cookie or log line that names number 2 must not come to mean somebody
    else.
    """
    old = store("ada@example.com", "grace@example.com").id
    sql("DELETE FROM users WHERE email = 'grace@example.com'")

    new = store("mallory@example.com").id

    assert new > old


@pytest.mark.asvs("14.2.4", "16.2.5")
def test_a_failed_insert_writes_no_hash_into_the_log(store: Callable[..., Any]) -> None:
    """The database's error message quotes the INSERT with its values, and goes to the
    log: hashes and all.
    """
    store("ada@example.com")

    with pytest.raises(IntegrityError) as error:
        store("ada@example.com")

    assert "0123" not in str(error.value)
    assert "Lovelace" not in str(error.value)


@pytest.mark.workbook
def test_the_start_page_says_how_many_accounts_there_are(
    store: Callable[..., Any], visitor: Visitor
) -> None:
    """The first thing on a page that comes out of the database."""
    store(*(f"member{number}@example.com" for number in range(17)))

    text = visible_text(visitor.get("/"))

    assert "17" in text.split()


@pytest.mark.asvs("6.3.2")
def test_there_is_no_account_from_the_start(app: Flask, sql: Sql) -> None:
    """An "admin" with the password of the manual is tried on every site, every day."""
    assert sql("SELECT id FROM users") == []
