"""Suite 06: where a member is logged in, and how to end it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.support.harness import Visitor, visible_text

Sql = Callable[..., list[Any]]


def ago(**time: int) -> datetime:
    """The time so long ago, as the database stores it."""
    return (datetime.now(UTC) - timedelta(**time)).replace(microsecond=0, tzinfo=None)


def end_buttons(visitor: Visitor) -> list[Any]:
    """The forms that end one session each."""
    return [
        form
        for form in visitor.get("/account").forms.values()
        if form.action.endswith("/end")
    ]


def end_others_button(visitor: Visitor) -> Any:
    """The form that ends every other session."""
    forms = visitor.get("/account").forms.values()
    return next(form for form in forms if form.action.endswith("/end-others"))


@pytest.mark.asvs("7.5.2")
def test_the_account_lists_every_session_of_the_member(
    app: Flask, member: Visitor
) -> None:
    """A member who cannot see a stranger's session cannot end it."""
    Visitor(app, agent="Safari on a phone").log_in(remember=True)
    member.log_in()

    text = visible_text(member.get("/account"))

    assert "Safari on a phone" in text
    assert "Firefox on Linux" in text


def test_it_lists_nobody_elses(app: Flask, member: Visitor) -> None:
    """What others use is their business."""
    bob = Visitor(app, agent="Bob's browser")
    bob.sign_up("bob@example.com")
    bob.log_in("bob@example.com")
    member.log_in()

    text = visible_text(member.get("/account"))

    assert "Firefox on Linux" in text, "the member's own session is not listed"
    assert "Bob's browser" not in text


def test_it_lists_no_session_that_has_run_out(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """A list of doors that are shut already hides the one that is open."""
    Visitor(app, agent="An old browser").log_in()
    sql("UPDATE user_sessions SET last_seen = '2020-01-01 00:00:00'")
    member.log_in()

    text = visible_text(member.get("/account"))

    assert "Firefox on Linux" in text, "the session that is alive is not listed"
    assert "An old browser" not in text


@pytest.mark.asvs("3.3.4", "14.2.4")
def test_the_page_names_sessions_by_number_and_never_by_token(
    member: Visitor, sql: Sql
) -> None:
    """A token in a page is a token in a screenshot, a cache, a log."""
    member.log_in()

    page = member.get("/account").text

    assert "Firefox on Linux" in page, "the session is not listed"
    assert sql("SELECT token FROM user_sessions")[0].token not in page


@pytest.mark.asvs("1.2.1", "3.2.2")
def test_markup_in_a_browsers_name_is_shown_and_not_run(
    app: Flask, member: Visitor
) -> None:
    """Cross-site scripting (XSS): the User-Agent header is whatever its sender
    writes."""
    agent = "<script>alert(1)</script>"
    Visitor(app, agent=agent).log_in()
    member.log_in()

    page = member.get("/account")

    assert agent in visible_text(page), "the browser's name is not shown as it was sent"
    assert "<script>" not in page.text


@pytest.mark.asvs("7.5.2")
def test_one_session_can_be_ended_from_another(app: Flask, member: Visitor) -> None:
    """The phone was left on the bus; the laptop locks it."""
    phone = Visitor(app, agent="Safari on a phone")
    phone.log_in(remember=True)
    member.log_in()

    answer = end_buttons(member)[0].submit()

    assert answer.location.endswith("/account")
    assert answer.follow().html.find(role="status"), (
        "the page should say that it has worked"
    )
    assert not phone.logged_in, "the phone is logged in"
    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("7.5.2")
def test_all_others_can_be_ended_at_once(app: Flask, member: Visitor) -> None:
    """A member who suspects something wants one button."""
    others = [Visitor(app), Visitor(app)]
    for other in others:
        other.log_in(remember=True)
    member.log_in()

    answer = end_others_button(member).submit()

    assert answer.follow().html.find(role="status"), (
        "the page should say that it has worked"
    )
    assert [other.logged_in for other in others] == [False, False]
    assert member.logged_in, "the member is not logged in"


def test_ending_all_others_leaves_other_members_alone(
    app: Flask, member: Visitor
) -> None:
    """All others of mine, not of everybody."""
    bob = Visitor(app)
    bob.sign_up("bob@example.com")
    bob.log_in("bob@example.com")
    member.log_in()

    end_others_button(member).submit()

    assert bob.logged_in, "Bob is not logged in"


def test_nobody_can_end_somebody_elses_session(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """The number in the address is easy to change; it must be one's own, and another's
    must not even exist.
    """
    bob = Visitor(app)
    bob.sign_up("bob@example.com")
    bob.log_in("bob@example.com")
    bobs = sql("SELECT id FROM user_sessions")[0].id
    member.log_in()
    token = member.csrf_token("/account")

    others = member.post(
        f"/account/sessions/{bobs}/end", {"csrf_token": token}, expect_errors=True
    )
    nobodys = member.post(
        "/account/sessions/987654/end", {"csrf_token": token}, expect_errors=True
    )

    assert (others.status_code, nobodys.status_code) == (302, 302)
    assert others.location == nobodys.location
    assert bob.logged_in, "Bob is not logged in"


def test_a_second_click_on_a_device_is_told_that_it_is_logged_out(
    app: Flask, member: Visitor
) -> None:
    """Both clicks were sent before the first was answered.

    An error page would be a riddle.
    """
    Visitor(app).log_in()
    member.log_in()
    button = end_buttons(member)[0]

    answers = [button.submit(expect_errors=True) for _click in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert "logged out" in visible_text(answers[1].follow())


def test_a_session_number_beyond_any_database_is_not_found(member: Visitor) -> None:
    """PostgreSQL and SQLite refuse to look for a number that fits no column."""
    member.log_in()
    token = member.csrf_token("/account")

    statuses = [
        member.post(
            f"/account/sessions/{number}/end", {"csrf_token": token}, expect_errors=True
        ).status_code
        for number in ("987654", "9" * 30)
    ]

    assert statuses == [302, 404]


@pytest.mark.asvs("3.5.1")
def test_another_site_cannot_end_sessions(app: Flask, member: Visitor) -> None:
    """On a sister domain its form carries the cookies, but no token of ours."""
    other = Visitor(app)
    other.log_in()
    member.log_in()

    answer = member.post("/account/sessions/end-others", {}, expect_errors=True)

    assert answer.status_code == 400
    assert other.logged_in, "the other device is not logged in"


@pytest.mark.asvs("7.5.2")
def test_a_remembered_visitor_cannot_end_sessions_without_the_password(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """Else a thief would throw the owner out first."""
    owner = Visitor(app)
    owner.log_in()
    member.log_in(remember=True)
    member.close_browser()
    sql(
        "UPDATE user_sessions SET created = :then WHERE remembered = :yes",
        then=ago(minutes=16),
        yes=True,
    )
    token = member.csrf_token("/dashboard")

    member.post("/account/sessions/end-others", {"csrf_token": token})

    assert owner.logged_in, "the owner is not logged in"


def test_a_log_in_says_when_the_one_before_it_was(member: Visitor, sql: Sql) -> None:
    """A time at which one slept is how one learns that somebody else knows the
    password. The time of this log-in would tell nobody anything.
    """
    first = visible_text(member.log_in().follow())
    member.log_out()
    sql("UPDATE users SET last_login = '2020-02-20 20:20:00'")

    second = visible_text(member.log_in().follow())

    assert "last logged in" not in first
    assert "last logged in" in second
    assert "2020-02-20 at 20:20" in second
