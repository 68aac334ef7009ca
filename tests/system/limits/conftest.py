"""Step 06 behind a proxy that says where each visitor comes from."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.load import Browser
from tests.system.servers import App

_numbers = itertools.count()


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[App]:
    """One process, which counts in its own memory."""
    database = f"sqlite:///{folder}/limits.db"
    app = App(folder / "limits", database, PROXY_COUNT="1").cheaply()
    app.workers = ["--workers", "1", "--threads", "8"]
    app.flask("init-db")
    with app:
        yield app


@pytest.fixture
def come_from(app: App) -> Callable[[str], Browser]:
    """Somebody whom the proxy has seen at this address."""
    return lambda address: Browser(app.port, headers={"X-Forwarded-For": address})


@pytest.fixture
def place() -> str:
    """An address that nobody has come from."""
    number = next(_numbers)
    return f"203.0.113.{number + 1}"


@pytest.fixture
def email(come_from: Callable[[str], Browser]) -> str:
    """The address of a member, who has signed up at home."""
    number = next(_numbers)
    email = f"grace{number}@example.com"
    at_home = come_from(f"198.51.100.{number + 1}")
    assert at_home.signing_up(email)().status == 302
    return email
