"""What the suites say when something is wrong: in words that lead to it."""

import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from flask import Flask, redirect

from tests.support.app_start import start_problem
from tests.support.checks import assert_logged, assert_refused
from tests.support.harness import (
    OPEN_APPS,
    ROOT,
    STEPS,
    Step,
    Visitor,
    WrongDatabaseError,
    close,
    main_form,
)
from tests.support.witness import cut_value


@pytest.fixture
def deaf(tmp_path: Path) -> Step:
    """An app that takes its database from nowhere but its own code."""
    folder = tmp_path / "05_login"
    shutil.copytree(
        STEPS[5].path,
        folder,
        ignore=shutil.ignore_patterns("__pycache__", "instance", ".env"),
    )
    config = folder / "flask_login_tutorial" / "config.py"
    text = config.read_text(encoding="utf-8")
    ours = '    config["SQLALCHEMY_DATABASE_URI"] = uri\n'
    assert ours in text
    config.write_text(
        text.replace(ours, ours.replace("uri", '"sqlite:///own.db"')), encoding="utf-8"
    )
    return Step(5, folder)


def test_an_app_that_ignores_the_database_setting_is_named_before_any_test(
    deaf: Step,
) -> None:
    """The suites would empty the learner's own tables, and none of their failures would
    name the setting.
    """
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "tests/04_signup",
            "--step",
            "05",
            f"--app={deaf.path}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )

    told = result.stdout + result.stderr
    assert result.returncode == 1, told
    assert told.count("SQLALCHEMY_DATABASE_URI") == 1, told
    assert "own.db" in told
    assert "passed" not in told
    assert "failed" not in told
    assert not list(deaf.path.rglob("own.db")), "the database was opened"


def test_check_says_it_too(deaf: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries no behaviour then, as with any app that does not start."""
    monkeypatch.setitem(STEPS, 5, deaf)

    assert "SQLALCHEMY_DATABASE_URI" in start_problem(5, deaf.path)


def test_no_test_gets_an_app_with_another_database(deaf: Step) -> None:
    """However an app is made."""
    with pytest.raises(WrongDatabaseError, match="SQLALCHEMY_DATABASE_URI"):
        deaf.create_app()


def test_a_command_that_succeeds_is_not_called_a_traceback() -> None:
    """Where it should have refused, the failure shows what it did instead."""
    app = Flask("commands")
    app.cli.add_command(click.Command("succeed", callback=lambda: click.echo("done")))
    app.cli.add_command(click.Command("crash", callback=lambda: int("odd")))

    for command, words in (
        ("succeed", "it succeeded"),
        ("unknown", "no such command"),
        ("crash", "ValueError"),
    ):
        with pytest.raises(AssertionError, match=words):
            assert_refused(app.test_cli_runner().invoke(args=[command]))


def test_a_long_value_is_cut_in_the_middle() -> None:
    """A browser's name of 5,000 letters would push the reason off the screen."""
    cut = cut_value("M" * 5000)

    assert cut == f"{'M' * 30}...{'M' * 27}"
    assert cut_value("work/flask_login_tutorial/auth.py") == (
        "work/flask_login_tutorial/auth.py"
    )


def test_a_redirect_in_place_of_a_form_is_called_so() -> None:
    """ "/login (302 FOUND) has no form" says nothing about who is logged in."""
    app = Flask("redirects")
    app.add_url_rule("/login", "login", lambda: redirect("/dashboard"))
    app.add_url_rule("/", "start", lambda: "<p>no form</p>")
    visitor = Visitor(app)

    with pytest.raises(AssertionError, match="sends the visitor on to /dashboard"):
        main_form(visitor.get("/login"))
    with pytest.raises(AssertionError, match="a page without a form"):
        main_form(visitor.get("/"))
    with pytest.raises(AssertionError, match="answers 404"):
        main_form(visitor.get("/signup", expect_errors=True))


def test_where_nobody_can_log_out_the_failure_asks_who_is_logged_in() -> None:
    """The button is in the template; what is missing is the member."""
    app = Flask("strangers")
    app.add_url_rule("/dashboard", "dashboard", lambda: "<p>no form</p>")

    with pytest.raises(AssertionError, match="is anybody logged in"):
        Visitor(app).log_out()


def test_what_is_missing_in_the_log_is_shown_with_the_log() -> None:
    """A bare "assert False" hides both."""
    with pytest.raises(
        AssertionError, match=r"'refused'.*The log: \['Account 1 logged in'\]"
    ):
        assert_logged(["Account 1 logged in"], "refused")


def test_a_request_by_any_method_goes_to_this_host() -> None:
    """WebTest's request() asks localhost:80, and an app that knows its hosts answers
    400 to everything.
    """
    app = Flask("methods")
    app.config["TRUSTED_HOSTS"] = ["workbook.example"]
    app.add_url_rule("/", "start", lambda: "here", methods=["GET", "PATCH"])

    answers = [
        Visitor(app).request("/", method=method)
        for method in ("GET", "PATCH", "OPTIONS")
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_every_app_that_is_made_is_noted_until_it_is_closed() -> None:
    """Else its database stays open, and a test that has nothing to do with it fails on
    Python 3.13.
    """
    app = STEPS[2].create_app()
    with app.app_context():
        connection = app.extensions["sqlalchemy"].engine.raw_connection()
        database = connection.driver_connection
        connection.close()

    noted = app in OPEN_APPS
    close(app)

    assert noted
    assert app not in OPEN_APPS
    with pytest.raises(Exception, match="closed database"):
        database.execute("SELECT 1")
