"""The note of a visit, and what else goes on in the database at that moment."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_login import current_user

from tests.support.harness import PASSWORD, STEPS, Step, Visitor, close, init_db, query


@pytest.fixture(params=[STEPS[5], STEPS[6]], ids=lambda step: step.name)
def step(request: pytest.FixtureRequest) -> Step:
    """The steps that log members in."""
    return request.param


@pytest.fixture
def make_app(step: Step) -> Iterator[Callable[[str], Flask]]:
    """Make the step's app with this database."""
    made: list[Flask] = []

    def make(uri: str) -> Flask:
        app = step.create_app(SQLALCHEMY_DATABASE_URI=uri)
        made.append(app)
        with app.app_context():
            app.extensions["sqlalchemy"].drop_all()  # another step's tables differ
        init_db(app)
        return app

    yield make
    for app in made:
        close(app)


def member_after_a_pause(app: Flask) -> Visitor:
    """Somebody logged in whose next visit is to be noted."""
    visitor = Visitor(app)
    visitor.sign_up()
    assert visitor.log_in().status_int == 302
    moment = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    pause = "UPDATE user_sessions SET last_seen = :moment"
    query(app, pause, moment=moment - timedelta(minutes=2))
    return visitor


@pytest.mark.parametrize("looks_first", [True, False], ids=["first", "last"])
def test_what_a_view_has_left_undone_is_not_stored(
    step: Step, make_app: Callable[[str], Flask], database_uri: str, looks_first: bool
) -> None:
    """A view that fails has stored nothing, whenever it asks who the visitor is."""
    app = make_app(database_uri)
    models = step.module.models
    session = app.extensions["sqlalchemy"].session

    @app.get("/broken")
    def broken() -> str:
        """Add an account, look at the visitor, and fail."""
        if looks_first:
            assert current_user.is_authenticated
        user = models.User(name="Grace", email="grace@example.com")
        user.set_password(PASSWORD)
        session.add(user)
        session.flush()
        assert current_user.is_authenticated
        raise RuntimeError

    visitor = member_after_a_pause(app)

    answer = visitor.get("/broken", expect_errors=True)

    assert answer.status_int == 500
    stored = query(app, "SELECT email FROM users")
    assert [row["email"] for row in stored] == ["ada@example.com"]


def test_a_page_comes_while_another_process_writes_to_sqlite(
    make_app: Callable[[str], Flask], tmp_path: Path
) -> None:
    """A page only reads; that it cannot note the visit is no reason to fail."""
    file = tmp_path / "locked.db"
    app = make_app(f"sqlite:///{file}")
    visitor = member_after_a_pause(app)

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        page = visitor.get("/dashboard", expect_errors=True)
        other.execute("ROLLBACK")

    assert page.status_int == 200
    assert "You are logged in as" in page.text
