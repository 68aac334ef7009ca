"""Suite 05: remember me."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from flask import Flask

from tests.support.harness import Visitor

Sql = Callable[..., list[Any]]
OLD_KEY = "b7e2a4c19d3f58600f1e2d3c4b5a6978"


def cookies_set(answer: Any) -> dict[str, Any]:
    """The cookies that an answer sets, by name; the last one wins, as in a browser."""
    found: dict[str, Any] = {}
    for header in answer.headers.getall("Set-Cookie"):
        found.update(SimpleCookie(header))
    return found


def test_a_session_ends_with_the_browser_unless_asked_otherwise(
    member: Visitor,
) -> None:
    """Remembering is for the member to choose."""
    member.log_in(remember=False)

    member.close_browser()

    assert not member.logged_in, "the member is logged in"


def test_a_remembered_member_is_still_in_after_the_browser_was_closed(
    member: Visitor,
) -> None:
    """That is what the box promises."""
    member.log_in(remember=True)

    member.close_browser()

    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("7.4.1")
def test_logging_out_forgets_a_remembered_device(member: Visitor) -> None:
    """With Flask-Login's own cookie, session.clear() after logout_user() wipes the note
    to delete it.
    """
    member.log_in(remember=True)

    member.log_out()
    member.close_browser()

    assert not member.logged_in, "the member is logged in"


def test_a_remembered_member_who_comes_back_can_log_out(member: Visitor) -> None:
    """After the browser was closed only what remembers is left; logging out must end
    that too.
    """
    member.log_in(remember=True)
    member.close_browser()

    member.log_out()

    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.3", "3.3.4")
def test_every_cookie_of_a_remembered_member_is_guarded(member: Visitor) -> None:
    """It opens the door for thirty days: no script may read it, no plain HTTP carry
    it."""
    answer = member.log_in(remember=True)

    for name, cookie in cookies_set(answer).items():
        if not cookie.value:
            continue  # it is being deleted
        assert name.startswith("__Host-")
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] in ("Lax", "Strict"), name
        assert cookie["path"] == "/", name
        assert not cookie["domain"], name


def test_a_log_out_deletes_cookies_in_a_way_that_browsers_obey(member: Visitor) -> None:
    """Browsers ignore a Set-Cookie for a __Host- name without Secure, so the cookie
    would stay.
    """
    remembered = cookies_set(member.log_in(remember=True))

    answer = member.log_out()

    left = {
        name
        for name in remembered
        if name in member.cookies and member.cookies[name] == remembered[name].value
    }
    assert left == set()
    for header in answer.headers.getall("Set-Cookie"):
        assert "Secure" in header, header
        assert "Path=/" in header, header


def test_logging_in_without_the_box_forgets_an_earlier_remembering(
    member: Visitor,
) -> None:
    """A member who leaves the box empty this time means it."""
    member.log_in(remember=True)
    member.log_out()

    member.log_in(remember=False)
    member.close_browser()

    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("11.2.2")
def test_a_new_key_does_not_log_out_those_who_are_remembered(
    make_app: Callable[..., Flask], tmp_path: Any
) -> None:
    """Flask-Login checks its cookie with SECRET_KEY alone; a site that logs all out
    will not change its key.
    """
    database = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'shared.db'}"}
    before = make_app(SECRET_KEY=OLD_KEY, **database)
    member = Visitor(before)
    member.sign_up()
    member.log_in(remember=True)
    member.close_browser()

    rotated = Visitor(make_app(SECRET_KEY_FALLBACKS=[OLD_KEY], **database))
    without = Visitor(make_app(**database))
    member.copy_cookies_to(rotated)
    member.copy_cookies_to(without)

    assert rotated.logged_in, (
        "the visitor with the old key in the fallbacks is not logged in"
    )
    assert not without.logged_in, "the visitor whose key is in no fallback is logged in"


def test_a_style_sheet_sets_no_cookie(
    make_app: Callable[..., Flask], tmp_path: Any
) -> None:
    """Files are kept by caches, and a cookie in a cache is somebody else's session."""
    database = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'shared.db'}"}
    member = Visitor(make_app(SECRET_KEY=OLD_KEY, **database))
    member.sign_up()
    member.log_in(remember=True)
    rotated = Visitor(make_app(SECRET_KEY_FALLBACKS=[OLD_KEY], **database))
    member.copy_cookies_to(rotated)

    answers = [visitor.get("/static/style.css") for visitor in (member, rotated)]

    assert [answer.headers.get("Set-Cookie") for answer in answers] == [None, None]


@pytest.mark.asvs("7.2.1")
@pytest.mark.parametrize("user_id", ["1", "ada@example.com"])
def test_a_remember_cookie_that_names_an_account_opens_nothing(
    app: Flask, member: Visitor, sql: Sql, user_id: str
) -> None:
    """Even signed with the right key: the token of a live session is what counts."""
    from flask_login.utils import encode_cookie

    account = user_id if "@" in user_id else str(sql("SELECT id FROM users")[0].id)
    with app.app_context():
        forged = encode_cookie(account)
    # Whatever the app calls its cookies: those that it sets, and those that Flask-Login
    # looks for.
    names = {
        *cookies_set(member.log_in(remember=True)),
        "remember_token",
        app.config.get("REMEMBER_COOKIE_NAME"),
    }
    assert member.logged_in, "nobody can log in: this test shows nothing"

    impossible_names = {None, "off;"}  # how an app has no remember cookie
    for name in names - impossible_names:
        thief = Visitor(app)
        thief.set_cookie(name, forged)
        assert not thief.logged_in, (
            f"the cookie {name} opens the account that is named in it"
        )
