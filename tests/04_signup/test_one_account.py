"""Suite 04: one mailbox, one account, even for those who come at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from webtest.response import TestResponse

from tests.support.checks import assert_marked
from tests.support.harness import (
    NEW_PASSWORD,
    PASSWORD,
    Step,
    Visitor,
    main_form,
    query,
)

Sql = Callable[..., list[Any]]


def test_an_address_can_have_only_one_account(visitor: Visitor, sql: Sql) -> None:
    """The second one to come is told so, at the field, and not by a crash."""
    visitor.sign_up("ada@example.com")

    answer = visitor.sign_up("ada@example.com", NEW_PASSWORD)

    assert answer.status_code == 422
    assert_marked(answer, {"email"})
    assert len(sql("SELECT id FROM users")) == 1


def test_another_spelling_of_the_address_makes_no_second_account(
    visitor: Visitor, sql: Sql
) -> None:
    """All of these reach one person.

    With two accounts, half of the log-ins meet the wrong one.
    """
    visitor.sign_up("ada@bücher.example")

    for same in (
        "Ada@Bücher.EXAMPLE",
        "ADA@BÜCHER.example",
        "ada@bu\u0308cher.example",
        " ada@xn--bcher-kva.example\t",
    ):
        answer = visitor.sign_up(same, NEW_PASSWORD)

        assert_marked(answer, {"email"})
    assert [row["email"] for row in sql("SELECT email FROM users")] == [
        "ada@bücher.example"
    ]


def test_addresses_that_only_look_alike_are_different_people(
    visitor: Visitor, sql: Sql
) -> None:
    """MySQL, left alone, takes ü for u: the owner of one domain could not join because
    the other's has.
    """
    for email in (
        "ada@bücher.example",
        "ada@bucher.example",
        "ada@straße.example",
        "ada@strasse.example",
    ):
        visitor.sign_up(email)

    assert len(sql("SELECT id FROM users")) == 4


def test_a_sign_up_for_a_taken_address_keeps_what_was_typed(visitor: Visitor) -> None:
    """It is usually a member who has forgotten.

    The rest need not be typed again, the password must not come back.
    """
    visitor.sign_up("ada@example.com")

    answer = visitor.sign_up(
        "ada@example.com",
        NEW_PASSWORD,
        name="A. Lovelace",
        website="https://ada.example",
    )

    form = main_form(answer)
    assert [form[name].value for name in ("name", "email", "website")] == [
        "A. Lovelace",
        "ada@example.com",
        "https://ada.example",
    ]
    assert NEW_PASSWORD not in answer.text


def test_eight_sign_ups_at_once_make_one_account(
    step: Step, make_app: Callable[..., Flask], database_uri: str, tmp_path: Path
) -> None:
    """A race condition: all eight look, no account is there, all insert, and seven get
    a crash.
    """
    uri = (
        f"sqlite:///{tmp_path}/race.db"
        if database_uri.startswith("sqlite")
        else database_uri
    )
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    visitors = [Visitor(app, ip=f"192.0.2.{number}") for number in range(1, 9)]
    pages = [visitor.get("/signup") for visitor in visitors]
    everybody = threading.Barrier(len(visitors), timeout=10)
    waited = threading.local()

    def send(number: int) -> TestResponse:
        password = f"{PASSWORD} {number}"
        fields = {
            "name": "Ada",
            "email": "ada@example.com",
            "password": password,
            "confirm": password,
        }
        return visitors[number].submit(pages[number], fields)

    def wait_for_the_others(*_: object) -> None:
        """Let nobody insert before everybody is about to: all the looking is over by
        then.
        """
        if not hasattr(waited, "once"):
            waited.once = True
            everybody.wait()

    session = step.module.models.db.session
    event.listen(session, "before_flush", wait_for_the_others)
    try:
        with ThreadPoolExecutor(len(visitors)) as pool:
            answers = list(pool.map(send, range(len(visitors))))
    finally:
        event.remove(session, "before_flush", wait_for_the_others)

    assert sorted(answer.status_code for answer in answers) == [302] + [422] * 7
    assert len(query(app, "SELECT id FROM users")) == 1


def test_a_second_click_on_the_button_is_no_second_sign_up(
    visitor: Visitor, sql: Sql
) -> None:
    """Two clicks send the form twice.

    "There is an account already" would be a riddle to its new owner.
    """
    page = visitor.get("/signup")
    fields = {
        "name": "Ada",
        "email": "ada@example.com",
        "password": PASSWORD,
        "confirm": PASSWORD,
    }

    answers = [visitor.submit(page, fields) for _click in range(2)]
    other_name = visitor.submit(page, {**fields, "name": "Grace"})

    assert [answer.status_code for answer in answers] == [302, 302]
    assert other_name.status_code == 422, "the name is another: this is no second click"
    assert len(sql("SELECT id FROM users")) == 1


def test_an_old_account_does_not_tell_whether_a_password_is_right(
    visitor: Visitor, sql: Sql
) -> None:
    """Else a right password would be welcomed here, and the form would be a brute-force
    way around the rate limits.
    """
    visitor.sign_up()
    two_minutes_ago = datetime.now(UTC) - timedelta(minutes=2)

    for made in ("2001-01-01 00:00:00", f"{two_minutes_ago:%Y-%m-%d %H:%M:%S}"):
        sql(f"UPDATE users SET created = '{made}'")
        answer = visitor.sign_up()

        assert_marked(answer, {"email"})


def test_another_unique_column_is_not_called_a_taken_address(
    step: Step, app: Flask, visitor: Visitor, sql: Sql, caplog: pytest.LogCaptureFixture
) -> None:
    """Every IntegrityError answered with "address taken" hides mistakes: here a second
    unique column.
    """
    sql("CREATE UNIQUE INDEX one_name ON users (name)")
    visitor.sign_up()

    answer = visitor.sign_up("grace@example.com")

    sql(drop_index(app))
    assert answer.status_code == 500
    assert any(record.exc_info for record in caplog.records), "no traceback in the log"


def drop_index(app: Flask) -> str:
    """MySQL wants to be told the table, the others must not be."""
    with app.app_context():
        is_mysql = app.extensions["sqlalchemy"].engine.dialect.name == "mysql"
    return "DROP INDEX one_name ON users" if is_mysql else "DROP INDEX one_name"
