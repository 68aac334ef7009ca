"""What the recipes do with the database, on each of them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade

from tests.support.apps import PACKAGE, Site, close, init_db, query
from tests.support.visitor import NEW_PASSWORD, PASSWORD, Visitor
from workbook.recipes import NAMES
from workbook.skeleton import Options, version, write_project

PATIENCE = 60  # seconds; only to end a test that hangs


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A new project with all recipes."""
    path = tmp_path_factory.mktemp("project")
    write_project(path, Options(version(), PACKAGE, "My site", NAMES))
    return Site(path)


@pytest.fixture
def app(project: Site, database_uri: str) -> Any:
    """The project's app with Ada's account, on an empty database."""
    app = project.create_app(SQLALCHEMY_DATABASE_URI=database_uri)
    init_db(app)
    Visitor(app).sign_up()
    yield app
    with app.app_context():
        downgrade(revision="base")
    close(app)


def test_a_link_to_reset_the_password_is_used_once(project: Site, app: Flask) -> None:
    """Race condition: two requests have found the row at the same moment. Each has a
    password of its own, and only one of them may be told that it is the new one.
    """
    models = project.module.models
    with app.app_context():
        token = models.PasswordReset.make_token(models.User.find("ada@example.com"))
    both_have_found_it = Barrier(2, timeout=PATIENCE)

    def use(password: str) -> bool:
        with app.app_context():
            link = models.PasswordReset.find(token)
            both_have_found_it.wait()
            return link.use(password)

    passwords = (PASSWORD + " one", NEW_PASSWORD + " two")
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(use, passwords))

    assert sorted(results) == [False, True]
    visitor = Visitor(app)
    visitor.log_in(password=passwords[results.index(True)])
    assert visitor.logged_in


def test_a_deleted_account_takes_everything_along(project: Site, app: Flask) -> None:
    """The account page does it, and no table of the recipes stops it."""
    models = project.module.models
    with app.app_context():
        models.PasswordReset.make_token(models.User.find("ada@example.com"))
    visitor = Visitor(app)
    visitor.log_in()

    answer = visitor.submit("/account/delete", {"password": PASSWORD})

    assert answer.location == "/goodbye"
    for table in ("users", "user_sessions", "password_resets"):
        assert query(app, f"SELECT id FROM {table}") == [], table
