"""Suite 02: a database that is misspelt, away or empty."""

import gc
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask, Response, stream_with_context
from sqlalchemy import text

from tests.support.checks import assert_error_page
from tests.support.harness import Step, Visitor, query, visible_text

IMPOSSIBLE = (
    "",
    "hunter2",
    "postgresql+psycopg://ada:hunter2",
    "nosuchdatabase://ada:hunter2@localhost/workbook",
    "sqlite+nosuchdriver://ada:hunter2@localhost/workbook",
    "mssql+pymssql://ada:hunter2@localhost/workbook",  # a driver that nobody here has
    "sqlite://hunter2.db",  # two slashes: hunter2.db is a host, and SQLite has none
    "mysql+pymysql://ada:hunter2@localhost",  # no database is named
)


def test_a_database_address_that_cannot_work_is_refused_at_the_start(
    step: Step,
) -> None:
    """Better now, in a sentence that names the setting, than in the first visitor's
    face; and without the password.
    """
    for uri in IMPOSSIBLE:
        with pytest.raises(Exception, match="SQLALCHEMY_DATABASE_URI") as refused:
            step.create_app(SQLALCHEMY_DATABASE_URI=uri)

        told = "".join(
            traceback.format_exception(refused.value, limit=0)
        )  # a server's log shows the causes too
        assert "hunter2" not in told


@pytest.mark.asvs("16.5.1")
def test_a_database_that_cannot_be_reached_gives_a_plain_503(step: Step) -> None:
    """It will be down some day.

    The page must say so, and not show where it is and who logs in there.
    """
    app = step.create_app(
        SQLALCHEMY_DATABASE_URI="sqlite:////no-such-folder/hunter2.db"
    )

    page = reader_of(app).get("/count", expect_errors=True)

    assert_error_page(page, 503)
    assert "hunter2" not in page.text


def reader_of(app: Flask) -> Visitor:
    """A visitor of an app with a page at /count that needs the database."""

    def count() -> str:
        session = app.extensions["sqlalchemy"].session
        return str(session.execute(text("SELECT COUNT(*) FROM users")).scalar())

    app.add_url_rule("/count", "count", count)
    return Visitor(app)


@contextmanager
def away(app: Flask) -> Iterator[None]:
    """Take the table away for a while."""
    query(app, "ALTER TABLE users RENAME TO away")
    yield
    query(app, "ALTER TABLE away RENAME TO users")


@pytest.mark.asvs("16.3.4")
def test_a_database_failure_is_written_to_the_log(
    own_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """The visitor is told to come back later; the operator needs to know now."""
    visitor = reader_of(own_app)

    with away(own_app):
        visitor.get("/count", expect_errors=True)

    assert [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.asvs("16.5.2")
def test_after_a_database_failure_the_next_request_works_again(
    own_app: Flask,
) -> None:
    """Nobody should have to restart the app because the database was away for a
    minute."""
    visitor = reader_of(own_app)

    with away(own_app):
        during = visitor.get("/count", expect_errors=True)

    assert (during.status_code, visitor.get("/count").status_code) == (503, 200)


def test_a_database_that_goes_when_the_page_is_made_costs_nobody_the_page(
    own_app: Flask,
) -> None:
    """The connection is given back at the end of a request; that it is dead by then is
    no reason for a 500.
    """
    visitor = reader_of(own_app)
    with own_app.app_context():
        dialect = own_app.extensions["sqlalchemy"].engine.dialect

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ResourceWarning
        )  # SQLAlchemy lets go of the connection that it thinks is dead
        with patch.object(
            dialect, "do_rollback", side_effect=dialect.dbapi.OperationalError("gone")
        ):
            page = visitor.get("/count")
        gc.collect()

    assert page.status_code == 200


def test_an_at_sign_in_the_password_of_the_database_is_refused(step: Step) -> None:
    """Read as an address, what follows the first @ is the host's name, and is printed
    with it.
    """
    uri = "sqlite+pysqlite://ada:secret@hunter2@localhost/workbook"

    with pytest.raises(Exception, match="SQLALCHEMY_DATABASE_URI") as refused:
        step.create_app(SQLALCHEMY_DATABASE_URI=uri)

    assert "hunter2" not in str(refused.value)


def test_a_mistake_in_the_code_is_not_called_an_outage(
    own_app: Flask, step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    """A misspelt column: "try again in a minute" never helps, and without a traceback
    nobody finds the line.
    """
    db = step.module.models.db

    def read(column: str) -> Any:
        return db.session.execute(db.text(f"SELECT {column} FROM users")).one()

    own_app.add_url_rule("/<column>", "read", read)
    visitor = Visitor(own_app)

    for name in ("nmae", "is_blocked", "locked", "clock"):
        caplog.clear()
        assert visitor.get(f"/{name}", expect_errors=True).status_code == 500, name
        assert any(record.exc_info for record in caplog.records), (
            f"no traceback in the log for {name}"
        )


@pytest.mark.asvs("16.5.2")
def test_a_streamed_page_can_still_read_the_database(
    own_app: Flask, step: Step
) -> None:
    """Its body is made after the view: the connection must not be given back before."""
    models = step.module.models

    def rows() -> Iterator[str]:
        for user in models.db.session.scalars(models.db.select(models.User)):
            yield user.name

    def names() -> Response:
        return Response(stream_with_context(rows()))

    own_app.add_url_rule("/names", "names", names)
    with own_app.app_context():
        models.db.session.add(step.new_user(password_hash="pbkdf2$x$0"))
        models.db.session.commit()

    assert "Ada Lovelace" in visible_text(Visitor(own_app).get("/names"))
