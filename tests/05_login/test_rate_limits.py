"""Suite 05: rate limits against brute force and password spraying."""

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import pytest
from flask import Flask, Response

from tests.support.checks import assert_logged
from tests.support.harness import PASSWORD, Step, Visitor, visible_text

GUESSES = 10
ONE_ACCOUNT = ["ada@example.com"] * (GUESSES + 1)
MANY_ACCOUNTS = [f"user{number}@example.com" for number in range(101)]


def guess(visitor: Visitor, times: int, email: str = "ada@example.com") -> list[int]:
    """The answers to so many wrong passwords."""
    page = visitor.get("/login")
    return [
        visitor.log_in(email, f"wrong {number}", page=page).status_code
        for number in range(times)
    ]


@pytest.mark.asvs("2.4.1", "6.3.1")
def test_the_eleventh_wrong_guess_is_told_to_wait(member: Visitor) -> None:
    """Brute force: without a rate limit a program tries the ten thousand most used
    passwords over night.
    """
    statuses = guess(member, GUESSES)

    answer = member.log_in()

    assert statuses == [422] * GUESSES
    assert answer.status_code == 429
    assert not member.logged_in, "the member is logged in"


def test_the_answer_says_how_long_to_wait(member: Visitor) -> None:
    """In plain words for people, and in a header for programs, in seconds."""
    guess(member, GUESSES)

    answer = member.log_in()

    assert 0 < int(answer.headers.get("Retry-After", 0)) <= 15 * 60
    assert "Too many attempts" in visible_text(answer)


def test_unknown_addresses_are_rate_limited_alike(member: Visitor) -> None:
    """Else the 429 itself would tell who has an account (user enumeration)."""
    known = guess(member, GUESSES + 1)
    unknown = guess(member, GUESSES + 1, "eve@example.com")

    assert known[-1] == 429, "no number of wrong passwords is too many"
    assert known == unknown


def test_another_spelling_of_the_address_is_no_new_start(member: Visitor) -> None:
    """ada@, Ada@ and ADA@ are one mailbox, and one count."""
    spellings = [
        "ada@example.com",
        "ADA@example.com",
        " Ada@EXAMPLE.com ",
        "ada@ｅxample.com",
    ]
    for spelling in islice(cycle(spellings), GUESSES):
        member.log_in(spelling, "wrong")

    assert member.log_in("aDa@example.com").status_code == 429


def test_forms_that_are_not_filled_in_are_not_counted(
    app: Flask, member: Visitor
) -> None:
    """They cost nothing and guess nothing.

    Counted, a hundred of them would shut out a whole class for an hour.
    """
    page = member.get("/login")
    incomplete = [("", ""), ("no address", "x"), ("ada@example.com", "")]
    for email, password in incomplete * 40:
        assert member.log_in(email, password, page=page).status_code == 422

    member.log_in()

    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("6.3.1")
def test_a_strangers_guesses_do_not_lock_the_owner_out(
    app: Flask, member: Visitor
) -> None:
    """Else anybody could keep anybody out. The rate limit counts email address and
    network together.
    """
    guess(Visitor(app, ip="198.51.100.9"), GUESSES + 2)

    member.log_in()

    assert member.logged_in, "the member is not logged in"


@pytest.mark.asvs("2.4.1", "6.3.1")
def test_password_spraying_is_rate_limited(app: Flask) -> None:
    """Guessing across accounts never meets the limit of a single one; the network has a
    limit of its own.
    """
    robot = Visitor(app)
    page = robot.get("/login")

    statuses = [
        robot.log_in(email, "wrong", page=page).status_code for email in MANY_ACCOUNTS
    ]

    assert statuses == [422] * 100 + [429]


def test_a_household_of_ipv6_addresses_counts_as_one_network(
    app: Flask, member: Visitor
) -> None:
    """A provider hands out 2^64 addresses at once, often 2^16 times that: counted
    singly, no limit is ever met.
    """
    for number in range(GUESSES):
        guess(Visitor(app, ip=f"2001:db8:1:{number}::{number + 1:x}"), 1)

    assert guess(Visitor(app, ip="2001:db8:1:2:ffff::1"), 1) == [429]
    assert guess(Visitor(app, ip="2001:db8:2:2::1"), 1) == [422], "a neighbour"


@pytest.mark.parametrize(
    "pattern",
    [
        "192.0.2.1:{}",
        " 192.0.2.1",
        "192.0.2.1 ",
        "[2001:db8::1]:{}",
        "198.51.100.1, 192.0.2.1",
    ],
)
def test_a_proxy_that_writes_ports_or_blanks_hides_nobody(
    app: Flask, pattern: str
) -> None:
    """Taken as it stands, each request would come from a new network; taken as
    unreadable, all from one.
    """
    statuses = []
    for port in range(5000, 5000 + GUESSES + 1):
        statuses += guess(Visitor(app, ip=pattern.format(port)), 1)
    others = pattern.replace("192.0.2.1", "192.0.2.2").replace("db8::1", "db9::1")
    somebody_else = Visitor(app, ip=others.format(5000))

    assert statuses == [422] * GUESSES + [429]
    assert guess(somebody_else, 1) == [422]


def test_visitors_without_an_address_do_not_lock_each_other_out(
    app: Flask, member: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """Behind a socket file nobody has one.

    Then one guesser must not shut the door for all; the log says so, once.
    """
    for ip in ("", "unknown"):
        robot = Visitor(app, ip=ip)
        guess(robot, GUESSES + 5)

    member.extra_environ["REMOTE_ADDR"] = ""
    member.log_in()

    assert member.logged_in, "the member is not logged in"
    told = [
        record
        for record in caplog.records
        if "addresses cannot be read" in record.getMessage()
    ]
    assert len(told) == 1


def test_an_ipv6_address_with_its_network_card_is_no_crash(app: Flask) -> None:
    """That is how link-local addresses are written."""
    assert guess(Visitor(app, ip="fe80::1%eth0"), 1) == [422]


def test_two_ipv4_visitors_of_a_dual_server_are_two_networks(app: Flask) -> None:
    """A server that speaks IPv6 writes IPv4 addresses as ::ffff:192.0.2.1: all of them
    share one first half.
    """
    guess(Visitor(app, ip="::ffff:192.0.2.1"), GUESSES)

    assert guess(Visitor(app, ip="::ffff:192.0.2.2"), 1) == [422]


def test_a_forged_forwarded_address_is_no_new_start(app: Flask) -> None:
    """Anybody can write X-Forwarded-For; unless a proxy of ours does, it means
    nothing."""
    statuses = []
    for number in range(GUESSES + 1):
        robot = Visitor(app)
        robot.extra_environ["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}"
        statuses += guess(robot, 1)

    assert statuses[-1] == 429


def test_successful_log_ins_do_not_use_up_the_guesses(member: Visitor) -> None:
    """Logging in and out all day is no attack."""
    for _log_in in range(GUESSES + 2):
        assert member.log_in().status_code == 302
        member.log_out()


@pytest.mark.asvs("16.5.2")
def test_without_its_redis_the_app_still_counts(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """The counter going away must neither open the door nor close the site; and the log
    says it, but not each time.
    """
    app = make_app(RATELIMIT_STORAGE_URI="redis://127.0.0.1:1")
    member = Visitor(app)
    member.sign_up()

    statuses = guess(member, GUESSES + 1)

    assert statuses == [422] * GUESSES + [429]
    told = [
        record
        for record in caplog.records
        if "RATELIMIT_STORAGE_URI" in record.getMessage()
    ]
    assert len(told) == 1


def test_counters_that_cannot_be_reached_by_that_address_are_refused(
    step: Step,
) -> None:
    """Better at the start than at the first log-in, and by the setting's name."""
    for wrong in (
        "localhost:6379",
        "nosuch://localhost",
        "",
        "async+memory://",
        "mongodb://localhost",
    ):
        with pytest.raises(Exception, match="RATELIMIT_STORAGE_URI"):
            step.create_app(RATELIMIT_STORAGE_URI=wrong)


@pytest.mark.asvs("2.4.1")
def test_sign_ups_that_reach_the_hash_are_limited(app: Flask) -> None:
    """Each costs a slow hash, and tells whether an address has an account: nobody needs
    thousands of them.
    """
    robot = Visitor(app)
    page = robot.get("/signup")
    mistyped = [
        sign_up(robot, page, number, confirm="something else").status_code
        for number in range(30)
    ]
    statuses = [sign_up(robot, page, number).status_code for number in range(101)]

    assert mistyped == [422] * 30
    assert statuses == [302] * 100 + [429]
    elsewhere = Visitor(app, ip="192.0.2.2")
    assert sign_up(elsewhere, elsewhere.get("/signup"), 500).status_code == 302


def sign_up(visitor: Visitor, page: Any, number: int, **fields: str) -> Any:
    """Send the sign-up form with an address of its own."""
    values = {
        "name": "Robot",
        "email": f"robot{number}@example.com",
        "password": PASSWORD,
        "confirm": PASSWORD,
    }
    return visitor.submit(page, {**values, **fields})


def test_a_class_behind_one_address_can_do_the_workshop(app: Flask) -> None:
    """Thirty people sign up and log in, and every third mistypes: nobody has to
    wait."""
    for number in range(30):
        learner = Visitor(app)
        page = learner.get("/signup")
        if number % 3 == 0:
            assert sign_up(learner, page, number, confirm="a slip").status_code == 422
        assert sign_up(learner, page, number).status_code == 302
        email = f"robot{number}@example.com"
        if number % 3 == 0:
            assert learner.log_in(email, "a slip").status_code == 422
        assert learner.log_in(email).status_code == 302


@pytest.mark.asvs("2.4.1", "6.3.1")
def test_an_attempt_counts_whatever_is_answered(own_app: Flask) -> None:
    """Recognised by its answer, a guess that breaks the page afterwards would count for
    nothing.
    """

    @own_app.after_request
    def break_refusals(response: Response) -> Response:
        if response.status_code == 422:
            response.status_code = 500
        return response

    visitor = Visitor(own_app)
    visitor.sign_up()
    statuses = guess(visitor, GUESSES + 1)

    assert statuses == [500] * GUESSES + [429]


@pytest.mark.parametrize(
    ("proxies", "header", "guessed"),
    [
        (1, "", MANY_ACCOUNTS),
        (1, " , ", ONE_ACCOUNT),
        (0, "198.51.100.7", ONE_ACCOUNT),
        (2, "198.51.100.7", ONE_ACCOUNT),
    ],
)
def test_visitors_behind_a_proxy_that_hides_them_do_not_shut_each_other_out(
    make_app: Callable[..., Flask],
    caplog: pytest.LogCaptureFixture,
    proxies: int,
    header: str,
    guessed: list[str],
) -> None:
    """A wrong PROXY_COUNT, or a proxy that does not say for whom it asks: all seem to
    be one; the log says so. Neither guesses at many accounts nor at one shut its owner
    out.
    """
    app = make_app(PROXY_COUNT=proxies)
    member = Visitor(app, ip="127.0.0.1")
    robot = Visitor(app, ip="127.0.0.1")
    for visitor in (member, robot):
        visitor.extra_environ["HTTP_X_FORWARDED_FOR"] = header
    member.sign_up()
    page = robot.get("/login")
    for email in guessed:
        robot.log_in(email, "wrong", page=page)

    member.log_in()

    assert member.logged_in, "the member is not logged in"
    assert_logged(caplog.records, "addresses cannot be read")
