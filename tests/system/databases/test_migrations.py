"""The first revision of a project made by `new`, on each database."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import inspect, text

from tests.support.apps import PACKAGE, Site, close, init_db, query
from tests.support.visitor import Visitor
from workbook.skeleton import Options, version, write_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A new project, whose package has the name that the support files know."""
    path = tmp_path_factory.mktemp("project")
    write_project(path, Options(version(), PACKAGE, "My site"))
    return Site(path)


@pytest.fixture
def app(project: Site, database_uri: str) -> Any:
    """The project's app, on an empty database."""
    app = project.create_app(SQLALCHEMY_DATABASE_URI=database_uri)
    yield app
    with app.app_context():
        downgrade(revision="base")
    close(app)


def test_the_first_revision_makes_the_tables_of_the_models(
    project: Site, app: Flask
) -> None:
    """Lengths, keys and what is deleted with what: a difference shows up on the day
    when somebody makes the second revision.
    """
    init_db(app)

    db = project.module.models.db
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, db.metadata) == []


def test_members_sign_up_in_tables_that_a_revision_has_made(
    project: Site, app: Flask
) -> None:
    """Also with letters of four bytes, and with an address that is like another one
    but for an accent: MariaDB has to be told both.
    """
    init_db(app)
    visitor = Visitor(app)

    for email in ("ada@bücher.example", "ada@bucher.example"):
        assert visitor.sign_up(email, name="𝒜da 👩").status_code == 302
    visitor.log_in("ada@bücher.example")

    assert visitor.logged_in
    assert [row.name for row in query(app, "SELECT name FROM users")] == ["𝒜da 👩"] * 2


def test_a_deleted_account_takes_its_sessions_along(app: Flask) -> None:
    """A foreign key without ON DELETE would stop the deletion."""
    init_db(app)
    visitor = Visitor(app)
    visitor.sign_up()
    visitor.log_in()

    query(app, "DELETE FROM users")

    assert query(app, "SELECT id FROM user_sessions") == []


def test_it_can_be_taken_back_and_repeated(project: Site, app: Flask) -> None:
    """And init-db on tables that are there changes nothing."""
    init_db(app)
    init_db(app)

    with app.app_context():
        engine = project.module.models.db.engine
        downgrade(revision="base")
        left = set(inspect(engine).get_table_names())
        with engine.connect() as connection:
            revisions = connection.scalars(text("SELECT * FROM alembic_version")).all()

    assert left == {"alembic_version"}
    assert revisions == []
