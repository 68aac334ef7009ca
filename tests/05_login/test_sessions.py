"""Suite 05: a session is a row that can be ended; a cookie without its row opens
nothing.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_login import FlaskLoginClient, current_user, login_user
from sqlalchemy import event, inspect
from sqlalchemy.exc import OperationalError

from tests.support.harness import HOST, PASSWORD, Step, Visitor, query

Sql = Callable[..., list[Any]]
CREDENTIALS = {"email": "ada@example.com", "password": PASSWORD}
OUR_ORIGIN = {"Origin": f"https://{HOST}"}


def ago(**time: int) -> datetime:
    """The time so long ago, as the database stores it."""
    return (datetime.now(UTC) - timedelta(**time)).replace(microsecond=0, tzinfo=None)


@pytest.mark.asvs("7.4.1")
def test_a_copied_cookie_is_dead_after_the_log_out(app: Flask, member: Visitor) -> None:
    """Session hijacking: logout_user() only asks this browser to forget. A thief's copy
    opens the dashboard for weeks.
    """
    thief = Visitor(app)
    member.log_in(remember=True)
    member.copy_cookies_to(thief)
    before = thief.logged_in

    member.log_out()

    assert before, (
        "the copy should work as long as the session lives, or this test shows nothing"
    )
    assert not thief.logged_in, "the thief is logged in"


@pytest.mark.asvs("7.2.2", "14.3.3")
def test_the_cookies_hold_a_token_and_not_the_users_id(
    member: Visitor, sql: Sql
) -> None:
    """A cookie that names the account cannot be taken back: the name does not
    change. And anybody at the computer can read it: a token means nothing to them.
    """
    member.log_in(remember=True)

    assert member.session["_user_id"] == sql("SELECT token FROM user_sessions")[0].token
    for stored in (str(member.session), str(dict(member.cookies))):
        assert "Lovelace" not in stored, "the cookie names the member"
        assert "ada@example" not in stored, "the cookie names the member"


@pytest.mark.asvs("7.3.1", "7.4.1")
@pytest.mark.parametrize(("minutes", "alive"), [(29, True), (30, False)])
def test_a_session_ends_after_half_an_hour_without_a_visit(
    member: Visitor, sql: Sql, minutes: int, alive: bool
) -> None:
    """The idle timeout: a browser left open in a library must not stay open for the
    next one.
    """
    member.log_in()

    sql("UPDATE user_sessions SET last_seen = :then", then=ago(minutes=minutes))

    assert member.logged_in is alive, (
        f"the session should {'still be open' if alive else 'have ended'}"
    )


@pytest.mark.asvs("7.3.2", "7.4.1")
@pytest.mark.parametrize(("hours", "alive"), [(11, True), (12, False)])
def test_a_session_ends_after_half_a_day_however_busy(
    member: Visitor, sql: Sql, hours: int, alive: bool
) -> None:
    """The absolute timeout: a thief who keeps a stolen session busy must not keep it
    for ever.
    """
    member.log_in()

    sql("UPDATE user_sessions SET created = :then", then=ago(hours=hours))

    assert member.logged_in is alive, (
        f"the session should {'still be open' if alive else 'have ended'}"
    )


@pytest.mark.asvs("7.3.1", "7.3.2")
@pytest.mark.parametrize(("days", "alive"), [(29, True), (30, False)])
@pytest.mark.parametrize("column", ["last_seen", "created"])
def test_a_remembered_session_ends_after_thirty_days(
    member: Visitor, sql: Sql, column: str, days: int, alive: bool
) -> None:
    """Remembered is not for ever: 30 days unused, or 30 days old, and the password is
    asked for again.
    """
    member.log_in(remember=True)

    sql(f"UPDATE user_sessions SET {column} = :then", then=ago(days=days))

    assert member.logged_in is alive, (
        f"the session should {'still be open' if alive else 'have ended'}"
    )


def test_a_visit_is_written_down_once_a_minute_at_most(
    member: Visitor, sql: Sql
) -> None:
    """A write on every page view makes every page as slow as a write."""
    member.log_in()
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(seconds=40))
    seconds_ago = last_seen(sql)
    member.get("/dashboard")
    after_a_soon_visit = last_seen(sql)
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(minutes=2))
    minutes_ago = last_seen(sql)

    member.get("/dashboard")

    assert after_a_soon_visit == seconds_ago
    assert last_seen(sql) != minutes_ago


def last_seen(sql: Sql) -> Any:
    """When the only session was seen last."""
    return sql("SELECT last_seen FROM user_sessions")[0].last_seen


@pytest.mark.asvs("7.4.2")
def test_an_account_that_is_deactivated_is_out_at_the_next_click(
    member: Visitor, sql: Sql
) -> None:
    """Keeping somebody out must not wait until their cookie has run out."""
    member.log_in(remember=True)

    sql("UPDATE users SET is_active = :no", no=False)

    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("7.4.2")
def test_an_account_that_is_deleted_is_out_at_the_next_click(
    member: Visitor, sql: Sql
) -> None:
    """And the page must not break over it."""
    member.log_in(remember=True)

    sql("DELETE FROM user_sessions")
    sql("DELETE FROM users")

    assert not member.logged_in, "the member is logged in"


def test_a_new_member_does_not_inherit_a_deleted_ones_session(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """A number that is given out twice would make the old cookie open the new
    account."""
    member.log_in(remember=True)
    sql("DELETE FROM users")

    Visitor(app).sign_up("bob@example.com")

    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("7.2.1")
@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "1|abc",
        "é|é",
        "a" * 4000,
        "eyJfdXNlcl9pZCI6IjEifQ.aaaa.bbbb",
        "\x7f|\xff",
    ],
)
def test_a_made_up_cookie_opens_nothing_and_breaks_nothing(
    app: Flask, member: Visitor, cookie: str
) -> None:
    """Anybody can send any cookie.

    Flask-Login alone answers some of these with a 500.
    """
    names = {
        app.config["SESSION_COOKIE_NAME"],
        app.config.get("REMEMBER_COOKIE_NAME"),
        "remember_token",
    }
    impossible_names = {None, "off;"}  # how an app has no remember cookie
    stranger = Visitor(app)

    for name in names - impossible_names:
        answer = stranger.get(
            "/dashboard", headers={"Cookie": f"{name}={cookie}"}, expect_errors=True
        )

        assert answer.status_code < 500
        assert "Ada" not in answer.text
    member.log_in()
    assert "Ada" in member.get("/dashboard").text, (
        "the dashboard greets nobody: this test shows nothing"
    )


@pytest.mark.asvs("7.2.1")
def test_a_session_cookie_signed_with_another_key_opens_nothing(
    step: Step, app: Flask, member: Visitor, sql: Sql
) -> None:
    """The signature is what SECRET_KEY is for."""
    member.log_in()
    token = sql("SELECT token FROM user_sessions")[0].token
    key = app.secret_key
    app.secret_key = "another-key-of-somebody-else-9f2d41"
    forged = app.session_interface.get_signing_serializer(app).dumps(
        {"_user_id": token, "_fresh": True}
    )
    app.secret_key = key

    stranger = Visitor(app)
    stranger.set_cookie(app.config["SESSION_COOKIE_NAME"], forged)

    assert not stranger.logged_in, "the stranger is logged in"


@pytest.mark.asvs("7.2.1")
def test_a_leaked_key_alone_does_not_open_an_account(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """With the user's id in the cookie, a thief of SECRET_KEY is everybody. A token has
    to be guessed as well.
    """
    member.log_in()
    serializer = app.session_interface.get_signing_serializer(app)
    # MySQL takes a text that begins with letters for the number 0.
    token_like_zero = "ab" + 62 * "0"

    sql("UPDATE user_sessions SET token = :token", token=token_like_zero)

    for guess in ("1", 1, 0, "0", "ada@example.com", {"id": 1}, [1], True):
        thief = Visitor(app)
        thief.set_cookie(
            app.config["SESSION_COOKIE_NAME"],
            serializer.dumps({"_user_id": guess, "_fresh": True}),
        )
        assert thief.get("/dashboard", expect_errors=True).status_code < 500, guess
        assert not thief.logged_in, guess


def test_one_query_finds_the_member_behind_a_page(app: Flask, member: Visitor) -> None:
    """One look-up by an indexed token, however many accounts there are."""
    member.log_in()
    statements = []
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    member.get("/dashboard")
    event.remove(engine, "before_cursor_execute", note)

    assert len(statements) == 1, statements


def test_the_token_is_found_by_an_index(app: Flask) -> None:
    """Without one, a million sessions make every page slow."""
    with app.app_context():
        inspector = inspect(app.extensions["sqlalchemy"].engine)
        indexes = inspector.get_indexes("user_sessions")
        constraints = inspector.get_unique_constraints("user_sessions")

    unique = [index["column_names"] for index in indexes if index["unique"]]
    unique += [constraint["column_names"] for constraint in constraints]
    assert ["token"] in unique


@pytest.mark.asvs("7.2.4")
def test_logging_in_again_replaces_the_session(member: Visitor, sql: Sql) -> None:
    """A form that is sent from a second tab must not leave an old session alive behind
    it.
    """
    page = member.get("/login")
    for _tab in range(2):
        member.submit(page, CREDENTIALS, headers=OUR_ORIGIN)

    assert len(sql("SELECT id FROM user_sessions")) == 1
    assert member.logged_in, "the member is not logged in"


def test_two_clicks_on_log_in_make_one_session(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """Both are under way before the first is answered: the list of devices would show a
    stranger.
    """
    sent = {**CREDENTIALS, "csrf_token": member.csrf_token("/login")}
    second_click = Visitor(app)
    member.copy_cookies_to(second_click)

    member.post("/login", sent)
    second_click.post("/login", sent)

    assert len(sql("SELECT id FROM user_sessions")) == 1
    assert member.logged_in, "the browser may keep the first answer's cookie"
    assert second_click.logged_in, "or the second's"


@pytest.mark.asvs("2.4.1")
def test_sessions_do_not_pile_up(app: Flask, member: Visitor, sql: Sql) -> None:
    """A program that logs in all day must not fill the table.

    Twenty devices are enough; the oldest go.
    """
    member.log_in()
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(minutes=5))

    for _log_in in range(20):
        newest = Visitor(app)
        newest.log_in()

    assert len(sql("SELECT id FROM user_sessions")) == 20
    assert newest.logged_in, "the newest device is not logged in"
    assert not member.logged_in, "the member is logged in"


def test_two_devices_are_two_sessions(app: Flask, member: Visitor, sql: Sql) -> None:
    """Logging out on the phone leaves the laptop alone."""
    phone = Visitor(app, agent="Safari on a phone")
    member.log_in()
    phone.log_in()

    phone.log_out()

    assert member.logged_in, "the member is not logged in"
    assert not phone.logged_in, "the phone is logged in"


def test_a_very_long_browser_name_is_cut_to_its_column(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """PostgreSQL and MySQL refuse what does not fit: the log-in would be a 500."""
    browser = Visitor(app, agent="M" * 5000)

    browser.log_in()

    assert browser.logged_in, "the browser is not logged in"
    assert len(sql("SELECT user_agent FROM user_sessions")[0].user_agent) == 255


def test_an_expired_session_is_deleted_when_it_is_met(
    member: Visitor, sql: Sql
) -> None:
    """A row that stays is personal data kept too long, and a clock that is set back
    would revive it.
    """
    member.log_in()
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(minutes=31))

    member.get("/dashboard", expect_errors=True)

    assert sql("SELECT id FROM user_sessions") == []


def test_a_log_in_deletes_the_expired_sessions_of_the_member(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """A device that never comes back would keep its row for ever."""
    Visitor(app).log_in()
    sql("UPDATE user_sessions SET created = :then", then=ago(hours=13))

    member.log_in()

    assert len(sql("SELECT id FROM user_sessions")) == 1


def test_comparing_two_members_starts_no_session(
    step: Step, app: Flask, sql: Callable[..., list[Any]]
) -> None:
    """`current_user == post.author` is a question. Flask-Login compares what goes into
    the session cookie, and to make that for somebody else would log them in.
    """
    Visitor(app).sign_up()
    Visitor(app).sign_up("bob@example.com")
    user = step.module.models.User
    with app.app_context():
        ada = user.find("ada@example.com")
        bob = user.find("bob@example.com")

        assert ada == user.find("ada@example.com")
        assert ada != bob
        assert ada not in [bob, None]

    assert sql("SELECT id FROM user_sessions") == []


def test_a_view_that_calls_login_user_itself_starts_a_session_that_ends(
    step: Step, own_app: Flask
) -> None:
    """Whoever adds a page in your app has read Flask-Login's documentation, and not
    your code. That must neither crash nor make a log-in that nobody can end.
    """

    @own_app.route("/other-way")
    def other_way() -> str:
        login_user(step.module.models.User.find("ada@example.com"))
        return "done"

    visitor = Visitor(own_app)
    visitor.sign_up()

    visitor.get("/other-way")

    assert visitor.logged_in, "the visitor is not logged in"
    assert query(own_app, "SELECT id FROM user_sessions"), "there is no row to end"
    visitor.log_out()
    assert not visitor.logged_in, "the visitor is still logged in"


def test_flask_logins_own_test_client_logs_in(
    step: Step, make_app: Callable[..., Flask]
) -> None:
    """`app.test_client(user=...)` is how Flask-Login's documentation tests pages."""
    app = make_app(TRUSTED_HOSTS=[], SESSION_COOKIE_SECURE=False)
    app.test_client_class = FlaskLoginClient
    Visitor(app, scheme="http").sign_up()
    user = step.module.models.User
    with app.app_context():
        client = app.test_client(user=user.find("ada@example.com"))

    page = client.get("/dashboard")

    assert "Ada Lovelace" in page.text


def test_deleting_an_account_deletes_its_sessions(member: Visitor, sql: Sql) -> None:
    """SQLite enforces foreign keys only if it is told to."""
    member.log_in()

    sql("DELETE FROM users")

    assert sql("SELECT id FROM user_sessions") == []


def test_noting_a_visit_commits_nothing_of_the_views(
    step: Step, make_app: Callable[..., Flask], database_uri: str, tmp_path: Path
) -> None:
    """A view adds a row, looks at current_user and then fails: the row must not be
    stored.
    """
    uri = (
        f"sqlite:///{tmp_path}/file.db"
        if database_uri.startswith("sqlite")
        else database_uri
    )
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    models = step.module.models

    def fails_half_way() -> str:
        user = step.new_user(
            email="half@example.com", password_hash="pbkdf2:sha256:1$salt$00"
        )
        models.db.session.add(user)
        models.db.session.flush()
        assert current_user.is_authenticated
        raise RuntimeError("after the flush")

    app.add_url_rule("/fails", "fails", fails_half_way)
    member = Visitor(app)
    member.sign_up()
    member.log_in()
    query(app, "UPDATE user_sessions SET last_seen = :then", then=ago(minutes=5))
    before = query(app, "SELECT last_seen FROM user_sessions")[0].last_seen

    answer = member.get("/fails", expect_errors=True)

    assert answer.status_code == 500
    assert len(query(app, "SELECT id FROM users")) == 1
    assert query(app, "SELECT last_seen FROM user_sessions")[0].last_seen != before, (
        "the visit is noted all the same"
    )


@pytest.mark.asvs("16.5.2")
def test_a_visit_that_cannot_be_noted_costs_nobody_the_page(
    app: Flask, member: Visitor, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    """The page was ready. A disk that is full should be seen by the operator alone."""
    member.log_in()
    sql("UPDATE user_sessions SET last_seen = :then", then=ago(minutes=5))
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine

    def refuse(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE user_sessions"):
            raise OperationalError(statement, {}, Exception("the disk is full"))

    event.listen(engine, "before_cursor_execute", refuse)
    answer = member.get("/dashboard", expect_errors=True)
    event.remove(engine, "before_cursor_execute", refuse)

    assert answer.status_code == 200
    levels = {record.levelname for record in caplog.records}
    assert "WARNING" in levels, "the log holds no warning"


def test_a_log_out_works_from_a_page_that_was_open_before(member: Visitor) -> None:
    """A token of an older session is no reason to stay logged in: the browser says that
    the page is ours.
    """
    member.log_in()
    old_page = member.get("/dashboard")
    member.log_out()
    member.log_in()
    button = next(
        form for form in old_page.forms.values() if form.action.endswith("/logout")
    )

    answer = button.submit(headers=OUR_ORIGIN, expect_errors=True)

    assert answer.status_code == 302
    assert not member.logged_in, "the member is logged in"


def test_two_log_in_tabs_both_work(app: Flask, member: Visitor) -> None:
    """The second tab holds the token of a session that the first has replaced.

    Both were opened by the member.
    """
    tabs = [member.get("/login") for _tab in range(2)]
    member.reset()  # each of the two answers had set a cookie of its own

    answers = [member.submit(tab, CREDENTIALS, headers=OUR_ORIGIN) for tab in tabs]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("7.4.4")
def test_a_page_view_sets_no_cookie(member: Visitor, sql: Sql) -> None:
    """Two tabs that each write the cookie would overwrite what the other has put
    there."""
    member.log_in()
    sql("UPDATE user_sessions SET created = :then", then=ago(minutes=16))
    member.get("/dashboard")

    again = member.get("/dashboard")

    assert "Set-Cookie" not in again.headers
