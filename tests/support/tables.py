"""The tables of the database server that --database-uri names."""

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.support.harness import Step

USERS = "users"
SESSIONS = "user_sessions"  # from step 05 on
RENAMED = "away"  # what the outage tests rename a table to


class Tables:
    """The tables of a database server, kept from test to test: to make them anew costs
    more than most tests.
    """

    def __init__(self, uri: str) -> None:
        self.engine = create_engine(uri)
        self.made_by: Step | None = None  # the step whose tables they are

    def empty(self, step: Step) -> None:
        """Delete the rows that the test before has left in this step's tables.

        If that is impossible, drop all tables: the app makes its own.
        """
        if step is self.made_by and self.try_to_delete_rows(step):
            return
        self.drop_all()
        self.made_by = step

    def try_to_delete_rows(self, step: Step) -> bool:
        """Delete every row; False if a table is missing."""
        try:
            with self.engine.begin() as connection:
                if step.number >= 5:
                    connection.execute(text(f"DELETE FROM {SESSIONS}"))
                connection.execute(text(f"DELETE FROM {USERS}"))
        except DBAPIError:
            return False
        return True

    def drop_all(self) -> None:
        """Drop the tables of any step. Sessions first: their rows refer to users."""
        with self.engine.begin() as connection:
            for table in (RENAMED, SESSIONS, USERS):
                connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
