"""Each suite asks for its own step: on the step before it is red, but for what is
listed here.

A test that is green where the thing is not there yet says nothing about it, and a
learner is told that it holds.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.harness import ROOT, STEPS
from tests.support.suites import SuiteRunner

# What is green on the step before, for step 01 on the empty app, and why that is meant
# so.
HOLDS_BEFORE = {
    "01_config": {
        "test_a_crash_is_written_to_the_log": "Flask does it; a handler for every exception would end it",
        "test_a_new_key_keeps_the_sessions_signed_with_the_old_one": "Flask does it, if it is given a list of keys",
        "test_debugging_is_off_unless_asked_for": "Flask's default; app.run(debug=True) and the like would end it",
        "test_no_script_can_read_the_session_cookie": "Flask's default; a setting could end it",
        "test_nobody_can_make_up_an_ip_address": "nothing reads the header yet; ProxyFix without a setting would",
        "test_the_session_cookie_can_be_told_to_work_over_plain_http": "Flask's cookie does; the __Host- name does not",
        "test_wsgi_py_makes_the_app_for_flask_and_gunicorn": "the empty app has a wsgi.py, and needs to keep it",
    },
    "02_models": {},
    "03_forms": {},
    "04_signup": {
        "test_markup_in_a_field_is_kept_and_not_run": "a refused form escaped it before; from here on it is stored too",
    },
    "05_login": {},
    "06_protected": {
        "test_no_file_can_be_fetched_but_those_in_static": "Flask serves no others; a wall is no reason to trust that",
        "test_no_other_site_may_read_our_answers": "nothing sends such headers; with other headers they could slip in",
        "test_the_start_page_stays_open_to_everybody": "it was open; a wall around everything would shut it",
        "test_trace_is_not_answered": "Flask refuses it; a view for any method would not",
    },
}


@pytest.fixture(scope="module")
def runner() -> Iterator[SuiteRunner]:
    """What runs a suite on a folder, in a process of its own."""
    with SuiteRunner(warm=True) as runner:
        yield runner


def folder_before(step: str) -> Path:
    """What the work on this step begins with."""
    number = int(step[:2])
    return STEPS[number - 1].path if number > 1 else ROOT / "workbook" / "empty"


@pytest.mark.parametrize("step", HOLDS_BEFORE)
def test_a_suite_is_red_on_the_step_before_but_for_what_is_listed(
    runner: SuiteRunner, step: str
) -> None:
    """Of a test with several cases it is enough that one is red: the others are there
    to compare.
    """
    outcomes = runner.judge(step, folder_before(step), [f"tests/{step}"])

    green = outcomes.passed - outcomes.failed
    assert {test.rpartition("::")[2] for test in green} == set(HOLDS_BEFORE[step])
    assert outcomes.failed, "no test was red, or none was run"


def test_every_suite_is_tried_on_the_step_before() -> None:
    """A new suite is not to be forgotten here."""
    assert list(HOLDS_BEFORE) == [step.name for step in STEPS.values()]
