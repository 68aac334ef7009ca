"""Migrations: the revisions in migrations/ change the tables when the models change."""

from pathlib import Path

from flask_migrate import Migrate

from .database import db

FOLDER = Path(__file__).parent.parent / "migrations"

migrate = Migrate(db=db, directory=str(FOLDER), render_as_batch=False)
