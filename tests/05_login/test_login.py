"""Suite 05: logging in and out."""

import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask

from tests.support.checks import assert_logged
from tests.support.harness import PASSWORD, Step, Visitor, main_form, visible_text

Sql = Callable[..., list[Any]]


def test_a_member_logs_in_with_address_and_password(member: Visitor) -> None:
    """The point of it all."""
    answer = member.log_in()

    assert answer.status_code == 302
    assert answer.location.endswith("/dashboard")
    assert "Ada Lovelace" in visible_text(answer.follow())
    assert member.logged_in, "the member is not logged in"


def test_the_address_may_be_typed_in_any_case_and_spelling(member: Visitor) -> None:
    """Phones capitalise the first letter. The mailbox is the same one."""
    member.log_in(" ADA@Example.COM ")

    assert member.logged_in, "the member is not logged in"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.com", PASSWORD + "!"),
        ("ada@example.com", PASSWORD.upper()),
        ("eve@example.com", PASSWORD),
    ],
)
def test_a_wrong_address_or_password_does_not_log_in(
    member: Visitor, email: str, password: str
) -> None:
    """Anything but the exact password of that very account keeps the door shut."""
    answer = member.log_in(email, password)

    assert answer.status_code == 422
    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("6.2.8")
def test_the_password_is_compared_exactly_as_typed(app: Flask) -> None:
    """A password trimmed or cut short is a weaker one than its owner chose."""
    visitor = Visitor(app)
    visitor.sign_up(password=f"  {PASSWORD} ü ")

    visitor.log_in(password=f"{PASSWORD} ü")
    trimmed = visitor.logged_in
    visitor.log_in(password=f"  {PASSWORD} ü ")

    assert not trimmed, "the password opens the account without its blanks"
    assert visitor.logged_in, "the visitor is not logged in"


def test_unknown_address_and_wrong_password_get_the_same_answer(
    member: Visitor,
) -> None:
    """User enumeration: an answer that differs tells a stranger who has an account
    here.
    """
    known = member.log_in("ada@example.com", "not her password")
    unknown = member.log_in("eve@example.com", "not her password")

    assert known.status_code == unknown.status_code
    assert visible_text(known) == visible_text(unknown)
    spelt_out = re.search(r"(\b\w ){5}", visible_text(known))
    assert spelt_out is None, (
        "the page shows T h e  a d d r e s s: form_errors is a list, and not a text"
    )


def test_an_unknown_address_costs_as_many_hashes_as_a_wrong_password(
    member: Visitor,
) -> None:
    """Else a timing attack tells who has an account: a fifth of a second for a member,
    a few ms for a stranger.
    """
    known = count_hashes(member, "ada@example.com", "not her password")
    unknown = count_hashes(member, "eve@example.com", "not her password")

    assert known == 1
    assert unknown == 1


def count_hashes(visitor: Visitor, email: str, password: str) -> int:
    """How many hashes a log-in computes, by the cheap method of the suites."""
    with patch("hashlib.pbkdf2_hmac", wraps=hashlib.pbkdf2_hmac) as hashed:
        visitor.log_in(email, password)
    return hashed.call_count


def test_an_old_hash_tells_nothing_about_an_address(member: Visitor, sql: Sql) -> None:
    """The tutorial's rows are quick to check, and a password typed in two ways is
    hashed twice. Neither may show (timing attack).
    """
    sql("UPDATE users SET password_hash = :hash", hash="sha256$x7Qm2$" + 64 * "0")
    for password in ("not her password", "not her passwo\u0301rd"):
        known = count_hashes(member, "ada@example.com", password)
        unknown = count_hashes(member, "eve@example.com", password)
        assert known == unknown, password


def test_a_password_hashed_as_it_was_typed_opens_from_every_keyboard_afterwards(
    step: Step, member: Visitor, sql: Sql
) -> None:
    """An account made on a Mac before passwords were normalised: after one log-in
    there, Windows gets in, too.
    """
    from werkzeug.security import generate_password_hash

    composed = f"{PASSWORD} caf\u00e9"
    decomposed = f"{PASSWORD} cafe\u0301"
    sql(
        "UPDATE users SET password_hash = :hash",
        hash=generate_password_hash(decomposed, "pbkdf2:sha256:1"),
    )

    member.log_in(password=decomposed)
    on_the_mac = member.logged_in
    member.log_out()
    member.log_in(password=composed)

    assert on_the_mac
    assert member.logged_in, "the member is not logged in"


def test_a_failed_try_keeps_the_address_and_forgets_the_password(
    member: Visitor,
) -> None:
    """Nobody should type the address again.

    The password must not travel back in the page.
    """
    answer = member.log_in("ada@example.com", "not her password")

    form = main_form(answer)
    assert form["email"].value == "ada@example.com"
    assert not form["password"].value
    assert "not her password" not in answer.text


def test_a_log_in_is_noted_with_its_time(member: Visitor, sql: Sql) -> None:
    """`last_login` that nothing sets stays NULL for ever."""
    before = sql("SELECT last_login FROM users")[0].last_login

    member.log_in()

    assert before is None
    assert sql("SELECT last_login FROM users")[0].last_login is not None


@pytest.mark.asvs("16.2.1", "16.2.5", "16.3.1")
def test_log_ins_and_refusals_are_logged_without_the_password(
    member: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """The operator must be able to see an attack, and from which machine (an IPv6
    network has 2^64 of them); a reader of the log must not get in with it.
    """
    member.log_in(password="not her password")
    member.extra_environ["REMOTE_ADDR"] = "2001:db8::7"
    member.log_in(password="not her password")
    member.log_in()

    lines = [record.getMessage() for record in caplog.records]
    assert_logged(lines, "refused", "192.0.2.1")
    assert_logged(lines, "refused", "2001:db8::7")
    assert not any("ada@example.com" in line for line in lines), (
        "a log is read by many, and kept for long"
    )
    assert_logged(lines, "logged in")
    assert [
        line for line in lines if PASSWORD in line or "not her password" in line
    ] == []


@pytest.mark.asvs("11.2.2")
def test_a_weak_hash_is_replaced_when_its_owner_logs_in(
    member: Visitor, sql: Sql
) -> None:
    """Only at a log-in is the password there.

    Who stays away keeps a weak row: notebook 02 shows what helps.
    """
    old = "sha256$x7Qm2$" + hmac.digest(b"x7Qm2", PASSWORD.encode(), "sha256").hex()
    sql("UPDATE users SET password_hash = :hash", hash=old)

    member.log_in()
    logged_in = member.logged_in
    new = sql("SELECT password_hash FROM users")[0].password_hash
    member.log_out()
    member.log_in()

    assert logged_in, "the member cannot log in with the old hash"
    assert new.startswith("pbkdf2:sha256:1$")
    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("7.2.4")
def test_login_clears_the_old_session(app: Flask, member: Visitor) -> None:
    """Session fixation: what an earlier visitor left, or an attacker planted, must not
    follow a member in.
    """
    serializer = app.session_interface.get_signing_serializer(app)
    name = app.config["SESSION_COOKIE_NAME"]
    member.set_cookie(name, serializer.dumps({"planted": "by an earlier visitor"}))

    member.log_in()

    assert "planted" not in serializer.loads(member.cookies[name])


@pytest.mark.asvs("7.2.2", "7.2.3", "7.2.4", "11.5.1")
def test_each_log_in_gets_a_token_of_its_own(member: Visitor) -> None:
    """Session fixation: a token known from before the log-in would be shared with the
    attacker who planted it.
    """
    member.log_in()
    first = member.session["_user_id"]
    member.log_out()
    member.log_in()
    second = member.session["_user_id"]

    assert first != second
    assert len(first) == len(second) == 64, (
        "256 bits in hexadecimal: no guessing, and as long as the column"
    )


def test_a_member_who_is_in_is_sent_on_from_both_forms(member: Visitor) -> None:
    """A second account, or a switch of accounts, by accident is how one ends up writing
    as somebody else.
    """
    member.log_in()

    for page in ("/signup", "/login"):
        answer = member.get(page)
        assert answer.status_code == 302, page
        assert answer.location.endswith("/dashboard"), page


def test_a_member_who_is_in_cannot_sign_up_a_second_account(
    app: Flask, member: Visitor, sql: Sql
) -> None:
    """The page may be open from before the log-in; sending it must not switch
    accounts."""
    other_tab = member.get("/signup")
    member.log_in()
    fields = {
        "name": "B",
        "email": "b@example.com",
        "password": PASSWORD,
        "confirm": PASSWORD,
        "csrf_token": member.csrf_token("/dashboard"),
    }

    member.submit(other_tab, fields)

    assert [row.email for row in sql("SELECT email FROM users")] == ["ada@example.com"]


def test_a_deactivated_account_is_told_so_and_stays_out(
    member: Visitor, sql: Sql
) -> None:
    """Sending them back to an empty form without a word makes them try again for
    ever."""
    sql("UPDATE users SET is_active = :no", no=False)

    answer = member.log_in()

    assert answer.status_code == 422
    assert "deactivated" in visible_text(answer)
    assert not member.logged_in, "the member is logged in"


def test_only_the_right_password_learns_that_an_account_is_deactivated(
    member: Visitor, sql: Sql
) -> None:
    """Told to anybody, it would say who has an account here (user enumeration)."""
    sql("UPDATE users SET is_active = :no", no=False)

    wrong = member.log_in(password="not her password")
    right = member.log_in()

    assert "deactivated" not in visible_text(wrong)
    assert "deactivated" in visible_text(right), (
        "after the right password nothing says that the account is deactivated"
    )


@pytest.mark.asvs("7.4.1")
def test_logging_out_logs_out(member: Visitor) -> None:
    """And says so, on a page that is open to everybody."""
    member.log_in()

    answer = member.log_out()

    assert answer.status_code == 302
    assert not member.logged_in, "the member is logged in"


def test_who_logs_out_is_told_so(member: Visitor) -> None:
    """On a shared computer one wants to be sure before one leaves."""
    member.log_in()

    page = member.log_out().follow()

    # A start page of one's own may show no messages; then the next page does.
    login_page = visible_text(member.get("/login"))
    page_again = visible_text(member.get(page.request.path))
    login_page_again = visible_text(member.get("/login"))
    assert (visible_text(page), login_page) != (page_again, login_page_again), (
        "after the log-out the pages say what they always say"
    )


def test_logging_out_twice_does_no_harm(member: Visitor) -> None:
    """A second tab, an old page: the visitor is out either way."""
    member.log_in()
    token = member.csrf_token("/dashboard")
    member.log_out()

    again = member.post("/logout", {"csrf_token": token}, expect_errors=True)

    assert again.status_code < 500
    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("3.5.3")
def test_a_link_or_an_image_cannot_log_anybody_out(member: Visitor) -> None:
    """With a GET, a link signs out the member who clicks it; an image on a sister
    domain needs no click.
    """
    member.log_in()

    answer = member.get("/logout", expect_errors=True)

    assert answer.status_code == 405
    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("3.5.1")
def test_another_site_cannot_log_anybody_out(member: Visitor) -> None:
    """A form on a sister domain comes with the cookies, but without our token."""
    member.log_in()

    answer = member.post("/logout", {}, expect_errors=True)

    assert answer.status_code == 400
    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("16.5.3")
def test_a_password_changed_during_a_log_in_keeps_the_old_one_out(
    step: Step, member: Visitor, sql: Sql
) -> None:
    """A race condition: the password changes while the old one is checked. The old one
    must not get in after all.
    """
    models = step.module.models
    real = models.User.check_password

    def meanwhile(user: Any, password: str) -> bool:
        right = real(user, password)
        sql("UPDATE users SET password_hash = 'pbkdf2:sha256:1$salt$0000'")
        return right

    with patch.object(models.User, "check_password", meanwhile):
        member.log_in()

    assert not member.logged_in, "the member is logged in"


@pytest.mark.asvs("1.2.4")
@pytest.mark.parametrize(
    "text",
    ["' OR '1'='1", "ada@example.com' --", "'; DROP TABLE users; --", '" OR ""="'],
)
def test_sql_that_is_typed_stays_text(
    app: Flask, member: Visitor, sql: Sql, text: str
) -> None:
    """SQL injection: pasted into the query, it would be part of it. Everybody is let
    in, or the table is gone.
    """
    member.log_in(email=text, password=text)
    member.log_in(password=text)
    newcomer = Visitor(app)
    newcomer.sign_up("bob@example.com", name=text)

    assert not member.logged_in, "the member is logged in"
    assert [row.name for row in sql("SELECT name FROM users ORDER BY id")] == [
        "Ada Lovelace",
        text,
    ]


@pytest.mark.asvs("6.2.10")
def test_an_old_password_is_as_good_as_a_new_one(member: Visitor, sql: Sql) -> None:
    """Made to choose anew every few months, people count upwards.

    It is a known password that has to go.
    """
    sql(
        "UPDATE users SET created = '2001-01-01 00:00:00', last_login = '2001-01-02 00:00:00'"
    )

    answer = member.log_in()

    assert answer.location.endswith("/dashboard")
    assert answer.follow().status_code == 200


@pytest.mark.asvs("14.2.1")
def test_no_secret_travels_in_an_address(member: Visitor, sql: Sql) -> None:
    """Addresses end up in histories, logs and Referer headers.

    Passwords and tokens go in the body and the cookie.
    """
    pages = [member.get(path) for path in ("/login", "/signup")]
    answer = member.log_in(remember=True)
    token = sql("SELECT token FROM user_sessions")[0].token

    for page in pages:
        assert {
            form.method.upper()
            for form in page.forms.values()
            if "password" in form.fields
        } == {"POST"}
    assert token not in answer.location
    assert PASSWORD not in answer.location
    typed = Visitor(member.app).get(
        "/login", {"email": "ada@example.com", "password": PASSWORD}
    )
    assert main_form(typed)["email"].value == "", (
        "the form takes what stands in the address"
    )
