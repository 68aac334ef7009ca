"""Thirty people behind one address can do the workshop."""

from collections.abc import Callable

from tests.system.load import (
    NEW_PASSWORD,
    PASSWORD,
    Answer,
    Browser,
    statuses,
    together,
)

PEOPLE = 30
EMPTY_FORMS = 100
TRIES = 12  # more than the guesses that an account allows


def sign_up(browser: Browser, email: str, *, mistypes: bool) -> list[Answer]:
    """Sign up; who mistypes gets it right the second time."""
    answers = []
    if mistypes:
        name = {"name": "Ada Lovelace", "email": email}
        slip = {"password": PASSWORD, "confirm": "plum"}
        answers.append(browser.fill_in("/signup", **name, **slip)())
    answers.append(browser.signing_up(email)())
    return answers


def log_in(browser: Browser, email: str, *, mistypes: bool) -> list[Answer]:
    """Log in; who mistypes gets it right the second time."""
    answers = []
    if mistypes:
        answers.append(browser.logging_in(email, "plum trombone")())
    answers.append(browser.logging_in(email)())
    return answers


def test_thirty_people_behind_one_address_wait_for_nothing(
    come_from: Callable[[str], Browser], place: str
) -> None:
    """Sixty sign-ups and log-ins, a third mistyped, and a hundred empty forms between
    them: who rate-limits the address alone, locks out a school.
    """
    signed_up, logged_in, empty = [], [], []
    for number in range(PEOPLE):
        person = come_from(place)
        email = f"person{number}@example.com"
        mistypes = number % 3 == 0
        signed_up += sign_up(person, email, mistypes=mistypes)
        page = "/signup" if number % 2 else "/login"
        empty += [person.fill_in(page)() for _ in range(EMPTY_FORMS // PEOPLE + 1)]
        logged_in += log_in(person, email, mistypes=mistypes)
        assert person.inside

    assert statuses(signed_up) == {302: PEOPLE, 422: PEOPLE // 3}
    assert statuses(logged_in) == {302: PEOPLE, 422: PEOPLE // 3}
    assert len(empty) >= EMPTY_FORMS
    assert set(statuses(empty)) == {422}


def test_a_hundred_empty_log_in_forms_lock_nobody_out(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """They guess nothing, so they count for nothing: anybody in the room could send
    them in half a second.
    """
    child = come_from(place)
    page = child.fill_in("/login")

    answers = together([page] * EMPTY_FORMS)

    assert statuses(answers) == {422: EMPTY_FORMS}
    assert come_from(place).logging_in(email)().status == 302


def test_empty_forms_do_not_keep_a_member_from_changing_the_password(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """Who presses Enter too early twelve times has tried no password."""
    member = come_from(place)
    member.logging_in(email)()

    answers = [member.fill_in("/account/password")() for _ in range(TRIES)]

    assert statuses(answers) == {422: TRIES}
    assert member.changing_password()().location == "/account"
    assert come_from(place).logging_in(email, NEW_PASSWORD)().status == 302


def test_a_home_with_two_exits_reaches_the_account_page(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """Its requests come from two networks in turn. The password is asked for once in
    each, and then no more.
    """
    member = come_from(place)
    other_exit = {"X-Forwarded-For": "2001:db8:9::1"}
    member.logging_in(email)()

    first = member.headers
    member.headers = other_exit
    asked = member.get("/account")
    typed_again = member.logging_in(email)()
    answers = []
    for headers in (first, other_exit) * 3:
        member.headers = headers
        answers.append(member.get("/account"))

    assert asked.location.startswith("/login")
    assert typed_again.status == 302
    assert statuses(answers) == {200: 6}
