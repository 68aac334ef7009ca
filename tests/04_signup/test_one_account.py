"""Suite 04: one mailbox, one account, even for those who come at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from checks import faults
from flask import Flask
from harness import PASSWORD, Step, Visitor, main_form, query
from sqlalchemy import event

Sql = Callable[..., list[Any]]


def test_an_address_can_have_only_one_account(visitor: Visitor, sql: Sql) -> None:
    """The second one to come is told so, at the field, and not by a crash."""
    visitor.sign_up("ada@example.com")

    answer = visitor.sign_up("ada@example.com")

    assert answer.status_code == 422
    assert faults(answer) == {"email"}
    assert len(sql("SELECT id FROM users")) == 1


def test_another_spelling_of_the_address_makes_no_second_account(visitor: Visitor, sql: Sql) -> None:
    """All of these reach one person. With two accounts, half of the log-ins meet the wrong one."""
    visitor.sign_up("andré@example.com")

    for same in ("André@Example.COM", "ANDRÉ@EXAMPLE.com", "andre\u0301@example.com", " andré@example.com\t"):
        answer = visitor.sign_up(same)

        assert faults(answer) == {"email"}
    assert [row["email"] for row in sql("SELECT email FROM users")] == ["andré@example.com"]


def test_addresses_that_only_look_alike_are_different_people(visitor: Visitor, sql: Sql) -> None:
    """MySQL, left alone, takes é for e: André could not join because Andre has, or would get into his account."""
    for email in ("andré@example.com", "andre@example.com"):
        visitor.sign_up(email)

    assert len(sql("SELECT id FROM users")) == 2


def test_a_sign_up_for_a_taken_address_keeps_what_was_typed(visitor: Visitor) -> None:
    """It is usually a member who has forgotten. The rest need not be typed again, the password must not come back."""
    visitor.sign_up("ada@example.com")

    answer = visitor.sign_up("ada@example.com", name="A. Lovelace", website="https://ada.example")

    form = main_form(answer)
    assert [form[name].value for name in ("name", "email", "website")] == [
        "A. Lovelace",
        "ada@example.com",
        "https://ada.example",
    ]
    assert PASSWORD not in answer.text


def test_eight_sign_ups_at_once_make_one_account(
    step: Step, make_app: Callable[..., Flask], database_uri: str, tmp_path: Path
) -> None:
    """To look first and insert then leaves a gap: all eight look, none is there, and seven get a crash."""
    uri = f"sqlite:///{tmp_path}/race.db" if database_uri.startswith("sqlite") else database_uri
    app = make_app(SQLALCHEMY_DATABASE_URI=uri)
    visitors = [Visitor(app, ip=f"192.0.2.{number}") for number in range(1, 9)]
    pages = [visitor.get("/signup") for visitor in visitors]
    fields = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "confirm": PASSWORD}
    everybody, waited = threading.Barrier(len(visitors), timeout=10), threading.local()

    def wait_for_the_others(*_: object) -> None:
        """Let nobody insert before everybody is about to: all the looking is over by then."""
        if not hasattr(waited, "once"):
            waited.once = True
            everybody.wait()

    session = step.module.models.db.session
    event.listen(session, "before_flush", wait_for_the_others)
    try:
        with ThreadPoolExecutor(len(visitors)) as pool:
            answers = list(pool.map(lambda visitor, page: visitor.submit(page, fields), visitors, pages))
    finally:
        event.remove(session, "before_flush", wait_for_the_others)

    assert sorted(answer.status_code for answer in answers) == [302] + [422] * 7
    assert len(query(app, "SELECT id FROM users")) == 1
