"""Suite 05: remember me."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

import pytest
from flask import Flask
from harness import Visitor

Sql = Callable[..., list[Any]]
OLD_KEY = "b7e2a4c19d3f58600f1e2d3c4b5a6978"


def cookies_set(answer: Any) -> dict[str, Any]:
    """The cookies that an answer sets, by name; the last one wins, as in a browser."""
    found: dict[str, Any] = {}
    for header in answer.headers.getall("Set-Cookie"):
        found.update(SimpleCookie(header))
    return found


def test_a_session_ends_with_the_browser_unless_asked_otherwise(member: Visitor) -> None:
    """Remembering is for the member to choose."""
    member.log_in(remember=False)

    member.close_browser()

    assert not member.logged_in


def test_a_remembered_member_is_still_in_after_the_browser_was_closed(member: Visitor) -> None:
    """That is what the box promises."""
    member.log_in(remember=True)

    member.close_browser()

    assert member.logged_in


@pytest.mark.asvs("7.4.1")
def test_logging_out_forgets_a_remembered_device(member: Visitor) -> None:
    """session.clear() after logout_user() wipes the note to delete the cookie, and the visitor is back in."""
    member.log_in(remember=True)

    member.log_out()
    member.close_browser()

    assert not member.logged_in


def test_a_remembered_member_who_comes_back_can_log_out(member: Visitor) -> None:
    """After the browser was closed only the remember cookie is left; logging out must end that too."""
    member.log_in(remember=True)
    member.close_browser()

    member.log_out()

    assert not member.logged_in


@pytest.mark.asvs("3.3.1", "3.3.2", "3.3.3", "3.3.4")
def test_the_remember_cookie_is_as_guarded_as_the_session(app: Flask, member: Visitor) -> None:
    """It opens the same door for thirty days: no script may read it, no plain HTTP carry it."""
    answer = member.log_in(remember=True)

    cookie = cookies_set(answer)["__Host-remember"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]


def test_the_remember_cookie_is_deleted_in_a_way_that_browsers_obey(member: Visitor) -> None:
    """Browsers ignore a Set-Cookie for a __Host- name without Secure, so the cookie would stay."""
    member.log_in(remember=True)

    answer = member.log_out()

    deletions = [h for h in answer.headers.getall("Set-Cookie") if h.startswith("__Host-remember=;")]
    assert any("Secure" in header and "Path=/" in header for header in deletions)


def test_logging_in_without_the_box_forgets_an_earlier_remembering(member: Visitor) -> None:
    """Whoever leaves the box empty this time means it."""
    member.log_in(remember=True)
    member.close_browser()

    member.log_in(remember=False, page="/login")
    member.close_browser()

    assert not member.logged_in


@pytest.mark.asvs("11.2.2")
def test_a_new_key_does_not_log_out_those_who_are_remembered(make_app: Callable[..., Flask], tmp_path: Any) -> None:
    """Flask-Login checks its cookie with SECRET_KEY alone; a site that logs all out will not change its key."""
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

    assert rotated.logged_in
    assert not rotated.session["_fresh"], "remembered, and by an old key: not the moment to change a password"
    assert not without.logged_in


def test_a_remember_cookie_from_an_old_key_is_signed_anew(make_app: Callable[..., Flask], tmp_path: Any) -> None:
    """So that the old key can be thrown away some day."""
    database = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path / 'shared.db'}"}
    member = Visitor(make_app(SECRET_KEY=OLD_KEY, **database))
    member.sign_up()
    member.log_in(remember=True)
    member.close_browser()
    rotated = Visitor(make_app(SECRET_KEY_FALLBACKS=[OLD_KEY], **database))
    member.copy_cookies_to(rotated)
    rotated.get("/dashboard")
    rotated.close_browser()

    without = Visitor(make_app(**database))
    rotated.copy_cookies_to(without)

    assert without.logged_in


def test_a_remembered_session_is_not_a_fresh_one(member: Visitor) -> None:
    """The password was typed weeks ago, perhaps by somebody else: enough to read, too little to change things."""
    member.log_in(remember=True)
    at_first = member.session["_fresh"]

    member.close_browser()
    member.get("/dashboard")

    assert at_first is True
    assert member.session["_fresh"] is False


@pytest.mark.asvs("7.2.1")
@pytest.mark.parametrize("user_id", ["1", "ada@example.com"])
def test_a_remember_cookie_that_names_an_account_opens_nothing(app: Flask, member: Visitor, user_id: str) -> None:
    """Even signed with the right key: the token of a live session is what counts."""
    from flask_login.utils import encode_cookie

    with app.app_context():
        forged = encode_cookie(user_id)
    thief = Visitor(app)
    thief.set_cookie("__Host-remember", forged)

    assert not thief.logged_in
