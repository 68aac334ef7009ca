"""Suite 03: which passwords a new account may have."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from webtest.response import TestResponse

from tests.support.checks import assert_marked, assert_refused, marked_fields
from tests.support.harness import PASSWORD, Visitor

SignUp = Callable[..., TestResponse]


@pytest.mark.asvs("6.2.1", "6.2.9")
def test_a_password_has_15_to_128_characters(sign_up: SignUp) -> None:
    """Fifteen is NIST's minimum where the password is all there is; without a maximum,
    hashing novels ties us up.
    """
    long = "gravel otter mirror pancake violin " * 4

    assert "password" in marked_fields(sign_up(password="plum trombones"))
    assert "password" in marked_fields(sign_up(password=long[:129]))
    assert_marked(sign_up(password="plum trombone s"), set())
    assert_marked(sign_up(password=long[:128]), set())


def test_a_long_password_that_is_easy_to_guess_is_refused(sign_up: SignUp) -> None:
    """Length is not strength: these are among the first that a guesser tries."""
    for password in (
        "aaaaaaaaaaaaaaa",
        "passwordpassword",
        "123456789012345",
        "qwertyuiopasdfgh",
        "password password",
        " " * 20,
    ):
        assert_marked(sign_up(password=password), {"password"})


@pytest.mark.asvs("6.2.4", "6.2.12")
def test_a_favourite_phrase_is_refused(sign_up: SignUp) -> None:
    """Bands and films are long, and first on the lists of leaked passwords.

    Nothing in their letters shows that.
    """
    for password in (
        "mychemicalromance",
        "MyChemicalRomance",
        "MYCHEMICALROMANCE",
        "bestfriendsforever",
        "californication",
        "30secondstomars",
        "correct horse battery staple",
        "correcthorsebatterystaple",
        "correct-horse-battery-staple",
        "Correct_Horse.Battery Staple1",
        "ｃorrecthorsebatterystaple",
        "my chemical romance",
        "Best Friends Forever",
    ):
        assert_marked(sign_up(password=password), {"password"})


def test_no_password_keeps_the_server_busy_for_seconds(sign_up: SignUp) -> None:
    """zxcvbn tries every way to read @ as a and 4 as a: of 72 such characters it makes
    six seconds of work.
    """
    judged = []

    def note(password: str, dictionaries: Any) -> list[Any]:
        judged.append(len(password))
        return []

    with patch("zxcvbn.matching.omnimatch", note):
        sign_up(password="4@8({[<369&#!1|0$5+7%2" * 5)

    assert judged, (
        "zxcvbn was not asked: this test cannot see how much of the password is judged"
    )
    assert all(length <= 40 for length in judged), judged


@pytest.mark.asvs("6.2.11")
def test_a_password_made_of_what_everybody_knows_about_you_is_refused(
    visitor: Visitor, sign_up: SignUp
) -> None:
    """A guesser starts with the name, the address and the site.

    Lists of common passwords do not have those.
    """
    known = {"name": "Ada Lovelace", "email": "countess.of.wessex@example.com"}
    for password in (
        "adalovelace1815!!",
        "L0vel@ceCountes5",
        "countessofwessex1",
        name_of_the_site(visitor) * 2,
    ):
        assert_marked(sign_up(password=password, **known), {"password"})


def name_of_the_site(visitor: Visitor) -> str:
    """Its letters and numbers, as it is called at the end of every page's title."""
    title = visitor.get("/login").html.title.get_text()
    return "".join(re.findall(r"[^\W_]", title.rpartition("·")[2].lower()))


@pytest.mark.asvs("6.2.5")
def test_a_password_may_hold_any_character(sign_up: SignUp) -> None:
    """Every forbidden character makes guessing easier, and breaks somebody's password
    manager.
    """
    for password in (
        "plum\0trombone\x1bsidewalk",
        "  plum trombone sidewalk  ",
        "Pflaume Posaune Bürger 🎺",
        "مظلة قطار برتقال نهر",
    ):
        assert_marked(sign_up(password=password), set())


@pytest.mark.asvs("2.2.3")
def test_both_passwords_must_agree_to_the_last_blank(sign_up: SignUp) -> None:
    """Nobody can see what they type there.

    A slip would lock the owner out of the account on the first day.
    """
    for slip in ("", f"{PASSWORD} ", PASSWORD.upper()):
        assert_marked(sign_up(password=PASSWORD, confirm=slip), {"confirm"})


def test_the_command_refuses_a_password_that_is_easy_to_guess(
    app: Flask, sql: Callable[..., list[Any]]
) -> None:
    """The rules hold at every door.

    Accounts made by an administrator are those with the most rights.
    """
    result = app.test_cli_runner().invoke(
        args=["add-user", "ada@example.com"], input="passwordpassword\n" * 2
    )

    assert_refused(result)
    assert sql("SELECT id FROM users") == []


@pytest.mark.steps(
    3, 4
)  # from step 05 on the form logs in, and a wrong password is refused
def test_logging_in_asks_no_new_rules_of_an_old_password(visitor: Visitor) -> None:
    """A member from before the rules has to get in first, to choose a better one."""
    answer = visitor.submit("/login", {"email": "ada@example.com", "password": "short"})

    assert answer.status_code == 200
    assert_marked(answer, set())
