"""The database: how to connect to it, and what its tables have in common."""

import sqlite3
from datetime import UTC, datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, Inspector, Table, event, inspect
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase

# What a database that is away raises, and also a mistake in a statement.
DATABASE_ERRORS = (
    OperationalError,
    ProgrammingError,
    InterfaceError,
    PoolTimeoutError,
)
NO_ANSWER = (
    "The database does not answer, or refuses this user, password or database name: "
    "see SQLALCHEMY_DATABASE_URI."
)
# What SQLite, PostgreSQL and MariaDB say when a row or the whole database is locked.
BUSY = (
    "database is locked",
    "database table is locked",
    "due to lock timeout",
    "could not obtain lock",
    "deadlock detected",
    "lock wait timeout exceeded",
    "try restarting transaction",
)


class Base(DeclarativeBase):
    """Table options for MySQL and SQLite."""

    __table_args__ = {
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_bin",  # else MySQL takes é for e: two people, one
        "sqlite_autoincrement": True,  # else a new member gets a deleted member's id
    }


# expire_on_commit: objects stay readable after a commit, even if another request has
# deleted their row meanwhile.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


@event.listens_for(Engine, "connect")
def enforce_foreign_keys(connection: object, _record: object) -> None:
    """Let SQLite delete a user's sessions with the user; it has to be told so."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA foreign_keys = ON")


def utcnow() -> datetime:
    """Return the time in UTC, without a zone and without fractions of a second.

    All three databases store this alike.
    """
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def missing_tables_and_columns() -> list[str]:
    """Return what the models have and the database lacks."""
    inspector = inspect(db.engine)
    missing = []
    for table in db.metadata.sorted_tables:
        if inspector.has_table(table.name):
            missing += missing_columns(inspector, table)
        else:
            missing.append(f"the table {table.name}")
    return missing


def missing_columns(inspector: Inspector, table: Table) -> list[str]:
    """Return the columns of the model that the database's table lacks."""
    found = {column["name"] for column in inspector.get_columns(table.name)}
    wanted = [column.name for column in table.columns]
    return [f"the column {table.name}.{name}" for name in wanted if name not in found]


def explain_database_error(error: SQLAlchemyError) -> str | None:
    """Say in a sentence why the database cannot answer.

    Returns None if it can: then the error is a mistake in the code. Never quotes the
    driver, whose text may hold an address or a password.
    """
    if not isinstance(error, DBAPIError):
        return "The database has no connection free."
    if error.connection_invalidated or error.statement is None:  # no connection
        return NO_ANSWER
    reason = str(error.orig).lower()
    if any(phrase in reason for phrase in BUSY):
        return "The database was busy: a lock was not released in time."
    try:
        missing = missing_tables_and_columns()
    except SQLAlchemyError:
        return NO_ANSWER
    if missing:
        return f"The database lacks {', '.join(missing)}. Run `flask init-db`."
    return None
