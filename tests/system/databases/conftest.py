"""Step 06 in four processes, and visitors who come to it."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.load import Browser
from tests.system.servers import App

PLACES = (f"127.1.{high}.{low}" for high in range(1, 250) for low in range(1, 250))
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def app(folder: Path, database_uri: str) -> Iterator[App]:
    """Step 06 in four processes of four threads; its tables are made."""
    app = App(folder / "races", database_uri).cheaply()
    app.flask("init-db")
    with app:
        yield app
    app.log.unlink()


@pytest.fixture
def arrive(app: App) -> Callable[[], Browser]:
    """Somebody at an address nobody has come from: the rate limits are not what is tested
    here.
    """
    return lambda: Browser(app.port, ip=next(PLACES))


@pytest.fixture
def email() -> str:
    """An address without an account."""
    return f"ada{next(NUMBERS)}@example.com"


@pytest.fixture
def owner(arrive: Callable[[], Browser], email: str) -> Browser:
    """Somebody with an account, logged in."""
    browser = arrive()
    browser.signing_up(email)()
    browser.logging_in(email)()
    assert browser.inside
    return browser
