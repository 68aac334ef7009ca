"""The revisions in migrations/ make the tables of the models."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from tests.support.harness import Site, init_db, query


def test_the_revisions_make_the_tables_of_the_models(site: Site, app: Flask) -> None:
    """A column that only the model has is a 503 on every page after the next deploy."""
    db = site.module.models.db
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, db.metadata)

    assert differences == [], (
        "run `flask db migrate -m WHAT`, read the file that it makes, and run the "
        "tests again"
    )


def test_every_revision_can_be_taken_back(site: Site, tmp_path: Path) -> None:
    """After a bad deploy one goes back to the code before, and to its tables."""
    uri = f"sqlite:///{tmp_path}/back.db"
    app = site.create_app(SQLALCHEMY_DATABASE_URI=uri)
    init_db(app)

    with app.app_context():
        downgrade(revision="base")
        tables = inspect(site.module.models.db.engine).get_table_names()
        upgrade()

    assert tables == ["alembic_version"]
    assert query(app, "SELECT COUNT(*) AS number FROM users")[0].number == 0
