"""A first start, with the database still empty."""

from pathlib import Path

from sqlalchemy import create_engine, inspect

from tests.system.load import Browser, together
from tests.system.servers import App, wait_for


def tables(uri: str) -> set[str]:
    """What the database holds."""
    engine = create_engine(uri)
    names = set(inspect(engine).get_table_names())
    engine.dispose()
    return names


def test_four_workers_on_an_empty_database_say_what_to_do_and_need_no_restart(
    folder: Path, database_uri: str
) -> None:
    """Four that all make the tables trip over each other. So none does, each says 503,
    and the log says why.
    """
    app = App(folder / f"start-{database_uri.partition(':')[0]}", database_uri)
    with app:
        wait_for("four workers", lambda: len(app.pids()) == 4)
        browsers = [
            Browser(app.port, ip=f"127.2.0.{number + 1}") for number in range(16)
        ]

        before = together(
            [lambda browser=browser: browser.get("/") for browser in browsers]
        )
        made_by_then = tables(database_uri)
        app.flask("init-db")
        after = together(
            [lambda browser=browser: browser.get("/") for browser in browsers]
        )
        signed_up = browsers[0].signing_up("ada@example.com")()

    assert {answer.status for answer in before} == {503}
    assert made_by_then == set()
    assert "flask init-db" in app.log.read_text()
    assert tables(database_uri) >= {"users", "user_sessions"}
    assert {answer.status for answer in after} == {200}
    assert signed_up.status == 302
