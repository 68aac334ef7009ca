"""One way of running suites: in one process or in several, anew or warm."""

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support import suites
from tests.support.checks import quoted
from tests.support.harness import STEPS, Visitor
from tests.support.messages import Done, Message, Plan, Problem, behaviour_of
from tests.support.suites import SuiteRunner, find_tests, workers_for
from tests.support.witness import Clock, Witness
from workbook.hints import behaviours

NOT_DEBUGGING = "01_config::test_debugging_is_off_unless_asked_for"
START_PAGE = "01_config::test_wsgi_py_makes_the_app_for_flask_and_gunicorn"
LOG = "01_config::test_a_crash_is_written_to_the_log"


@pytest.fixture
def runner() -> Iterator[SuiteRunner]:
    """A runner that keeps what no job changes."""
    with SuiteRunner(warm=True) as runner:
        yield runner


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Step 01, whose start page crashes."""
    folder = tmp_path / "01_config"
    shutil.copytree(STEPS[1].path, folder)
    routes = folder / "flask_login_tutorial" / "routes.py"
    text = routes.read_text(encoding="utf-8")
    crash = text.replace(
        "    return render", "    raise KeyError('oh')\n    return render"
    )
    assert crash != text
    routes.write_text(crash, encoding="utf-8")
    return folder


def in_any_order(messages: Iterator[Message]) -> list[str]:
    """Messages as texts that can be compared: several processes mix them."""
    return sorted(repr(message) for message in messages)


def test_several_processes_tell_the_same_as_one(
    runner: SuiteRunner, broken: Path
) -> None:
    """What was asked and raised is seen where a test runs, and told by another."""
    one = in_any_order(runner.run_tests("01", broken))
    several = in_any_order(runner.run_tests("01", broken, workers=2))

    assert several == one
    assert any("KeyError: 'oh'" in message for message in one)
    assert any("GET / -> 500" in message for message in one)


def test_a_short_suite_runs_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process imports everything anew, which takes longer than step 01's tests."""
    monkeypatch.setattr(os, "cpu_count", lambda: 6)

    assert workers_for("01_config") == 1
    assert workers_for("06_protected") == 6


def test_only_the_chosen_behaviours_run(runner: SuiteRunner) -> None:
    """A learner waits for the lesson's own, and not for all."""
    chosen = [NOT_DEBUGGING, LOG, "01_config::test_nothing_is_called_so"]
    messages = list(runner.run_tests("01", STEPS[1].path, chosen))

    done = [message for message in messages if isinstance(message, Done)]
    assert isinstance(messages[0], Plan)
    assert messages[0].total == len(done)
    assert {behaviour_of(message.test) for message in done} == {NOT_DEBUGGING, LOG}
    assert {message.outcome for message in done} == {"passed"}
    assert all(message.reason for message in done)


def test_nothing_chosen_runs_nothing(runner: SuiteRunner) -> None:
    """Pytest itself would run everything then."""
    assert list(runner.run_tests("01", STEPS[1].path, [])) == []
    assert find_tests(["01_config::test_nothing_is_called_so"]) == []


def test_who_stops_reading_ends_the_job_and_may_begin_another(
    runner: SuiteRunner, broken: Path
) -> None:
    """A save while the suites run makes their answer one of yesterday."""
    with closing(runner.run_tests("06", STEPS[6].path)) as messages:
        next(messages)
        warm = runner.process
        job = runner.job
    again = list(runner.run_tests("01", broken, [LOG]))

    assert job
    assert runner.job == 0
    assert runner.process is warm
    assert any(isinstance(message, Done) for message in again)


def test_a_warm_process_sees_what_was_saved(runner: SuiteRunner, broken: Path) -> None:
    """It keeps packages and suites, and nothing of the app."""
    before = list(runner.run_tests("01", STEPS[1].path, [START_PAGE]))
    package = broken / "flask_login_tutorial" / "__init__.py"
    package.write_text("def create_app(config=None):\n    return None\n")
    after = list(runner.run_tests("01", broken, [START_PAGE]))

    assert not any(isinstance(message, Problem) for message in before)
    assert any("Is `return app` missing?" in repr(message) for message in after)


def loop_for_ever() -> None:
    """Compute, and never come back."""
    while True:
        pass


def test_an_app_that_computes_for_ever_is_ended() -> None:
    """Seconds of computing count: a busy machine makes no endless loop."""
    clock = Clock()
    clock.computing = 0.05

    with pytest.raises(TimeoutError, match="an endless loop"), clock.running():
        loop_for_ever()


def test_an_app_that_waits_for_ever_is_ended() -> None:
    """It computes nothing meanwhile."""
    clock = Clock()
    clock.waiting = 0.05

    with pytest.raises(TimeoutError, match="what does it wait for"), clock.running():
        threading.Event().wait()


def test_the_clock_stops_with_what_it_was_for() -> None:
    """An alarm between two tests would end pytest itself."""
    clock = Clock()
    with clock.running():
        pass

    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_forged_form_names_no_view() -> None:
    """It was refused before any view ran: the mistake is not there."""
    witness = Witness(SimpleNamespace())
    visitor = Visitor(STEPS[3].create_app())

    visitor.get("/login")
    view_of_the_page = witness.view
    visitor.post("/login", expect_errors=True)

    assert "in login()" in view_of_the_page
    assert witness.view == ""


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("https://evil.example\\@ada.example", '"https://evil.example\\@ada.example"'),
        (" Ada ", '" Ada "'),
        ("Ada\0\u202e", r'"Ada\x00\u202e"'),
        ("Zoë O'Hara", '"Zoë O\'Hara"'),
    ],
)
def test_what_was_sent_is_shown_as_it_was_sent(sent: str, shown: str) -> None:
    """repr() shows one backslash as two; a NUL as it is would show nothing."""
    assert quoted(sent) == shown


def test_what_pytest_does_not_run_is_no_behaviour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`hint` and `check` know the same behaviours as the one that runs them."""
    folder = tmp_path / "tests" / "01_config"
    folder.mkdir(parents=True)
    text = "def test_page():\n    def test_client():\n        pass\n"
    (folder / "test_pages.py").write_text(text)
    monkeypatch.setattr(suites, "ROOT", tmp_path)

    assert behaviours("01_config") == ["01_config::test_page"]
