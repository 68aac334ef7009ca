"""What the suites and the notebooks share: load a step, make its app, and visit it as a
browser would.
"""

import html
import importlib.util
import itertools
import logging
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import jinja2
import webtest
from flask import Flask
from webtest.response import TestResponse

from workbook.places import lesson_files

ROOT = Path(__file__).parent.parent.parent
PACKAGE = "flask_login_tutorial"
HOST = "workbook.example"
PASSWORD = "plum trombone sidewalk lantern"
NEW_PASSWORD = "gravel otter mirror pancake"

# What the suites ask of every app: the settings of a real site, and a hash that costs
# nothing.
CONFIG = {
    "SECRET_KEY": "5d1f0c6b9a7e4382" * 2,
    "SECRET_KEY_FALLBACKS": [],
    "SESSION_COOKIE_SECURE": True,
    "TRUSTED_HOSTS": [HOST],
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
    learner's own.
    """


@dataclass(eq=False)
class Step:
    """One step of the workbook, or anybody's version of it."""

    number: int
    path: Path
    newest: Flask | None = None  # the app that was made last

    @property
    def name(self) -> str:
        """The name of its folder, such as 04_signup."""
        return self.path.name

    @cached_property
    def module(self) -> ModuleType:
        """Its package, loaded under a name of its own: six steps fit into one
        process."""
        name = f"{PACKAGE}_{next(_numbers)}"
        folder = self.path / PACKAGE
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    def copy_to(self, path: Path) -> "Step":
        """Copy the step's files, without what editors and runs leave beside them."""
        for name, file in lesson_files(self.path).items():
            copy = path / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        return Step(self.number, path)

    def create_app(self, **config: Any) -> Flask:
        """Make the app with the suites' settings, and these on top."""
        return self.create_plain_app({**CONFIG, **config})

    def create_plain_app(self, *config: Mapping[str, Any]) -> Flask:
        """Make the app with these settings alone, or with none given."""
        # Without a handler its log would go to the terminal.
        logging.getLogger(self.module.__name__).addHandler(logging.NullHandler())
        self.newest = self.module.create_app(*config)
        if not isinstance(self.newest, Flask):
            raise TypeError(
                f"create_app gives back {self.newest!r} and no app. Is `return app` missing?"
            )
        OPEN_APPS.append(self.newest)
        refuse_other_database(
            self.newest, {**os.environ, **(config[0] if config else {})}
        )
        self.newest.jinja_env.bytecode_cache = COMPILED
        return self.newest


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


STEPS = {
    int(path.name[:2]): Step(int(path.name[:2]), path)
    for path in sorted((ROOT / "steps").glob("0*_*"))
}


class Page(TestResponse):
    """What came back, and what was sent for it."""

    sent: Mapping[str, str] = {}  # the fields that were filled in, if it answers a form

    @property
    def location(self) -> str | None:
        """Where a redirect leads.

        On this site it begins with the first slash, however the app has written it.
        """
        location = self.headers.get("Location")
        ours = f"{self.request.scheme}://{self.request.host}/"
        if location and location.startswith(ours):
            return "/" + location.removeprefix(ours)
        return location


class PageRequest(webtest.TestRequest):
    """What is asked for: a Page."""

    ResponseClass = Page


class Visitor(webtest.TestApp):
    """A browser: it keeps cookies, speaks HTTPS, sends a Referer, and submits forms as
    the page offers them.
    """

    RequestClass = PageRequest

    def __init__(
        self,
        app: Flask,
        *,
        ip: str = "192.0.2.1",
        agent: str = "Firefox on Linux",
        scheme: str = "https",
    ) -> None:
        environ = {
            "HTTP_HOST": HOST,
            "REMOTE_ADDR": ip,
            "HTTP_USER_AGENT": agent,
            "wsgi.url_scheme": scheme,
            "HTTP_REFERER": f"{scheme}://{HOST}/",
        }
        super().__init__(app, extra_environ=environ, lint=False)

    def __repr__(self) -> str:
        return f"<the visitor with {self.extra_environ['HTTP_USER_AGENT'][:30]}>"

    def request(
        self, url_or_req: str | webtest.TestRequest, *words: Any, **keywords: Any
    ) -> TestResponse:
        """Ask for an address by any method.

        WebTest's own forgets the host here, and gets a 400 from every app.
        """
        if isinstance(url_or_req, str):
            keywords.setdefault("environ", dict(self.extra_environ))
        return super().request(url_or_req, *words, **keywords)

    def submit(
        self,
        page: str | TestResponse,
        fields: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> TestResponse:
        """Fill in the page's main form and send it. Takes any status."""
        response = self.get(page) if isinstance(page, str) else page
        form = main_form(response)
        for name, value in (fields or {}).items():
            form[name] = value
        answer = form.submit(expect_errors=True, **keywords)
        answer.sent = {
            name: value
            for name, value in form.submit_fields()
            if name and name != "csrf_token"
        }
        return answer

    def sign_up(
        self, email: str = "ada@example.com", password: str = PASSWORD, **fields: str
    ) -> TestResponse:
        """Fill in the sign-up form and send it."""
        values = {
            "name": "Ada Lovelace",
            "email": email,
            "password": password,
            "confirm": password,
            **fields,
        }
        return self.submit("/signup", values)

    def log_in(
        self,
        email: str = "ada@example.com",
        password: str = PASSWORD,
        *,
        remember: bool = False,
        page: str | TestResponse = "/login",
    ) -> TestResponse:
        """Fill in the log-in form and send it."""
        return self.submit(
            page, {"email": email, "password": password, "remember": remember}
        )

    def log_out(self) -> TestResponse:
        """Press the log-out button of the start page."""
        forms = [
            form
            for form in self.get("/").forms.values()
            if form.action.endswith("/logout")
        ]
        assert forms, "the page offers no log-out button"
        return forms[0].submit(expect_errors=True)

    @property
    def logged_in(self) -> bool:
        """Whether the start page offers to log out."""
        return any(
            form.action.endswith("/logout") for form in self.get("/").forms.values()
        )

    @property
    def session(self) -> dict[str, Any]:
        """What the session cookie holds: anybody can read it."""
        cookie = self.cookies[self.app.config["SESSION_COOKIE_NAME"]]
        return self.app.session_interface.get_signing_serializer(self.app).loads(cookie)

    def csrf_token(self, path: str) -> str:
        """The CSRF token in the first form of a page."""
        return self.get(path).forms[0]["csrf_token"].value

    def copy_cookies_to(self, other: "Visitor") -> None:
        """What a thief does who has seen the cookies once."""
        for cookie in self.cookiejar:
            other.cookiejar.set_cookie(cookie)

    def close_browser(self) -> None:
        """Forget the cookies that last only as long as the browser is open."""
        self.cookiejar.clear_session_cookies()


def main_form(response: TestResponse) -> webtest.Form:
    """The first form that does not lead to /logout.

    The log-out button in the navigation is a form, too.
    """
    forms = [
        form for form in response.forms.values() if not form.action.endswith("/logout")
    ]
    assert forms, why_no_form(response)
    return forms[0]


def why_no_form(response: TestResponse) -> str:
    """Say in words why there is no form on what came back."""
    asked = f"{response.request.method} {response.request.path}"
    if response.status_code in (301, 302, 303, 307, 308):
        return (
            f"{asked} shows no form: it sends the visitor on to {response.location}. "
            "Is somebody logged in who should not be, or not logged in who should be?"
        )
    if response.status_code >= 400:
        return f"{asked} shows no form: it answers {response.status}"
    return (
        f"{asked} shows a page without a form (a <form> that does not lead to /logout)"
    )


def visible_text(response: TestResponse) -> str:
    """The page as it is read: no tags, entities resolved, blanks folded."""
    body = re.sub(r"(?s)<head>.*?</head>", " ", response.text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def init_db(app: Flask) -> None:
    """Make the tables the way a learner does: `flask init-db`."""
    result = app.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0, (
        f"flask init-db failed: {result.output}{result.exception or ''}"
    )


def forget_attempts(app: Flask) -> None:
    """Start the app's rate limits anew."""
    # Somebody's own version may use Flask-Limiter.
    for limiter in app.extensions.get("limiter", ()):
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
    # Not at the top: step 01 has no database, and its suite should not wait for
    # SQLAlchemy.
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
