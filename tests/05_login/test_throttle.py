"""Suite 05: guessing is slow."""

from collections.abc import Callable
from unittest.mock import patch

import pytest
from flask import Flask
from harness import Step, Visitor, visible_text
from limits.strategies import FixedWindowRateLimiter

GUESSES = 10


@pytest.fixture
def loaded_apart(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load the step once more: a limiter whose counter has failed stays in its fallback, in later tests too."""
    monkeypatch.setitem(vars(step), "module", Step(step.number, step.path).module)
    monkeypatch.setattr(step, "newest", None)  # no app was made of it yet


def guess(visitor: Visitor, times: int, email: str = "ada@example.com") -> list[int]:
    """The answers to so many wrong passwords."""
    page = visitor.get("/login")
    return [visitor.log_in(email, f"wrong {number}", page=page).status_code for number in range(times)]


@pytest.mark.asvs("2.4.1", "6.3.1")
def test_the_eleventh_wrong_guess_is_told_to_wait(member: Visitor) -> None:
    """Without a limit a program tries the ten thousand most used passwords over night."""
    statuses = guess(member, GUESSES)

    answer = member.log_in()

    assert statuses == [422] * GUESSES
    assert answer.status_code == 429
    assert not member.logged_in


def test_the_answer_says_how_long_to_wait(member: Visitor) -> None:
    """In plain words for people, and in a header for programs, in seconds."""
    guess(member, GUESSES)

    answer = member.log_in()

    assert 0 < int(answer.headers.get("Retry-After", 0)) <= 15 * 60
    assert "Too many attempts" in visible_text(answer)


def test_unknown_addresses_are_throttled_alike(member: Visitor) -> None:
    """Else the 429 itself would tell who has an account."""
    known = guess(member, GUESSES + 1)
    unknown = guess(member, GUESSES + 1, "eve@example.com")

    assert known == unknown


def test_another_spelling_of_the_address_is_no_new_start(member: Visitor) -> None:
    """ada@, Ada@ and ADA@ are one mailbox, and one count."""
    for number in range(GUESSES):
        spelling = ("ada@example.com", "ADA@example.com", " Ada@EXAMPLE.com ", "ada@ｅxample.com")[number % 4]
        member.log_in(spelling, "wrong")

    assert member.log_in("aDa@example.com").status_code == 429


def test_what_is_no_address_is_counted_too(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Rubbish is sent by programs as well, and must not upset the counter."""
    statuses = guess(Visitor(app), GUESSES + 1, "no address")

    assert statuses == [422] * GUESSES + [429]
    assert "unreachable" not in caplog.text


@pytest.mark.asvs("6.3.1")
def test_a_strangers_guesses_do_not_lock_the_owner_out(app: Flask, member: Visitor) -> None:
    """Else anybody could keep anybody out. The count is kept by address and place together."""
    guess(Visitor(app, ip="198.51.100.9"), GUESSES + 2)

    member.log_in()

    assert member.logged_in


@pytest.mark.asvs("2.4.1", "6.3.1")
def test_one_place_cannot_try_one_password_on_everybody(app: Flask) -> None:
    """Guessing across accounts never meets the limit of a single one; the place has a limit of its own."""
    robot = Visitor(app)
    page = robot.get("/login")

    statuses = [robot.log_in(f"user{number}@example.com", "wrong", page=page).status_code for number in range(101)]

    assert statuses == [422] * 100 + [429]


def test_a_household_of_ipv6_addresses_counts_as_one_place(app: Flask, member: Visitor) -> None:
    """A provider hands out 2^64 addresses at once: counted singly, the limit would never be met."""
    for number in range(GUESSES):
        guess(Visitor(app, ip=f"2001:db8:1:2::{number + 1:x}"), 1)

    neighbour = Visitor(app, ip="2001:db8:1:3::1")

    assert guess(Visitor(app, ip="2001:db8:1:2:ffff::1"), 1) == [429]
    assert guess(neighbour, 1) == [422]


def test_an_odd_visitors_address_is_no_crash_and_no_way_around(app: Flask) -> None:
    """Socket files have none; some proxies write a word, or a port that is new each time. All those are one place."""
    odd = ["", "unknown", *(f"192.0.2.1:{port}" for port in range(5678, 5678 + GUESSES - 1))]

    statuses = [guess(Visitor(app, ip=ip), 1)[0] for ip in odd]

    assert statuses == [422] * GUESSES + [429]
    assert guess(Visitor(app, ip="fe80::1%eth0"), 1) == [422], "an IPv6 address with its network card"


def test_two_ipv4_visitors_of_a_dual_server_are_two_places(app: Flask) -> None:
    """A server that speaks IPv6 writes IPv4 addresses as ::ffff:192.0.2.1: all of them share one first half."""
    guess(Visitor(app, ip="::ffff:192.0.2.1"), GUESSES)

    assert guess(Visitor(app, ip="::ffff:192.0.2.2"), 1) == [422]


def test_a_forged_forwarded_address_is_no_new_start(app: Flask) -> None:
    """Anybody can write X-Forwarded-For; unless a proxy of ours does, it means nothing."""
    statuses = []
    for number in range(GUESSES + 1):
        robot = Visitor(app)
        robot.extra_environ["HTTP_X_FORWARDED_FOR"] = f"203.0.113.{number}"
        statuses += guess(robot, 1)

    assert statuses[-1] == 429


def test_successful_log_ins_are_not_counted(member: Visitor) -> None:
    """Logging in and out all day is no attack."""
    for _ in range(GUESSES + 2):
        assert member.log_in().status_code == 302
        member.log_out()


@pytest.mark.asvs("16.5.2")
@pytest.mark.usefixtures("loaded_apart")
def test_a_redis_that_dies_between_the_check_and_the_count_is_no_error(member: Visitor) -> None:
    """The visitor's password was wrong, and that is the answer, whatever became of the counter."""
    with patch.object(FixedWindowRateLimiter, "hit", side_effect=ConnectionError):
        answer = member.log_in(password="wrong")

    assert answer.status_code == 422


@pytest.mark.usefixtures("loaded_apart")
def test_without_its_redis_the_app_still_counts(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """The counter going away must neither open the door nor close the site."""
    app = make_app(RATELIMIT_STORAGE_URI="redis://127.0.0.1:1")
    member = Visitor(app)
    member.sign_up()

    statuses = guess(member, GUESSES + 1)

    assert statuses == [422] * GUESSES + [429]
