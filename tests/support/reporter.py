"""A pytest plugin that writes what becomes of the tests, with or without xdist.

It is in the first process. Where the tests run, a Witness (tests/support/witness.py)
adds to pytest's reports what is told here.
"""

from typing import Any, TextIO

import pytest

from tests.support.messages import (
    Done,
    Message,
    Plan,
    Problem,
    Stop,
    to_line,
    without_case,
)

ENDED = (
    "The tests stopped early: something in the app ends the whole process.\n"
    "It was in {test}."
)


class Reporter:
    """Writes messages about the tests, which other processes may run."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.outcomes: dict[str, str] = {}  # by test, while it runs
        self.planned = False

    def send(self, message: Message) -> None:
        """Write a message."""
        print(to_line(message), file=self.stream, flush=True)

    def send_plan(self, total: int) -> None:
        """Tell how many tests there are; the first process that knows is enough."""
        if not self.planned:
            self.send(Plan(total))
        self.planned = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the plan, if this process runs the tests."""
        self.send_plan(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Tell the plan, if other processes run them."""
        self.send_plan(len(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell which of the suites cannot be read."""
        if report.failed:
            error = report.longreprtext.splitlines()[-1]
            self.send(Stop(f"{report.nodeid} cannot be read: {error}"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Tell of a failure when it happens, and of a test when it is over."""
        test = without_case(report.nodeid)
        if report.when == "???":  # what xdist makes up for a process that has died
            self.send(Stop(ENDED.format(test=test)))
        elif report.failed:
            self.send(Problem(test, **getattr(report, "problem", {})))
        if report.outcome != "passed":
            self.outcomes[report.nodeid] = report.outcome
        if report.when == "teardown":
            outcome = self.outcomes.pop(report.nodeid, "passed")
            self.send(Done(test, outcome, report.reason))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell why this process ran no tests."""
        self.send_stop(getattr(session.config, "workeroutput", {}))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Tell why another process ran no tests."""
        self.send_stop(getattr(node, "workeroutput", {}))

    def send_stop(self, output: dict[str, Any]) -> None:
        """Tell what a Witness has left there."""
        if "stop" in output:
            self.send(Stop(output["stop"]))
