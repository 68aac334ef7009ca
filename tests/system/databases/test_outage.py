"""The database goes away under load, and comes back."""

from pathlib import Path

import pytest

from tests.system.load import NEW_PASSWORD, PASSWORD, Browser, Load
from tests.system.servers import App, Database, query, wait_for


@pytest.mark.asvs("16.5.2")
def test_a_database_that_is_stopped_and_started_under_load_loses_nobody(
    folder: Path, private_server: Database
) -> None:
    """Shut down for an update, then the plug pulled: 503 meanwhile, then all is well,
    without a restart of the app.
    """
    uri = private_server.new_database()
    app = App(folder / f"outage-{type(private_server).__name__}", uri).cheaply()
    app.flask("init-db")
    with app:
        with Load(6, lambda ip: Browser(app.port, ip=ip)) as load:
            for stop in (private_server.stop, private_server.crash):
                calm(load)
                stop()
                refused = load.statuses[503]
                wait_for(
                    "the visitors to notice",
                    lambda refused=refused: load.statuses[503] > refused + 20,
                )
                private_server.start()
                wait_for(
                    "the app to recover",
                    lambda: Browser(app.port).get("/").status == 200,
                )
            calm(load)
        with Load(3, lambda ip: Browser(app.port, ip=ip), start=100) as afterwards:
            wait_for("three visits", lambda: afterwards.visits >= 3)

        assert set(load.statuses) <= {200, 302, 422, 503}, app.log.read_text(
            errors="replace"
        )[-20000:]
        assert afterwards.unexpected == {}
        stored = {row.email for row in query(uri, "SELECT email FROM users")}
        assert set(load.signed_up) <= stored <= set(load.tried + afterwards.tried)
        for email in sorted(stored)[:: max(1, len(stored) // 8)]:
            visitor = Browser(app.port, ip="127.8.0.1")
            answers = [
                visitor.logging_in(email, password)().status
                for password in (PASSWORD, NEW_PASSWORD)
            ]
            assert 302 in answers, email


def calm(load: Load) -> None:
    """Let some visits pass in peace."""
    visits = load.visits
    wait_for("visits in peace", lambda: load.visits > visits + 6)
