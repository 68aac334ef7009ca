"""An app to test: load it, make it with settings of its own, look into its database."""

import importlib.util
import itertools
import logging
import os
import re
import shutil
import sys
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
from click.testing import Result
from flask import Flask

from tests.support.visitor import HOST

PACKAGE = "flask_login_tutorial"

# What the suites ask of every app: the settings of a real site, and a hash that costs
# nothing.
CONFIG = {
    "SECRET_KEY": "5d1f0c6b9a7e4382" * 2,
    "SECRET_KEY_FALLBACKS": [],
    "SESSION_COOKIE_SECURE": True,
    "TRUSTED_HOSTS": [HOST, "localhost"],  # the second: Flask's own test client
    "PROXY_COUNT": 0,
    "SQLALCHEMY_DATABASE_URI": "sqlite://",
    "PASSWORD_HASH_METHOD": "pbkdf2:sha256:1",
    "RATELIMIT_STORAGE_URI": "memory://",
}

_numbers = itertools.count()


class CompiledTemplates(jinja2.BytecodeCache):
    """Templates compiled once for all the apps that a test run makes, and not once for
    each.
    """

    def __init__(self) -> None:
        self.code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Hand out what is there; Jinja checks that it fits the source."""
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Keep what was compiled."""
        self.code[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()

# The apps that were made and are not closed yet. An app that is thrown away with its
# database open is a warning, and so a failure, in whichever test runs when Python
# finds it.
OPEN_APPS: list[Flask] = []


class WrongDatabaseError(Exception):
    """The app does not use the database that it was given: the tests would run on the
    one that is in use.
    """


class Site:
    """A folder with an app: the package, and wsgi.py beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.newest: Flask | None = None  # the app that was made last

    @cached_property
    def module(self) -> ModuleType:
        """Its package, loaded under a name of its own: several apps fit into one
        process.
        """
        name = f"{PACKAGE}_{next(_numbers)}"
        folder = self.path / PACKAGE
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def fresh(self) -> "Site":
        """The same folder, to be loaded once more."""
        return Site(self.path)

    def copy_to(self, path: Path) -> "Site":
        """Copy the app, without the files that a run has left there."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(
            self.path / PACKAGE,
            path / PACKAGE,
            ignore=ignored,
            ignore_dangling_symlinks=True,  # an editor's lock
        )
        shutil.copyfile(self.path / "wsgi.py", path / "wsgi.py")
        return Site(path)

    def create_app(self, **config: Any) -> Flask:
        """Make the app with the suites' settings, and these on top."""
        return self.create_plain_app({**CONFIG, **config})

    def create_plain_app(self, *config: Mapping[str, Any]) -> Flask:
        """Make the app with these settings alone, or with none given."""
        # Else its log goes to the terminal.
        logging.getLogger(self.module.__name__).addHandler(logging.NullHandler())
        self.newest = self.module.create_app(*config)
        if not isinstance(self.newest, Flask):
            raise TypeError(
                f"create_app gives back {self.newest!r} and no app. "
                "Is `return app` missing?"
            )
        OPEN_APPS.append(self.newest)
        given = config[0] if config else {}
        refuse_other_database(self.newest, {**os.environ, **given})
        self.newest.jinja_env.bytecode_cache = COMPILED
        return self.newest

    def new_user(self, **values: Any) -> Any:
        """Make a User that is not stored yet: Ada Lovelace, but for what is given.

        Columns of the app's own that must not be empty get a value, too.
        """
        user_class = self.module.models.User
        columns = user_class.__table__.columns
        known = {"id", "name", "email", "email_key", "password_hash"}
        more = {
            column.name: plausible_value(column.type.python_type)
            for column in columns
            if column.name not in known and needs_value(column)
        }
        ada = {"name": "Ada Lovelace", "email": "ada@example.com"}
        return user_class(**{**ada, **more, **values})


def needs_value(column: Any) -> bool:
    """Return True if a row cannot be stored without a value for this column."""
    has_default = column.default is not None or column.server_default is not None
    return not column.nullable and not has_default


def plausible_value(kind: type) -> Any:
    """Return a value of this type, another one each time where that is possible."""
    number = next(_numbers)
    values = {
        bool: False,
        date: date(2001, 1, 1) + timedelta(days=number),
        datetime: datetime(2001, 1, 1) + timedelta(hours=number),
        bytes: str(number).encode(),
        str: f"text{number}",
    }
    return values.get(kind, number)


def refuse_other_database(app: Flask, settings: Mapping[str, Any]) -> None:
    """Raise WrongDatabaseError if the app is about to use another database than the
    settings name.
    """
    wanted = settings.get("SQLALCHEMY_DATABASE_URI")
    if not wanted or "sqlalchemy" not in app.extensions:
        return
    from sqlalchemy import make_url

    with app.app_context():
        used = app.extensions["sqlalchemy"].engine.url
    if place_of(used) != place_of(make_url(wanted)):
        raise WrongDatabaseError(
            "The app does not use the database that create_app is given in SQLALCHEMY_DATABASE_URI: "
            f"it was to use {make_url(wanted)}, and uses {used}. No test was run on that one."
        )


def place_of(url: Any) -> tuple[str | int | None, ...]:
    """Where a database is: its kind, its server, its name; whatever driver and options
    lead there.
    """
    return (
        url.get_backend_name(),
        url.host,
        url.port,
        (url.database or "").replace(":memory:", ""),
    )


def init_db(app: Flask) -> None:
    """Make the tables as one does by hand: `flask init-db`."""
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0, f"flask init-db failed: {reason_of(result)}"


def reason_of(result: Result) -> str:
    """Return why a command has failed, without the usage that Click prints first."""
    said = re.sub(r"\AUsage: .*?\n\n", "", result.output, flags=re.DOTALL)
    if isinstance(result.exception, SystemExit):  # its text is only the status
        return said.strip()
    return f"{said}{result.exception or ''}"


def forget_attempts(app: Flask) -> None:
    """Start the app's rate limits anew."""
    for limiter in app.extensions.get("limiter", ()):  # Flask-Limiter, if it is there
        limiter.reset()
    if "rate_limiter" in app.extensions:
        app.extensions["rate_limiter"].reset()


def try_to_empty(app: Flask) -> bool:
    """Delete all rows and forget all rate limits; False if a table is missing."""
    forget_attempts(app)
    database = app.extensions.get("sqlalchemy")
    if database is None:
        return True
    from sqlalchemy.exc import DBAPIError

    try:
        with app.app_context(), database.engine.begin() as connection:
            for table in reversed(database.metadata.sorted_tables):
                connection.execute(table.delete())
    except DBAPIError:
        return False
    return True


def close(app: Flask) -> None:
    """Close the app's database connections."""
    OPEN_APPS[:] = [each for each in OPEN_APPS if each is not app]
    database = app.extensions.get("sqlalchemy")
    if database:
        with app.app_context():
            for engine in database.engines.values():
                engine.dispose()


def query(app: Flask, sql: str, **values: Any) -> list[Any]:
    """Run SQL in the app's database, to see what is stored or to age it; commits."""
    # Not at the top: an app without a database is not to wait for SQLAlchemy.
    from sqlalchemy import text

    with app.app_context():
        connection = app.extensions["sqlalchemy"].engine.connect()
        # From Python 3.12 on, sqlite3 wants times as text.
        if connection.dialect.name == "sqlite":
            values = {
                name: str(value) if isinstance(value, datetime) else value
                for name, value in values.items()
            }
        with connection, connection.begin():
            result = connection.execute(text(sql), values)
            return [row._mapping for row in result] if result.returns_rows else []
