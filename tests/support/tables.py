"""The tables of the database server that --database-uri names."""

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.support.harness import Step

TABLES = (
    "away",
    "user_sessions",
    "users",
)  # "away" is what the outage tests rename a table to


class Tables:
    """The tables of a database server, kept from test to test: to make them anew costs
    more than most tests.
    """

    def __init__(self, uri: str) -> None:
        self.engine = create_engine(uri)
        self.made_by: Step | None = None

    def empty(self, step: Step) -> None:
        """Delete what the test before has left; what another step has made goes
        altogether.
        """
        try:
            with self.engine.begin() as connection:
                mine = TABLES[1:] if step.number >= 5 else TABLES[2:]
                for table in mine if step is self.made_by else ():
                    connection.execute(text(f"DELETE FROM {table}"))
        except DBAPIError:  # the test before has taken a table away
            self.made_by = None
        if step is not self.made_by:
            with self.engine.begin() as connection:
                for table in TABLES:
                    connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        self.made_by = step
