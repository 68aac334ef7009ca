"""Suite 06: protected pages. Strangers cannot open them, and the log-in leads back to
the page asked for.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import flask_login
import pytest
from flask import Flask

from tests.support.checks import assert_logged, members_pages
from tests.support.harness import PASSWORD, Visitor, query, visible_text

Sql = Callable[..., list[Any]]


def ago(**time: int) -> datetime:
    """The time so long ago, as the database stores it."""
    return (datetime.now(UTC) - timedelta(**time)).replace(microsecond=0, tzinfo=None)


def test_a_stranger_is_kept_out_and_sent_to_the_log_in(
    app: Flask, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """@login_required above @route protects nothing: the page opens for anybody who
    knows its address.
    """
    for path in members_pages(app):
        answer = visitor.get(path, expect_errors=True)

        assert answer.status_code == 302, f"{path} is answered by {answer.status}"
        assert answer.location.startswith("/login?next="), path
        assert_logged(caplog.records, f"'{path}'", "192.0.2.1")


@pytest.mark.asvs("3.5.3")
@pytest.mark.parametrize(
    "method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"]
)
def test_no_other_method_opens_a_protected_page(member: Visitor, method: str) -> None:
    """A check that looks at GET alone can be passed by with another method."""
    assert member.get("/dashboard").status_code == 302, (
        "the dashboard is not protected yet"
    )
    for path in members_pages(member.app):
        answer = member.request(path, method=method, expect_errors=True)

        assert answer.status_code in (200, 302, 400, 405), (
            f"{method} {path} is answered by {answer.status}"
        )
        assert "Ada Lovelace" not in answer.text, f"{method} {path}"


def test_a_stranger_can_do_nothing_to_an_account(member: Visitor, sql: Sql) -> None:
    """The buttons are on protected pages, and what they do is protected, too."""
    Visitor(member.app).log_in()
    token = member.csrf_token("/login")
    actions = ["/account/sessions/1/end", "/account/sessions/end-others"]
    if "/account/password" in members_pages(member.app):
        actions.append("/account/password")

    for path in actions:
        answer = member.post(path, {"csrf_token": token}, expect_errors=True)

        assert answer.status_code == 302, f"{path} is answered by {answer.status}"
        assert answer.location.startswith("/login"), path
        assert len(sql("SELECT id FROM user_sessions")) == 1, path


def test_after_the_log_in_the_page_asked_for_opens(member: Visitor) -> None:
    """An unauthorized handler of one's own must pass `next` on: Flask-Login's would
    have.
    """
    login_page = member.get("/dashboard?tab=2").follow()

    answer = member.log_in(page=login_page)

    assert answer.location.endswith("/dashboard?tab=2")
    assert "Ada Lovelace" in visible_text(answer.follow())


def test_the_visitor_is_told_why_a_log_in_is_asked_for(visitor: Visitor) -> None:
    """A log-in page out of nowhere looks like a trap."""
    page = visitor.get("/dashboard").follow()

    assert page.html.find(role="status")


def test_where_a_form_was_stopped_the_log_in_leads_back_to_a_page(
    member: Visitor,
) -> None:
    """What was sent cannot be sent again by a redirect: its address opened by GET would
    be an error page.
    """
    token = member.csrf_token("/login")
    stopped = member.post(
        "/account/sessions/end-others", {"csrf_token": token}
    ).follow()

    answer = member.log_in(page=stopped)

    assert answer.follow().status_code == 200


def test_the_start_page_stays_open_to_everybody(visitor: Visitor) -> None:
    """Not every page is a protected one."""
    assert visitor.get("/").status_code == 200


@pytest.mark.asvs("7.5.1")
def test_a_remembered_visitor_types_the_password_before_the_account_opens(
    member: Visitor, sql: Sql
) -> None:
    """A fresh login is needed: a finder of the laptop weeks later can read, but not
    take the account over.
    """
    _dashboard, *pages = members_pages(member.app)
    member.log_in(remember=True)
    member.close_browser()

    for path in pages:
        sql("UPDATE user_sessions SET created = :then", then=ago(minutes=16))
        dashboard = member.get("/dashboard").status_code

        answer = member.get(path)

        assert dashboard == 200
        assert answer.status_code == 302, path
        opened = member.log_in(page=answer.follow(), remember=True)
        assert opened.location.endswith(path)
        assert opened.follow().status_code == 200, path


@pytest.mark.asvs("7.5.1")
@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (16, 302)])
def test_the_account_asks_for_the_password_again_after_a_quarter_of_an_hour(
    member: Visitor, sql: Sql, minutes: int, status: int
) -> None:
    """A fresh login (sudo mode): a session taken over at noon must not change a
    password that was typed at nine.
    """
    member.log_in()

    sql("UPDATE user_sessions SET created = :then", then=ago(minutes=minutes))

    assert member.get("/account").status_code == status
    assert member.logged_in, "the member is not logged in"


def test_a_member_is_told_why_the_password_is_asked_for_again(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """Who reads "Please log in first" believes to be logged out, and may look for the
    thief who did it.
    """
    stranger = Visitor(app).get("/account").follow()
    member.log_in()
    sql("UPDATE user_sessions SET created = :then", then=ago(minutes=16))

    page = member.get("/account").follow()

    told = page.html.find(role="status")
    assert told, "nothing is said"
    assert told.text != stranger.html.find(role="status").text


@pytest.mark.asvs("7.2.4")
def test_typing_the_password_again_starts_a_new_session(
    member: Visitor, sql: Sql
) -> None:
    """Session fixation: a token that was seen before must not profit from the password
    typed now.
    """
    member.log_in(remember=True)
    sql("UPDATE user_sessions SET created = :then", then=ago(minutes=16))
    old = sql("SELECT token FROM user_sessions")[0].token

    member.log_in(page=member.get("/account").follow())

    new = [row.token for row in sql("SELECT token FROM user_sessions")]
    assert len(new) == 1
    assert new != [old]


def test_a_stolen_session_is_not_fresh_elsewhere_whatever_it_claims(
    app: Flask, member: Visitor
) -> None:
    """Flask-Login knows the owner's network by X-Forwarded-For, which a thief can write
    himself.
    """
    member.log_in()
    thief = Visitor(app, ip="198.51.100.66")
    thief.extra_environ["HTTP_X_FORWARDED_FOR"] = "192.0.2.1"
    member.copy_cookies_to(thief)

    answer = thief.get("/account")

    assert answer.status_code == 302, (
        "the account opened for a copy of the cookie from another address"
    )


def test_typing_the_password_again_keeps_the_member_remembered(
    member: Visitor, sql: Sql
) -> None:
    """The box is ticked as it was at the log-in: a member who leaves it alone stays
    remembered.
    """
    member.log_in(remember=True)
    sql("UPDATE user_sessions SET created = :then", then=ago(minutes=16))
    page = member.get("/account").follow()

    member.submit(page, {"email": "ada@example.com", "password": PASSWORD})
    member.close_browser()

    assert member.logged_in, "the member is not logged in"


def test_a_home_with_two_ways_to_the_internet_reaches_the_account(
    member: Visitor,
) -> None:
    """Request after request comes from another address.

    Asked for the password each time, nobody gets in.
    """
    member.log_in()
    member.extra_environ["REMOTE_ADDR"] = "198.51.100.20"
    member.log_in(page=member.get("/account").follow())

    for ip in ("192.0.2.1", "198.51.100.20", "192.0.2.1"):
        member.extra_environ["REMOTE_ADDR"] = ip
        assert member.get("/account").status_code == 200, ip


def test_a_network_of_long_ago_is_not_known_any_more(member: Visitor, sql: Sql) -> None:
    """Ten days ago the password was typed in a café, and now at home: a thief in the
    café with a copy of the cookie opens no account.
    """
    member.log_in(remember=True)
    sql("UPDATE user_sessions SET created = :then", then=ago(days=10))
    member.extra_environ["REMOTE_ADDR"] = "198.51.100.20"
    member.log_in(page=member.get("/account").follow(), remember=True)
    at_home = member.get("/account").status_code

    member.extra_environ["REMOTE_ADDR"] = "192.0.2.1"
    in_the_cafe = member.get("/account").status_code

    assert at_home == 200
    assert in_the_cafe == 302, "the account opened from a network of ten days ago"


def test_flask_logins_own_decorator_does_not_let_a_stale_log_in_through(
    own_app: Flask,
) -> None:
    """It has the same name as ours, and does not know when the password was typed.

    Who imports the wrong one has to find out at once, and not after an attack.
    """

    @own_app.get("/own-page")
    @flask_login.fresh_login_required
    def own_page() -> str:
        return "opened"

    visitor = Visitor(own_app)
    visitor.sign_up()
    visitor.log_in()
    query(own_app, "UPDATE user_sessions SET created = :then", then=ago(minutes=16))

    answer = visitor.get("/own-page", expect_errors=True)

    assert answer.status_code != 200, "it opened, 16 minutes after the password"


def test_an_ipv6_address_that_changes_stays_in_its_network(app: Flask) -> None:
    """Phones and laptops take a new one every day, for privacy."""
    member = Visitor(app, ip="2001:db8:1:2::1")
    member.sign_up()
    member.log_in()

    member.extra_environ["REMOTE_ADDR"] = "2001:db8:1:2:aaaa::7"
    same_network = member.get("/account").status_code
    member.extra_environ["REMOTE_ADDR"] = "2001:db8:9:9::1"
    another_network = member.get("/account").status_code

    assert same_network == 200
    assert another_network == 302, "the account opened from another network"


@pytest.mark.asvs("7.4.2")
def test_an_account_deactivated_meanwhile_opens_no_protected_page(
    member: Visitor, sql: Sql
) -> None:
    """The next click is the last one."""
    member.log_in(remember=True)

    sql("UPDATE users SET is_active = :no", no=False)

    for path in members_pages(member.app):
        assert member.get(path).location.startswith("/login")


@pytest.mark.asvs("7.4.4")
def test_every_page_offers_to_log_out(member: Visitor) -> None:
    """Leaving must be one click from anywhere."""
    member.log_in()

    for path in members_pages(member.app):
        forms = member.get(path).forms.values()
        assert any(form.action.endswith("/logout") for form in forms), path


@pytest.mark.asvs("14.2.4")
def test_the_password_is_never_in_a_page(member: Visitor) -> None:
    """Nor its hash."""
    member.log_in()

    for path in members_pages(member.app):
        page = member.get(path)
        assert "Log out" in visible_text(page), f"{path} is no page of a member"
        assert PASSWORD not in page.text
        assert "pbkdf2" not in page.text


@pytest.mark.asvs("3.5.3")
def test_opening_an_address_changes_nothing(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """Links, images and browsers that load pages ahead all send GET.

    Whatever does something must want a POST.
    """
    Visitor(app).log_in()
    member.log_in()
    before = sql("SELECT id, token FROM user_sessions")
    other = min(row.id for row in before)

    for path in (
        "/logout",
        f"/account/sessions/{other}/end",
        "/account/sessions/end-others",
    ):
        assert member.get(path, expect_errors=True).status_code == 405, path

    assert sql("SELECT id, token FROM user_sessions") == before


@pytest.mark.asvs("13.4.4")
def test_trace_is_not_answered(member: Visitor) -> None:
    """TRACE sends back what came in: the cookies that no script may see."""
    member.log_in()

    for path in ("/", "/login", "/dashboard"):
        answer = member.request(
            path, method="TRACE", headers={"X-Probe": "echo-me"}, expect_errors=True
        )

        assert answer.status_code in (400, 405), path
        assert "echo-me" not in answer.text, path


@pytest.mark.asvs("13.4.1", "13.4.3")
def test_no_file_can_be_fetched_but_those_in_static(member: Visitor) -> None:
    """The key, the database, the code and their history lie one folder further up.

    Nor is there a list of files.
    """
    member.log_in()
    files = [
        "/.env",
        "/.git/config",
        "/wsgi.py",
        "/instance/workbook.db",
        "/templates/base.html",
    ]
    ways_out = ["/static/../.env", "/static/%2e%2e/.env", "/static/..%2f..%2f.env"]
    beside = ["/static/config.py", "/static/templates/base.html"]

    for path in [*files, *ways_out, *beside, "/static/", "/static"]:
        assert member.get(path, expect_errors=True).status_code in (400, 404), path


@pytest.mark.workbook
@pytest.mark.asvs("13.4.5")
def test_there_is_no_address_but_those_that_are_meant(app: Flask) -> None:
    """A page for developers or for monitoring that an extension brings along tells
    strangers about the inside.
    """
    # However the variable part is written: <int:number> is as good as <session_id>.
    addresses = {re.sub("<.*?>", "<>", str(rule)) for rule in app.url_map.iter_rules()}

    assert addresses == {
        "/",
        "/signup",
        "/login",
        "/logout",
        "/dashboard",
        "/account",
        "/account/password",
        "/account/sessions/<>/end",
        "/account/sessions/end-others",
        "/static/<>",
    }


@pytest.mark.workbook
@pytest.mark.asvs("6.4.2")
def test_nobody_is_asked_for_a_hint_or_a_secret_question(member: Visitor) -> None:
    """The name of a first pet is a second password, and a worse one."""
    pages = [member.get(path) for path in ("/login", "/signup")]
    member.log_in()
    pages += [member.get(path) for path in ("/account", "/account/password")]

    asked = set()
    for page in pages:
        fields = page.html.select("input[name], select[name], textarea[name]")
        asked |= {field["name"] for field in fields}

    assert asked - {"csrf_token", "remember", "website"} == {
        "name",
        "email",
        "password",
        "confirm",
        "current_password",
        "new_password",
    }


def test_a_notice_is_not_repeated(visitor: Visitor) -> None:
    """A program that asks again and again would fill the cookie, until the browser
    refuses it.
    """
    for _number in range(20):
        answer = visitor.get("/dashboard")

    assert len(answer.follow().html.find_all(role="status")) == 1
