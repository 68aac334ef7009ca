"""Suite 04: signing up stores an account, whole and safely."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.checks import assert_error_page, assert_logged, assert_marked
from tests.support.harness import PASSWORD, Step, Visitor, main_form, visible_text
from tests.support.visitor import fill_in_what_else_is_required

Sql = Callable[..., list[Any]]
MARKUP = """<script>alert("1")</script>'&amp;"""


def test_signing_up_stores_what_was_typed(visitor: Visitor, sql: Sql) -> None:
    """Without the blanks that slip in at the ends of everything that is pasted."""
    visitor.sign_up(
        " ada@example.com ", name=" 𝒜da Lovelace ", website=" https://ada.example/?a=b "
    )

    (row,) = sql("SELECT name, email, website, last_login FROM users")
    assert dict(row) == {
        "name": "𝒜da Lovelace",
        "email": "ada@example.com",
        "website": "https://ada.example/?a=b",
        "last_login": None,
    }


def test_the_longest_values_are_stored_whole(visitor: Visitor, sql: Sql) -> None:
    """A column that is shorter than the form allows is a 500 on PostgreSQL, and on
    SQLite a surprise for later.
    """
    email = "a" * 64 + "@" + ".".join(["d" * 61] * 3) + ".com"

    answer = visitor.sign_up(
        email, name="李" * 100, website="https://ada.example/".ljust(255, "w")
    )

    assert answer.status_code == 302
    (row,) = sql("SELECT name, email, website FROM users")
    assert (row["name"], row["email"], len(row["website"])) == ("李" * 100, email, 255)


def test_no_website_is_stored_as_nothing(visitor: Visitor, sql: Sql) -> None:
    """An empty text is a value: pages that ask "is there a website?" would show a link
    to nowhere.
    """
    visitor.sign_up(website=" ")

    assert sql("SELECT website FROM users")[0]["website"] is None


@pytest.mark.asvs("14.2.4")
def test_the_password_is_stored_nowhere(visitor: Visitor, sql: Sql) -> None:
    """Tables get stolen, copied to test servers and left in backups.

    The password must not be in there.
    """
    visitor.sign_up()

    rows = sql("SELECT * FROM users")
    stored = str(rows)
    assert len(rows) == 1, "nothing was stored"
    assert PASSWORD not in stored
    assert PASSWORD.encode().hex() not in stored


@pytest.mark.asvs("6.2.8")
def test_the_password_counts_exactly_as_it_was_typed(
    step: Step, app: Flask, visitor: Visitor
) -> None:
    """Blanks cut off, or letters changed, on one page and not on the next lock the
    owner out.
    """
    typed = "  Plum\0trombone\x1b 🎺 e\u0301 sidewalk "
    models = step.module.models

    answer = visitor.sign_up(password=typed)

    assert answer.status_code == 302
    with app.app_context():
        user = models.db.session.scalar(models.db.select(models.User))
        assert user.check_password(typed)
        assert not user.check_password(typed.strip()), (
            "the password opens the account without its blanks"
        )
        assert user.check_password(typed.replace("e\u0301", "é")), (
            "a keyboard that sends é as one character does not open the account: "
            "is the hash made by `set_password`?"
        )


def test_after_signing_up_the_log_in_page_welcomes_you(visitor: Visitor) -> None:
    """A redirect, so that loading the page again does not sign up again, and a word
    that it has worked.
    """
    answer = visitor.sign_up(name="Ada Lovelace")

    assert answer.status_code == 302
    page = answer.follow()
    assert page.request.path == "/login"
    assert "Ada Lovelace" in visible_text(page)


@pytest.mark.asvs("16.2.1", "16.2.5")
def test_a_sign_up_is_logged_by_the_number_of_the_account(
    visitor: Visitor, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    """A flood of new accounts should be seen; a log, which many people read, names
    nobody.
    """
    visitor.sign_up(name="Ada Lovelace", email="ada@example.com")

    number = sql("SELECT id FROM users")[0].id
    lines = [record.getMessage() for record in caplog.records]
    assert_logged(lines, f"Account {number}")
    personal = ("Lovelace", "ada@example.com", PASSWORD)
    assert [line for line in lines if any(word in line for word in personal)] == []


@pytest.mark.asvs("1.2.1", "3.2.2")
def test_markup_in_a_name_is_shown_and_not_run(visitor: Visitor) -> None:
    """Cross-site scripting (XSS): a member named <script> is no program. Templates not
    named .html run it.
    """
    page = visitor.sign_up(name=MARKUP).follow()

    assert MARKUP in visible_text(page)
    assert page.html.find("script") is None


@pytest.mark.asvs("1.2.1", "3.2.2")
def test_markup_in_a_field_is_kept_and_not_run(visitor: Visitor) -> None:
    """Cross-site scripting (XSS): what was typed comes back in the page. A quote must
    not end the field and begin a script.
    """
    page = visitor.sign_up(email=f'"><b>{MARKUP}', name=f'"><b>{MARKUP}')

    assert main_form(page)["name"].value == f'"><b>{MARKUP}'
    assert page.html.find(["script", "b"]) is None


def test_what_is_checked_is_what_is_stored(visitor: Visitor, sql: Sql) -> None:
    """A field sent twice: if one copy is checked and the other stored, no check is
    worth anything.
    """
    form = main_form(visitor.get("/signup"))
    fill_in_what_else_is_required(form)
    form["name"] = "Ada"
    form["password"] = form["confirm"] = PASSWORD
    once = [field for field in form.submit_fields() if field[0] != "email"]

    for emails in (
        ("ada@example.com", "no address"),
        ("no address", "ada@example.com"),
    ):
        visitor.post(
            "/signup",
            [*once, *[("email", email) for email in emails]],
            expect_errors=True,
        )

    assert [row["email"] for row in sql("SELECT email FROM users")] == [
        "ada@example.com"
    ]


def test_a_sign_up_while_the_database_is_away_can_be_sent_again(
    visitor: Visitor, sql: Sql
) -> None:
    """Nothing may be stored by half, and the form in the visitor's browser must still
    work a minute later.
    """
    page = visitor.get("/signup")
    fields = {
        "name": "Ada",
        "email": "ada@example.com",
        "password": PASSWORD,
        "confirm": PASSWORD,
    }

    sql("ALTER TABLE users RENAME TO away")
    during = visitor.submit(page, fields)
    sql("ALTER TABLE away RENAME TO users")
    after = visitor.submit(page, fields)

    assert_error_page(during, 503)
    assert after.status_code == 302
    assert_marked(after, set())
