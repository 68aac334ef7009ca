"""Many visitors in the same moment, four processes, one database: what may not happen
in between does not.
"""

import functools
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.harness import STEPS, close
from tests.system.conftest import DATABASES
from tests.system.load import (
    NEW_PASSWORD,
    PASSWORD,
    Answer,
    Browser,
    statuses,
    together,
)
from tests.system.servers import PATIENCE, query, sessions_of

THIRD_PASSWORD = "walnut ferry candle trapeze"
ROUNDS = 6
CROWD = 40
MOST_SESSIONS = 20
PATHS = ("/", "/dashboard", "/account", "/dashboard")

with_both_isolations = pytest.mark.parametrize(
    "database_uri",
    [*DATABASES, "mariadb-snapshot"],
    indirect=True,
    scope="module",
)


@pytest.fixture
def command(database_uri: str) -> Iterator[Callable[..., None]]:
    """Run one of the app's own commands, from a fifth process that need not start
    first.
    """
    app = STEPS[6].create_app(SQLALCHEMY_DATABASE_URI=database_uri)

    def run(*arguments: str) -> None:
        result = app.test_cli_runner().invoke(args=arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output

    yield run
    close(app)


def after_one_of(
    tasks: list[Callable[[], Answer]], task: Callable[[], Any]
) -> Callable[[], Any]:
    """This task, begun as soon as one of those is done: the others are half-way."""
    done = threading.Event()

    def noted(one: Callable[[], Answer]) -> Answer:
        answer = one()
        done.set()
        return answer

    def wait_and_run() -> Any:
        done.wait(PATIENCE)
        return task()

    tasks[:] = [functools.partial(noted, one) for one in tasks]
    return wait_and_run


def let_a_while_pass(database_uri: str) -> datetime:
    """Make everybody's last visit two minutes old; return when it was then."""
    moment = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    moment -= timedelta(minutes=2)
    pause = "UPDATE user_sessions SET last_seen = :moment"
    query(database_uri, pause, moment=moment)
    return moment


def test_fifty_sign_ups_at_once_for_one_mailbox_make_one_account(
    arrive: Callable[[], Browser], email: str, database_uri: str
) -> None:
    """Whoever asks first whether the address is free is told yes fifty times. Only the
    database can say no in time.
    """
    spellings = itertools.cycle((email, email.title(), email.upper()))
    passwords = [f"{PASSWORD} {number}" for number in range(50)]
    forms = [arrive().signing_up(next(spellings), one) for one in passwords]

    answers = together(forms)

    assert statuses(answers) == {302: 1, 422: 49}
    like = "SELECT id FROM users WHERE lower(email) = :email"
    assert len(query(database_uri, like, email=email)) == 1
    winner = [answer.status for answer in answers].index(302)
    owner = arrive()
    owner.logging_in(email, passwords[winner])()
    assert owner.inside


@pytest.mark.asvs("7.4.3")
def test_whoever_knew_only_the_old_password_is_out_after_a_change(
    owner: Browser, email: str, arrive: Callable[[], Browser]
) -> None:
    """A log-in that had checked the old password just before the change must not slip
    in just after it.
    """
    passwords = [PASSWORD, NEW_PASSWORD]
    for _ in range(ROUNDS):
        old, new = passwords
        thieves = [arrive() for _ in range(10)]
        log_ins = [thief.logging_in(email, old, remember=True) for thief in thieves]
        thieves[0].logging_in(email, old)()  # one has been inside for a while

        change, *others = together(
            [owner.changing_password(old, new), *log_ins, *log_ins]
        )

        assert change.status == 302
        assert set(statuses(others)) <= {
            302,
            400,
            422,
        }  # 400: the form of a visitor whose other log-in came first
        assert [thief.inside for thief in thieves] == [False] * 10
        assert owner.inside
        assert arrive().logging_in(email, old)().status == 422
        assert arrive().logging_in(email, new)().status == 302
        passwords.reverse()


def test_of_two_changes_at_once_one_wins_and_the_other_is_out(
    owner: Browser, email: str, arrive: Callable[[], Browser]
) -> None:
    """A thief who changes the password in the owner's moment: the account has one
    password, and one of them inside.
    """
    current = PASSWORD
    for number in range(ROUNDS):
        other = arrive()
        other.logging_in(email, current)()
        new = [f"{NEW_PASSWORD} {number}", f"{THIRD_PASSWORD} {number}"]
        pages = [
            person.changing_password(current, password)
            for person, password in zip((owner, other), new, strict=True)
        ]

        answers = together(pages)

        assert [answer.location for answer in answers].count("/account") == 1
        works = [
            arrive().logging_in(email, password)().status == 302 for password in new
        ]
        assert sorted(works) == [False, True]
        assert [owner.inside, other.inside] == works
        assert all(answer.status < 500 for answer in answers)
        current = new[works.index(True)]
        owner = (owner, other)[works.index(True)]


@pytest.mark.asvs("7.4.1")
def test_after_the_end_of_all_sessions_no_request_in_flight_keeps_one(
    owner: Browser, email: str, arrive: Callable[[], Browser], database_uri: str
) -> None:
    """Each page view may write down that the visitor was here; that must not bring back
    what was ended.
    """
    for _ in range(ROUNDS):
        devices = [arrive() for _ in range(10)]
        log_ins = [device.logging_in(email, remember=True) for device in devices]
        assert statuses(together(log_ins)) == {302: 10}
        let_a_while_pass(database_uri)
        end = owner.fill_in("/account", action="/account/sessions/end-others")
        views = [
            lambda device=device: device.get("/dashboard")
            for device in devices
            for _ in range(2)
        ]

        ended, *seen = together([end, *views])

        assert ended.status == 302
        assert set(statuses(seen)) <= {200, 302}
        assert [device.inside for device in devices] == [False] * 10
        assert owner.inside
        assert len(sessions_of(database_uri, email)) == 1


def test_logging_out_while_the_owner_ends_all_sessions_is_no_error(
    owner: Browser, email: str, arrive: Callable[[], Browser]
) -> None:
    """Both delete the same row. A database that locks it from two sides would call that
    a deadlock.
    """
    for _ in range(ROUNDS):
        devices = [arrive() for _ in range(10)]
        for device in devices:
            device.logging_in(email)()
        end = owner.fill_in("/account", action="/account/sessions/end-others")
        log_outs = [device.fill_in("/", action="/logout") for device in devices]

        answers = together([*log_outs[:5], end, *log_outs[5:]])

        assert statuses(answers) == {302: 11}
        assert [device.inside for device in devices] == [False] * 10


@pytest.mark.asvs("7.4.2")
def test_nobody_gets_in_while_the_account_is_deactivated(
    owner: Browser,
    email: str,
    arrive: Callable[[], Browser],
    command: Callable[..., None],
) -> None:
    """A log-in that was under way neither stops the command nor survives it, not even
    once the account is back.
    """
    for _ in range(ROUNDS):
        visitors = [arrive() for _ in range(12)]
        log_ins = [visitor.logging_in(email, remember=True) for visitor in visitors]

        _, *answers = together(
            [after_one_of(log_ins, lambda: command("deactivate", email)), *log_ins]
        )

        assert set(statuses(answers)) <= {302, 422}
        assert [visitor.inside for visitor in visitors] == [False] * 12
        command("reactivate", email)
        assert [visitor.inside for visitor in visitors] == [False] * 12
        assert not owner.inside


@with_both_isolations
def test_forty_log_ins_at_once_leave_twenty_sessions(
    arrive: Callable[[], Browser], owner: Browser, email: str, database_uri: str
) -> None:
    """Each new log-in ends the oldest: nobody can pile up sessions, however fast."""
    log_ins = [arrive().logging_in(email) for _ in range(CROWD)]

    answers = together(log_ins)

    assert statuses(answers) == {302: CROWD}
    assert len(sessions_of(database_uri, email)) == MOST_SESSIONS


@with_both_isolations
def test_two_log_ins_at_once_are_two_sessions(
    arrive: Callable[[], Browser], owner: Browser, email: str
) -> None:
    """A member on two devices: neither has to try again."""
    for _ in range(2 * ROUNDS):
        devices = [arrive(), arrive()]

        answers = together([device.logging_in(email) for device in devices])

        assert statuses(answers) == {302: 2}
        assert [device.inside for device in devices] == [True, True]


@with_both_isolations
def test_pages_opened_at_once_after_a_pause_all_come(
    owner: Browser, email: str, database_uri: str
) -> None:
    """A browser that is opened again loads all its tabs: each notes the visit, and none
    fails over it.
    """
    for _ in range(2 * ROUNDS):
        a_while_ago = let_a_while_pass(database_uri)

        answers = together([lambda path=path: owner.get(path) for path in PATHS])

        assert statuses(answers) == {200: len(PATHS)}
        (session,) = sessions_of(database_uri, email)
        assert datetime.fromisoformat(str(session.last_seen)) > a_while_ago
