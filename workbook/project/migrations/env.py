"""Runs the migrations on the app's database: `flask db` and `flask init-db` load it."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection


def run_migrations() -> None:
    """Bring the tables of the app's database from one revision to another."""
    migrate = current_app.extensions["migrate"]
    with migrate.db.engine.connect() as connection:
        enforce_foreign_keys(connection, "OFF")
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            **migrate.configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
        enforce_foreign_keys(connection, "ON")


def enforce_foreign_keys(connection: Connection, switch: str) -> None:
    """Turn SQLite's foreign keys on or off.

    SQLite can add columns and indexes. For all else (`op.batch_alter_table`) the table
    is copied, and the old one dropped. With foreign keys on, dropping `users` would
    delete everything that belongs to users. Give table_kwargs={"sqlite_autoincrement":
    True} there, or ids of deleted rows are used again.
    """
    if connection.dialect.name == "sqlite":
        connection.commit()  # inside a transaction the switch does nothing
        connection.exec_driver_sql(f"PRAGMA foreign_keys = {switch}")
        connection.commit()


run_migrations()
