"""Suite 02: passwords are hashed, slowly and with salt, and nothing turns a hash
back."""

import hmac
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.security import generate_password_hash

from tests.support.harness import CONFIG, PASSWORD, Step


@pytest.fixture
def new_user(step: Step, app: Flask) -> Iterator[Callable[..., Any]]:
    """Make a user that is not stored: `new_user(password)`."""

    def make(password: str) -> Any:
        user = step.new_user()
        user.set_password(password)
        return user

    with app.app_context():
        yield make


@pytest.mark.slow  # for once a hash that costs what it should
@pytest.mark.asvs("11.4.2")
def test_a_hash_costs_what_owasp_asks_for(step: Step) -> None:
    """A thief of the table tries billions of guesses (offline brute force). Each must
    cost: Werkzeug's own default is too cheap.
    """
    app = step.create_plain_app(
        {
            name: value
            for name, value in CONFIG.items()
            if name != "PASSWORD_HASH_METHOD"
        }
    )
    user = step.new_user()

    with app.app_context():
        user.set_password(PASSWORD)

    method, n, r, p = user.password_hash.partition("$")[0].split(":")
    assert method == "scrypt"
    assert (int(n), int(r)) >= (32768, 8)
    assert int(n) * int(p) >= 32768 * 3, "OWASP: at N=2^15 p must be 3"


@pytest.mark.asvs("6.2.8")
def test_the_right_password_is_told_from_a_wrong_one(
    new_user: Callable[..., Any],
) -> None:
    """Every character counts, blanks and capitals too, and the hundredth as much as the
    first.
    """
    password = f" {PASSWORD}\0é" + "x" * 90

    user = new_user(password)

    assert user.check_password(password)
    for wrong in (
        password.strip(),
        password[:-1],
        password.upper(),
        password.replace("\0", ""),
        "",
    ):
        assert not user.check_password(wrong), f"{wrong!r} opens it too"


@pytest.mark.asvs("11.4.2")
def test_the_same_password_gets_another_hash_each_time(
    new_user: Callable[..., Any],
) -> None:
    """With equal hashes, one cracked password opens every account that has it.

    Salt makes them differ.
    """
    hashes = {new_user(PASSWORD).password_hash for _ in range(3)}

    assert len(hashes) == 3


def test_a_hash_does_not_depend_on_the_secret_key(
    step: Step, new_user: Callable[..., Any]
) -> None:
    """SECRET_KEY signs cookies.

    It encrypts no password, and a new one locks nobody out.
    """
    user = new_user(PASSWORD)

    with step.create_app(SECRET_KEY="b7c05d2e91fa4683" * 2).app_context():
        assert user.check_password(PASSWORD)


@pytest.fixture
def old_user(step: Step, app: Flask) -> Any:
    """A user with the password PASSWORD, as the tutorial's app stored it."""
    digest = hmac.digest(b"x7QzKp2m", PASSWORD.encode(), "sha256").hex()
    with app.app_context():
        return step.new_user(password_hash=f"sha256$x7QzKp2m${digest}")


def test_rows_that_the_tutorial_wrote_still_open_with_their_password(
    app: Flask, old_user: Any
) -> None:
    """Today's Werkzeug raises on sha256 rows: after an upgrade every member's log-in
    would be a 500.
    """
    with app.app_context():
        assert old_user.check_password(PASSWORD)


def test_rows_that_the_tutorial_wrote_open_with_nothing_else(
    app: Flask, old_user: Any
) -> None:
    """The way in for old members must not be a way in for everybody."""
    with app.app_context():
        for wrong in (
            old_user.password_hash,
            old_user.password_hash[-64:],
            f"{PASSWORD} ",
            "",
        ):
            assert not old_user.check_password(wrong), f"{wrong!r} opens it too"


def test_a_password_typed_on_a_mac_opens_the_account_made_on_windows(
    new_user: Callable[..., Any],
) -> None:
    """A Mac may send é as two characters, Windows as one.

    Their owner sees no difference.
    """
    composed = f"{PASSWORD} caf\u00e9"
    decomposed = f"{PASSWORD} cafe\u0301"

    assert new_user(composed).check_password(decomposed)
    assert new_user(decomposed).check_password(composed)


def test_a_password_hashed_as_it_was_typed_still_opens(
    new_user: Callable[..., Any],
) -> None:
    """Accounts from before the passwords were normalised must not be locked out."""
    decomposed = f"{PASSWORD} cafe\u0301"
    user = new_user(PASSWORD)
    user.password_hash = generate_password_hash(decomposed, method="pbkdf2:sha256:1")

    assert user.check_password(decomposed)
