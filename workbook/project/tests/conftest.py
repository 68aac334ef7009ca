"""The apps and visitors that the tests get."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.support.harness import (
    OPEN_APPS,
    PASSWORD,
    ROOT,
    Project,
    Site,
    Visitor,
    close,
    init_db,
    query,
    try_to_empty,
)


@pytest.fixture(scope="session")
def site() -> Site:
    """This project: its folder and its package."""
    return Project(ROOT)


@pytest.fixture(scope="session")
def database_uri() -> str:
    """SQLite in memory."""
    return "sqlite://"


@pytest.fixture
def make_app(site: Site) -> Callable[..., Flask]:
    """Make the app with the settings given, its tables made and empty."""

    def make(**config: Any) -> Flask:
        app = site.create_app(**config)
        init_db(app)
        return app

    return make


@pytest.fixture
def own_app(make_app: Callable[..., Flask]) -> Flask:
    """An app for one test alone, to add pages to."""
    return make_app()


@pytest.fixture(scope="session")
def kept() -> Iterator[list[Flask]]:
    """The app that is kept from test to test: to make one takes longer than most
    tests.
    """
    kept: list[Flask] = []
    yield kept
    for app in kept:
        close(app)


@pytest.fixture(autouse=True)
def every_app_is_closed(kept: list[Flask]) -> Iterator[None]:
    """Close what a test has made, but for the app that is kept."""
    yield
    for app in list(OPEN_APPS):
        if app not in kept:
            close(app)


@pytest.fixture
def app(site: Site, kept: list[Flask]) -> Flask:
    """The app as a real site would set it up, with nobody in it yet; `make_app` is for
    other settings.
    """
    if kept:
        # Apps share what stands in the package's modules, so one made since may have
        # changed it.
        if kept[0] is site.newest and try_to_empty(kept[0]):
            return kept[0]
        close(kept.pop())
    app = site.create_app()
    init_db(app)
    kept.append(app)
    return app


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has never been here."""
    return Visitor(app)


@pytest.fixture
def user(site: Site, app: Flask) -> Any:
    """Ada's account: her row in the table `users`."""
    db = site.module.models.db
    with app.app_context():
        user = site.new_user()
        user.set_password(PASSWORD)
        db.session.add(user)
        db.session.commit()
        db.session.refresh(user)
        return user


@pytest.fixture
def member(app: Flask, user: Any) -> Visitor:
    """Somebody with an account (ada@example.com), not logged in."""
    return Visitor(app)


@pytest.fixture
def sql(app: Flask) -> Callable[..., list[Any]]:
    """Run SQL in the app's database: `sql("SELECT ... WHERE id = :id", id=1)`."""

    def run(statement: str, **values: Any) -> list[Any]:
        return query(app, statement, **values)

    return run
