"""A pytest plugin for each process that runs tests, with or without xdist.

It sees what the tests ask of the app, ends what never comes back, and adds to pytest's
reports what the Reporter (tests/support/reporter.py) tells.
"""

import inspect
import linecache
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import (
    Flask,
    Request,
    has_request_context,
    request,
    request_finished,
    request_started,
)
from werkzeug.wrappers import Response

from tests.support.app_start import short, start_problem
from tests.support.harness import PACKAGE, ROOT, STEPS
from tests.support.tracebacks import describe_traceback

# Seconds of computing, which a busy machine does not make more. A behaviour takes a
# fraction of one, so what takes longer will not end.
PATIENCE = float(os.environ.get("WORKBOOK_PATIENCE", 20))
LONGEST_WAIT = 60  # seconds; for an app that waits, and does not compute
MOST_LINES = 12  # of what pytest says about a failure
MOST_REQUESTS = 3
LONGEST_VALUE = 60  # characters without a blank in what pytest says
LONGEST_LINE = 79  # characters of the app's log: `check` shows it in one line


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch, unless this process only hands out the tests to others."""
    hands_out = bool(config.getoption("numprocesses", None))
    if hands_out and not hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Witness(config))


class Witness:
    """Sees what the tests ask of the app, and adds it to each report."""

    def __init__(self, config: pytest.Config) -> None:
        # The name that xdist gives to what a worker reports at its end.
        if not hasattr(config, "workeroutput"):
            config.workeroutput = {}
        self.config = config
        self.requests: list[str] = []
        self.view = ""  # the view that has answered the last one
        self.log = RefusalLog()
        self.clock = Clock()
        request_started.connect(self.log.begin_request)
        request_finished.connect(self.note_request)
        logging.getLogger().addHandler(self.log)

    def note_request(self, app: Flask, response: Response) -> None:
        """Note a request, what was answered, and by which function."""
        asked = describe_request(request)
        self.requests.append(f"{asked} -> {response.status}")
        self.view = describe_view(app.view_functions.get(request.endpoint))
        # Forms of other sites are refused before any view runs.
        if response.status_code == 400:
            self.view = ""

    def pytest_collection(self) -> None:
        """Keep what pytest makes of the suites: to rewrite them takes a second."""
        sys.pycache_prefix = os.path.join(sys.prefix, "pycache")
        sys.dont_write_bytecode = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Begin with the tests that take long; run none if the app does not start."""
        # The app must not be cached: it may be saved twice in a second.
        sys.pycache_prefix = None
        sys.dont_write_bytecode = True
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)
        number = self.config.workbook_step
        self.log.folder = STEPS[number].path
        with self.clock.running():
            problem = start_problem(number, STEPS[number].path)
        if problem:
            reason = f"The app does not start, so no behaviour was tried.\n{problem}"
            self.config.workeroutput["stop"] = reason
            items.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_finish(self) -> Iterator[None]:
        """End an app that never comes back: tests/conftest.py makes it once more."""
        with self.clock.running():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Give each test its own time, and its own requests."""
        self.requests.clear()
        self.view = ""
        self.log.begin_request()
        with self.clock.running():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        """Add to a report what the Reporter needs, as plain values: it may go to another
        process.
        """
        report = yield
        report.reason = " ".join((item.obj.__doc__ or "").split())
        if report.failed:
            folder = STEPS[self.config.workbook_step].path
            report.problem = {
                "said": describe_failure(report),
                "asked": self.requests[-MOST_REQUESTS:],
                "logged": self.log.last,
                "raised": describe_exception(report.caplog, folder),
                "code": describe_code(report, folder) or self.view,
                "place": describe_place(report),
            }
        return report


class RefusalLog(logging.Handler):
    """Keeps the last warning that the app itself wrote about the last request.

    Without it a refused form is a bare 400: the reason stands only in the log.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.folder = ROOT / "steps"  # until it is known which app is judged
        self.last = ""

    def begin_request(self, *_: object, **__: object) -> None:
        """Forget what was written about an earlier request."""
        self.last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, cut to one that a screen shows."""
        is_ours = Path(record.pathname).is_relative_to(self.folder)
        if is_ours and has_request_context():
            line = " ".join(record.getMessage().split())
            self.last = shorten(line, LONGEST_LINE)


def shorten(text: str, length: int) -> str:
    """Return a text, cut to this many characters."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


class Clock:
    """Ends what never comes back, where the system has signals for that."""

    def __init__(self) -> None:
        self.computing = PATIENCE
        self.waiting = LONGEST_WAIT

    @contextmanager
    def running(self) -> Iterator[None]:
        """Raise TimeoutError in what is done meanwhile, if it takes too long.

        Raise it again and again: an app may catch the first one.
        """
        if not hasattr(signal, "setitimer"):
            yield
            return
        signal.signal(signal.SIGPROF, self.end_loop)
        signal.signal(signal.SIGALRM, self.end_wait)
        signal.setitimer(signal.ITIMER_PROF, self.computing, self.computing)
        signal.setitimer(signal.ITIMER_REAL, self.waiting, self.waiting)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def end_loop(self, *_: object) -> None:
        """Raise TimeoutError; what comes after an endless loop has less time."""
        seconds = self.computing
        self.computing = 1
        raise TimeoutError(
            f"nothing came back in {seconds:g} seconds: an endless loop?"
        )

    def end_wait(self, *_: object) -> None:
        """Raise TimeoutError; what comes after an endless wait has less time."""
        seconds = self.waiting
        self.waiting = 10
        raise TimeoutError(
            f"nothing came back in {seconds:g} seconds: what does it wait for?"
        )


def describe_request(asked: Request) -> str:
    """Return a request as one would say it: GET /login?next=/account."""
    return f"{asked.method} {asked.full_path.rstrip('?')}"


def describe_view(view: Callable[..., object] | None) -> str:
    """Return where the function is that answers a request; an empty text if unknown."""
    code = getattr(inspect.unwrap(view), "__code__", None) if view else None
    if code is None or PACKAGE not in Path(code.co_filename).parts:
        return ""  # nobody, or a view of Flask itself
    return f"{short(code.co_filename)}:{code.co_firstlineno}, in {code.co_name}()"


def describe_code(report: pytest.TestReport, folder: Path) -> str:
    """Return the line of the app at which the test's own call has failed, if it did."""
    traceback_shown = getattr(report.longrepr, "reprtraceback", None)
    for entry in reversed(getattr(traceback_shown, "reprentries", [])):
        location = entry.reprfileloc
        if location and (ROOT / location.path).is_relative_to(folder):
            return f"{short(ROOT / location.path)}:{location.lineno}"
    return ""


def describe_failure(report: pytest.TestReport) -> list[str]:
    """Return what pytest says about a failure, without what only pytest needs."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash else report.longreprtext
    lines = message.strip().partition("\n<!doctype")[0].splitlines()
    if crash and lines == ["AssertionError"]:
        # Raised in a helper, whose assertions pytest does not explain.
        lines = [linecache.getline(crash.path, crash.lineno).strip()]
    said = []
    for line in without_explanation(lines):
        if "Use -v" not in line:
            line = re.sub("^(AssertionError: )?(assert (?=the ))?", "", line)
            said.append(" ".join(cut_value(word) for word in line.split(" ")))
    return said[:MOST_LINES]


def cut_value(word: str) -> str:
    """Return a word, without its middle if it is long: five lines of M hide the rest.

    Its end may be the name of a file.
    """
    if len(word) <= LONGEST_VALUE:
        return word
    return f"{word[:30]}...{word[-27:]}"


def without_explanation(lines: list[str]) -> list[str]:
    """Return an assertion's own message alone, if it has one.

    Pytest adds below it what it knows about the values: "assert False", "+ where ...".
    """
    for number, line in enumerate(lines):
        if number > 0 and line.startswith("assert "):
            return lines[:number]
    return lines


def describe_exception(log: str, folder: Path) -> str:
    """Return what the app's own code raised, and where; an empty text if nothing.

    The app answered 500 and wrote the traceback into its log, which pytest has kept.
    """
    place = describe_traceback(log, folder)
    return f"{short(folder)}/{place}" if place else ""


def describe_place(report: pytest.TestReport) -> str:
    """Return the line of the test at which it failed, with its file and number."""
    file = report.nodeid.partition("::")[0]
    number = line_in_test(report, file)
    line = linecache.getline(str(ROOT / file), number).strip()
    return f"{file}:{number}   {line}"


def line_in_test(report: pytest.TestReport, file: str) -> int:
    """Return the line at which a test failed; its first one if none is known."""
    traceback_shown = getattr(report.longrepr, "reprtraceback", None)
    for entry in getattr(traceback_shown, "reprentries", []):
        location = entry.reprfileloc
        if location and str(location.path).endswith(file):
            return location.lineno
    return report.location[1] + 1
