"""Suite 06: changing the password."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask

from tests.support.checks import assert_logged
from tests.support.harness import (
    NEW_PASSWORD,
    PASSWORD,
    Step,
    Visitor,
    main_form,
    visible_text,
)

Sql = Callable[..., list[Any]]


def change(
    visitor: Visitor,
    current: str = PASSWORD,
    new: str = NEW_PASSWORD,
    confirm: str | None = None,
) -> Any:
    """Fill in the form and send it."""
    values = {
        "current_password": current,
        "new_password": new,
        "confirm": new if confirm is None else confirm,
    }
    return visitor.submit("/account/password", values)


@pytest.mark.asvs("6.2.2")
def test_the_new_password_logs_in_and_the_old_one_does_not(
    app: Flask, member: Visitor
) -> None:
    """That is what changing it means."""
    member.log_in()

    answer = change(member)

    with_old = Visitor(app)
    with_new = Visitor(app)
    with_old.log_in(password=PASSWORD)
    with_new.log_in(password=NEW_PASSWORD)
    assert answer.status_code == 302
    assert not with_old.logged_in, "the old password still opens the account"
    assert with_new.logged_in, "the new password does not open the account"


@pytest.mark.asvs("6.2.3", "7.5.1")
def test_the_current_password_has_to_be_typed(app: Flask, member: Visitor) -> None:
    """Somebody who sits down at an open screen must not take the account along."""
    member.log_in()

    answer = change(member, current="not the password")

    assert answer.status_code == 422
    assert main_form(answer)["current_password"].attrs.get("aria-invalid") == "true"
    with_old = Visitor(app)
    with_old.log_in(password=PASSWORD)
    assert with_old.logged_in, "the old password does not open the account any more"


@pytest.mark.asvs("6.2.1", "6.2.11")
@pytest.mark.parametrize(
    ("new", "confirm"),
    [
        ("too short", None),
        ("a" * 20, None),
        ("x" * 129, None),
        ("Ada Lovelace ada", None),
        (NEW_PASSWORD, PASSWORD),
    ],
)
def test_the_new_password_meets_the_same_rules_as_at_the_sign_up(
    app: Flask, member: Visitor, new: str, confirm: str | None
) -> None:
    """A weaker door beside the strong one is the one that is used."""
    member.log_in()

    answer = change(member, new=new, confirm=confirm)

    assert answer.status_code == 422
    with_old = Visitor(app)
    with_old.log_in(password=PASSWORD)
    assert with_old.logged_in, "the old password does not open the account any more"


@pytest.mark.asvs("7.4.3")
def test_every_other_device_is_logged_out(app: Flask, member: Visitor) -> None:
    """People change a password because somebody else may know it.

    That somebody may be logged in.
    """
    thief = Visitor(app)
    thief.log_in(remember=True)
    member.log_in()

    change(member)

    assert not thief.logged_in, "the thief is logged in"
    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("7.2.4")
def test_this_device_gets_a_new_token(app: Flask, member: Visitor) -> None:
    """A copy of this very cookie must not survive the change either."""
    thief = Visitor(app)
    member.log_in(remember=True)
    member.copy_cookies_to(thief)

    change(member)

    assert member.logged_in, "the member is not logged in"
    assert not thief.logged_in, "the thief is logged in"


def test_a_remembered_device_stays_remembered(member: Visitor) -> None:
    """The choice made at the log-in holds."""
    member.log_in(remember=True)

    change(member)
    member.close_browser()

    assert member.logged_in, "the member is not logged in"


def test_a_device_that_was_not_remembered_is_not_now(member: Visitor) -> None:
    """Nor may it change by itself."""
    member.log_in()

    change(member)
    member.close_browser()

    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("6.3.1")
def test_guessing_the_current_password_is_slow(member: Visitor) -> None:
    """Brute force: the form must not be a way around the rate limit of the log-in
    page."""
    member.log_in()
    statuses = [
        change(member, current=f"wrong {number}").status_code for number in range(10)
    ]

    answer = change(member)

    assert statuses == [422] * 10
    assert answer.status_code == 429


@pytest.mark.asvs("14.2.4")
def test_the_answer_holds_no_password(member: Visitor) -> None:
    """Neither the old nor the new one travels back."""
    member.log_in()

    answer = change(member, confirm="something else")

    assert PASSWORD not in answer.text
    assert NEW_PASSWORD not in answer.text


@pytest.mark.asvs("3.5.1")
def test_another_site_cannot_change_it(app: Flask, member: Visitor) -> None:
    """On a sister domain its form carries the cookies, but no token of ours."""
    member.log_in()

    values = {
        "current_password": PASSWORD,
        "new_password": NEW_PASSWORD,
        "confirm": NEW_PASSWORD,
    }
    answer = member.post("/account/password", values, expect_errors=True)

    assert answer.status_code == 400
    with_old = Visitor(app)
    with_old.log_in(password=PASSWORD)
    assert with_old.logged_in, "the old password does not open the account any more"


def test_a_change_elsewhere_in_the_same_moment_is_not_overwritten(
    step: Step, member: Visitor, sql: Sql
) -> None:
    """Optimistic locking: a thief's change, begun with the old password, must not undo
    the owner's that came first.
    """
    models = step.module.models
    real = models.User.check_password
    member.log_in()
    owners_hash = "pbkdf2:sha256:1$salt$0000"

    def meanwhile(user: Any, password: str) -> bool:
        right = real(user, password)
        sql("UPDATE users SET password_hash = :hash", hash=owners_hash)
        return right

    with patch.object(models.User, "check_password", meanwhile):
        answer = change(member)

    assert answer.status_code < 500
    assert answer.status_code != 302
    assert sql("SELECT password_hash FROM users")[0].password_hash == owners_hash


@pytest.mark.asvs("16.2.5", "16.3.1")
def test_the_change_is_logged_without_the_passwords(
    member: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """So that an owner who asks "was it me?" can be answered."""
    member.log_in()

    change(member)

    lines = [record.getMessage() for record in caplog.records]
    assert_logged(lines, "changed its password")
    assert [line for line in lines if PASSWORD in line or NEW_PASSWORD in line] == []


def test_the_page_says_that_others_are_logged_out(member: Visitor) -> None:
    """What a button does should be known before it is pressed."""
    member.log_in()

    assert "logged out" in visible_text(member.get("/account/password"))


def test_a_second_click_finds_the_password_changed_and_the_member_logged_in(
    step: Step, app: Flask, member: Visitor, sql: Sql
) -> None:
    """Both clicks were sent before the first was answered.

    "Not your current password" would be a lie.
    """
    member.log_in()
    page = member.get("/account/password")
    second_click = Visitor(app)
    member.copy_cookies_to(second_click)
    old = sql("SELECT token FROM user_sessions")
    sent = {
        "current_password": PASSWORD,
        "new_password": NEW_PASSWORD,
        "confirm": NEW_PASSWORD,
        "csrf_token": main_form(page)["csrf_token"].value,
    }
    models = step.module.models
    real = models.User.check_password
    answers = []

    def first_click_comes_in_between(user: Any, password: str) -> bool:
        right = real(user, password)
        if not answers:
            answers.append("on its way")
            # In a thread of its own, as on a server.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(member.post, "/account/password", sent).result()
        return right

    with patch.object(models.User, "check_password", first_click_comes_in_between):
        second = second_click.post("/account/password", sent, expect_errors=True)

    assert second.status_code == 302
    assert "changed" in visible_text(second_click.get("/account"))
    assert len(end_buttons(second_click)) == 0, "one session is left: this one"
    assert sql("SELECT token FROM user_sessions") != old, "the old cookie is still good"
    assert member.logged_in, "the browser may keep the first answer's cookie"


def end_buttons(visitor: Visitor) -> list[Any]:
    """The buttons of the account page that end another session."""
    return [
        form
        for form in visitor.get("/account").forms.values()
        if form.action.endswith("/end")
    ]


def test_forms_that_never_reach_the_hash_lock_nobody_out(member: Visitor) -> None:
    """Ten empty forms, and a member could not change the password for a quarter of an
    hour.
    """
    member.log_in()
    for _number in range(12):
        assert change(member, current="", new="", confirm="").status_code == 422

    assert change(member).status_code == 302
