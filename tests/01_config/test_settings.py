"""Suite 01: the app starts only when its settings are safe, and takes them from where
they belong.
"""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from flask import Flask, session

from tests.support.harness import CONFIG, HOST, PACKAGE, Step, Visitor

KEY = "0f6b2d9841ce7a35" * 2
OLD_KEY = "a94c1e70d86f5b23" * 2


def refusal(step: Step, **config: Any) -> str:
    """What the app says when it refuses to start."""
    with pytest.raises(Exception, match=r"[A-Z]_[A-Z]") as refused:
        step.create_app(**config)
    return str(refused.value)


def app_from_environment(
    step: Step, monkeypatch: pytest.MonkeyPatch, /, **environment: str
) -> Flask:
    """Make the app from environment variables alone: those of a real site, and these on
    top.
    """
    everything = {
        "SECRET_KEY": KEY,
        "SQLALCHEMY_DATABASE_URI": "sqlite://",
        "TRUSTED_HOSTS": HOST,
        **environment,
    }
    for name in CONFIG:
        monkeypatch.setenv(
            name, everything.get(name, "")
        )  # undone after the test, whatever else sets it
        if not everything.get(name):
            monkeypatch.delenv(name)
    return step.create_plain_app()


def copy_with_env_file(step: Step, folder: Path, **settings: str) -> Step:
    """Copy the app, and put a .env file with these settings beside its wsgi.py."""
    copy = step.copy_to(folder / "copy")
    lines = [f"{name}={value}" for name, value in settings.items()]
    (copy.path / ".env").write_text("\n".join(lines), encoding="utf-8")
    return copy


def test_without_a_key_the_app_does_not_start(step: Step) -> None:
    """A key that is silently None is a 500 on every page that needs the session, and a
    visitor finds it out.
    """
    for key in ("", None, KEY.encode()):
        message = refusal(step, SECRET_KEY=key)

        assert "SECRET_KEY" in message
        assert "token_hex" in message, (
            "the message should hold the command that makes a key"
        )
        assert "SECRET_KEY" in message.partition("token_hex")[2], (
            "the message should say where the new key belongs"
        )


@pytest.mark.asvs("11.2.3")
def test_a_short_key_is_refused(step: Step) -> None:
    """An attacker who guesses the key signs a cookie for any account: "dev" and
    "changeme" are on every list of guesses.
    """
    for key in ("dev", "changeme", KEY[:31]):
        assert "SECRET_KEY" in refusal(step, SECRET_KEY=key)

    assert step.create_app(SECRET_KEY=KEY[:32])


def test_a_placeholder_is_refused_however_long(step: Step) -> None:
    """A key copied out of an example is known to everyone who has read the example."""
    for key in (
        "changeme" * 5,
        "ChangeMe-0123456789-abcdef-012345",
        "please-replace-me-0123456789abcdef",
        "this-is-my-secret-key-0123456789",
        "0123456" * 5,
    ):
        assert "SECRET_KEY" in refusal(step, SECRET_KEY=key)

    assert step.create_app(SECRET_KEY="01234567" * 4)


def test_the_example_file_holds_no_key_that_works(step: Step) -> None:
    """People copy .env.example and change what they must.

    A key that starts the app stays in there.
    """
    example = dotenv_values(step.path / ".env.example")

    assert "SECRET_KEY" in refusal(step, SECRET_KEY=example["SECRET_KEY"])


def test_an_old_key_in_the_fallbacks_must_be_as_strong(step: Step) -> None:
    """Cookies signed with a fallback are good, so a weak one lets in everybody who
    guesses it.
    """
    message = refusal(step, SECRET_KEY_FALLBACKS=[OLD_KEY, "dev"])

    assert "SECRET_KEY_FALLBACKS" in message
    assert "Take that one out" in message
    assert "token_hex" not in message, "a new key has no place among the old ones"


@pytest.mark.asvs("11.2.2")
def test_a_new_key_keeps_the_sessions_signed_with_the_old_one(
    make_app: Callable[..., Flask],
) -> None:
    """Else nobody changes the key: it would throw out every visitor at once."""

    def write_note() -> str:
        return session.setdefault("note", "kept")

    def with_session_pages(app: Flask) -> Visitor:
        app.add_url_rule("/note", "note", write_note)
        app.add_url_rule("/read", "read", lambda: session.get("note", "lost"))
        return Visitor(app)

    before = with_session_pages(make_app(SECRET_KEY=OLD_KEY))
    after = with_session_pages(
        make_app(SECRET_KEY=KEY, SECRET_KEY_FALLBACKS=[KEY[::-1], OLD_KEY])
    )
    before.get("/note")

    before.copy_cookies_to(after)

    assert after.get("/read").text == "kept"


def test_settings_are_read_when_the_app_is_made(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read at import, they are fixed by the first import: a test would run against the
    real database.
    """
    first = app_from_environment(step, monkeypatch, SECRET_KEY=OLD_KEY)
    second = app_from_environment(step, monkeypatch, SECRET_KEY=KEY)

    assert (first.config["SECRET_KEY"], second.config["SECRET_KEY"]) == (OLD_KEY, KEY)


def test_what_create_app_is_given_wins_over_the_environment(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests and scripts say what they want, and a variable left over in some shell does
    not get in the way.
    """
    monkeypatch.setenv("TRUSTED_HOSTS", "left-over.example")
    given = step.create_app()
    not_given = step.create_plain_app(
        {name: value for name, value in CONFIG.items() if name != "TRUSTED_HOSTS"}
    )

    answers = [
        Visitor(app).get("/no-such-page", expect_errors=True)
        for app in (given, not_given)
    ]

    assert answers[1].status_code == 400, (
        "the variable should count where create_app is given nothing"
    )
    assert answers[0].status_code == 404, (
        "the variable won over what create_app was given"
    )
    cookie = {"SESSION_COOKIE_NAME": "mine", "SESSION_COOKIE_SAMESITE": "Strict"}
    config = step.create_app(**cookie).config
    assert {name: config[name] for name in cookie} == cookie


def test_a_list_is_written_with_commas(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken as one long key, or letter by letter, the old keys would open nothing."""
    fresh = step.fresh()

    app = app_from_environment(
        fresh, monkeypatch, SECRET_KEY_FALLBACKS=f"{OLD_KEY}, {KEY[::-1]}"
    )

    assert app.config["SECRET_KEY_FALLBACKS"] == [OLD_KEY, KEY[::-1]]


def test_settings_come_from_the_env_file_beside_wsgi_py(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in a file that git ignores is neither in the code nor in everybody's shell
    history.
    """
    copy = copy_with_env_file(step, tmp_path, SECRET_KEY=OLD_KEY)

    app = app_from_environment(copy, monkeypatch, SECRET_KEY="")

    assert app.config["SECRET_KEY"] == OLD_KEY


def test_the_real_environment_wins_over_the_env_file(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server sets variables; a .env file that somebody copied there by mistake must
    not undo them.
    """
    copy = copy_with_env_file(step, tmp_path, SECRET_KEY=OLD_KEY)

    app = app_from_environment(copy, monkeypatch, SECRET_KEY=KEY)

    assert app.config["SECRET_KEY"] == KEY


def test_without_any_setting_the_cookie_is_safe(
    step: Step, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A setting that has to be remembered is forgotten on the one site where it
    matters.
    """
    app = app_from_environment(copy_with_env_file(step, tmp_path), monkeypatch)

    assert app.config["SESSION_COOKIE_SECURE"]


def test_yes_and_no_can_be_written_in_several_ways(step: Step) -> None:
    """Somebody who writes "off" means it, and must not get its opposite."""
    words = {
        "1": True,
        "TRUE": True,
        "yes": True,
        "on": True,
        "0": False,
        "False": False,
        "no": False,
        "off": False,
    }
    for word, secure in words.items():
        assert (
            bool(
                step.create_app(SESSION_COOKIE_SECURE=word).config[
                    "SESSION_COOKIE_SECURE"
                ]
            )
            is secure
        ), word


def test_a_site_may_have_several_names(
    step: Step, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With and without www, and the address that the health check uses: a list with
    commas, and none means any.
    """
    copy = copy_with_env_file(step, tmp_path)  # the folder's own .env may name hosts
    several = app_from_environment(
        copy, monkeypatch, TRUSTED_HOSTS=f"www.other.example, {HOST}"
    )
    any_name = app_from_environment(copy, monkeypatch, TRUSTED_HOSTS="")

    for app in (several, any_name):
        assert Visitor(app).get("/no-such-page", expect_errors=True).status_code == 404
    assert (
        Visitor(several)
        .get("/", headers={"Host": "evil.example"}, expect_errors=True)
        .status_code
        == 400
    )


def test_a_setting_that_makes_no_sense_is_refused_by_name(step: Step) -> None:
    """A typo in "SESSION_COOKIE_SECURE=flase" must not become a guess about safety."""
    for name, value in {"SESSION_COOKIE_SECURE": "flase", "PROXY_COUNT": "-1"}.items():
        assert name in refusal(step, **{name: value})


def test_wsgi_py_makes_the_app_for_flask_and_gunicorn(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flask run` and `gunicorn wsgi:app` look for it there."""
    fresh = step.fresh()
    app_from_environment(fresh, monkeypatch)  # for the variables
    monkeypatch.setitem(sys.modules, PACKAGE, fresh.module)

    app = runpy.run_path(str(step.path / "wsgi.py"))["app"]

    assert isinstance(app, Flask)


@pytest.mark.steps(
    1, 1
)  # it starts a process, and what it tests is the same in every step
@pytest.mark.slow  # starts a program
def test_flask_answers_a_bad_setting_with_a_sentence_and_no_traceback(
    step: Step, tmp_path: Path
) -> None:
    """Forty lines of traceback hide the one that says what to do."""
    copy = copy_with_env_file(step, tmp_path)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in (*CONFIG, "FLASK_APP")
    }

    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "flask",
            "routes",
        ],  # it makes the app as `run` does, and ends by itself
        cwd=copy.path,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr
    assert "missing" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.asvs("13.4.2")
def test_debugging_is_off_unless_asked_for(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask's debugger shows the code and runs what is typed into it: made for one's
    own machine alone.
    """
    monkeypatch.setenv(
        "FLASK_ENV", "development"
    )  # what the tutorial sets; nothing reads it any more
    monkeypatch.delenv("FLASK_DEBUG", raising=False)

    app = step.create_app()

    assert not app.debug, "the debugger is on (DEBUG)"
    assert not app.testing, "TESTING is on: errors are not answered with a page"


def test_an_empty_variable_counts_as_not_set(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`SECRET_KEY= flask run` must not hide the good key in the .env file."""
    copy = copy_with_env_file(step, tmp_path, SECRET_KEY=OLD_KEY)
    app_from_environment(step, monkeypatch)
    monkeypatch.setenv("SECRET_KEY", "")

    app = copy.create_plain_app()

    assert app.config["SECRET_KEY"] == OLD_KEY


def test_a_message_says_where_the_bad_value_comes_from(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told only the name, people mend the .env file while a variable of the shell
    wins."""
    copy = copy_with_env_file(step, tmp_path, SECRET_KEY="dev")

    for in_the_shell in (
        "",
        "dev",
    ):  # `flask` copies the file into the environment: the same value there
        with pytest.raises(Exception, match=r"\.env") as refused:
            app_from_environment(copy, monkeypatch, SECRET_KEY=in_the_shell)
        assert "environment" not in str(refused.value), (
            "the bad value stands in the .env file"
        )
    with pytest.raises(Exception, match="environment"):
        app_from_environment(copy, monkeypatch, SECRET_KEY="dev2")


def test_an_env_file_that_is_not_utf_8_is_named(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PowerShell 5 writes UTF-16 with >>.

    A UnicodeDecodeError names no file and no cure.
    """
    copy = copy_with_env_file(step, tmp_path)
    (copy.path / ".env").write_text(f"SECRET_KEY={KEY}", encoding="utf-16")

    with pytest.raises(Exception, match=r"\.env.*UTF-8"):
        app_from_environment(copy, monkeypatch, SECRET_KEY="")
    # Windows' Notepad may put a mark before the text: that is UTF-8, too.
    (copy.path / ".env").write_text(f"SECRET_KEY={KEY}", encoding="utf-8-sig")
    app = app_from_environment(copy, monkeypatch, SECRET_KEY="")
    assert app.config["SECRET_KEY"] == KEY


def test_a_name_that_no_host_header_can_have_is_refused(step: Step) -> None:
    """The app would start, and then answer every request with a 400."""
    for wrong in (
        "https://www.example.org",
        "www.example.org/",
        "*",
        "a b.example",
        "a..b",
        "[::1]",
        f"{64 * 'a'}.example",
    ):
        assert "TRUSTED_HOSTS" in refusal(step, TRUSTED_HOSTS=wrong)

    for right in (
        "www.example.org",
        ".example.org",
        "localhost:5000",
        "bücher.example",
    ):
        assert step.create_app(TRUSTED_HOSTS=right)
