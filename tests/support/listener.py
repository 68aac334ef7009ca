"""A pytest plugin that says, in plain words, what became of each behaviour: what the
tool's `check` listens to.
"""

import linecache
import multiprocessing
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request, request, request_finished
from jinja2 import TemplateSyntaxError

from tests.support.harness import PACKAGE, ROOT, STEPS
from workbook.places import lesson_files

# Seconds; a behaviour takes a fraction of one, so what takes longer will not end.
PATIENCE = float(os.environ.get("WORKBOOK_PATIENCE", 20))


class Listener:
    """Runs those tests that no other process has begun, and sends what becomes of them:
    plan, stop, problem, done.
    """

    def __init__(
        self,
        words: list[str],
        folder: Path,
        first: list[str],
        taken: Any,
        send: Callable[..., None],
    ) -> None:
        self.words, self.folder, self.first, self.send = words, folder, first, send
        self.taken = (
            taken  # how many tests have been begun, a number that all processes share
        )
        self.asked: list[tuple[dict[str, Any], str]] = []
        self.patience = PATIENCE

    def run(self) -> None:
        """Run pytest in this process, as little of it as will do: the answer is waited
        for.
        """
        if multiprocessing.parent_process():
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # Ctrl-C is the parent's to answer: it ends its children
        request_finished.connect(self.note)
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, self.give_up)
        pytest.main(self.words, plugins=[self])

    def give_up(self, *_: object) -> None:
        """End an endless loop; what comes after one is not given as long."""
        seconds = self.patience
        self.patience = 1
        raise TimeoutError(
            f"nothing came back in {seconds:g} seconds: an endless loop?"
        )

    def expect_an_end(self) -> None:
        """Begin to count the seconds, and go on counting: an app may catch the first
        exception.
        """
        if hasattr(signal, "SIGALRM"):
            signal.setitimer(signal.ITIMER_REAL, self.patience, self.patience)

    def pytest_runtest_setup(self) -> None:
        """Each behaviour has its own time."""
        self.expect_an_end()

    def note(self, _: object, response: Any, **__: object) -> None:
        """Note what was asked of the app, and what came back."""
        self.asked.append((request.environ, response.status))

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take pytest's own report off the terminal, and let it keep what it makes of
        the test files: that is slow.
        """
        config.pluginmanager.unregister(name="terminalreporter")
        sys.pycache_prefix = os.path.join(sys.prefix, "pycache")
        sys.dont_write_bytecode = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item], config: pytest.Config
    ) -> None:
        """Sort the tests, what failed last time first, and announce them.

        Drop all of them if the app does not start.
        """
        sys.pycache_prefix = None
        sys.dont_write_bytecode = (
            True  # an app saved twice in a second is not for a cache
        )
        whys = {
            behaviour(item.nodeid): " ".join((item.obj.__doc__ or "").split())
            for item in items
        }
        items.sort(key=self.order)
        self.send(("plan", whys, len(items)))
        self.expect_an_end()
        problem = start_problem(config.workbook_step, self.folder)
        if problem:
            self.send(
                (
                    "stop",
                    f"The app does not start, so no behaviour was tried.\n{problem}",
                )
            )
            items.clear()

    def order(self, item: pytest.Item) -> tuple[bool, bool]:
        """For sorting: what failed last time, then what takes long.

        Begun at the end, that would be waited for.
        """
        failed = behaviour(item.nodeid) in self.first
        slow = item.get_closest_marker("slow") is not None
        return not failed, not slow

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take one test at a time; pytest wants to know the one after it, too."""
        mine = self.untaken(session.items)
        item = next(mine, None)
        while item:
            following = next(mine, None)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            item = following
        return True

    def untaken(self, items: list[pytest.Item]) -> Iterator[pytest.Item]:
        """The tests that nobody has begun, in their order."""
        for number, item in enumerate(items):
            with self.taken.get_lock():
                free = number == self.taken.value
                self.taken.value += free
            if free:
                yield item

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Say which of the suites cannot be read."""
        if report.failed:
            self.send(
                (
                    "stop",
                    f"{report.nodeid} cannot be read: {report.longreprtext.splitlines()[-1]}",
                )
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send what failed, and that a test is done."""
        if report.failed:
            self.send(("problem", behaviour(report.nodeid), self.describe(report)))
        if report.when == "teardown":
            self.asked.clear()
            self.send(("done",))

    def describe(self, report: pytest.TestReport) -> dict[str, Any]:
        """What was asked, what came back, and where, of a test that failed."""
        file = report.nodeid.partition("::")[0]
        crash = getattr(report.longrepr, "reprcrash", None)
        said = (
            (crash.message if crash else report.longreprtext)
            .strip()
            .partition("\n<!doctype")[0]
            .splitlines()
        )
        if crash and said == [
            "AssertionError"
        ]:  # raised in a helper, which pytest does not explain
            said = [linecache.getline(crash.path, crash.lineno).strip()]
        line = line_in_test(report, file)
        # A view that raised: the app answered 500 and wrote the traceback into its log,
        # which pytest has kept.
        places = re.findall(
            rf'File "{re.escape(str(self.folder))}.(.+?)", line (\d+)', report.caplog
        )
        errors = re.findall(
            r"^(?:\w+\.)*[A-Z]\w+(?:: .*)?$", report.caplog, re.MULTILINE
        )
        raised = (
            f"{short(self.folder)}/{':'.join(places[-1])}: {errors[-1]}"
            if places and errors
            else ""
        )
        test = f"{file}:{line}   {linecache.getline(str(ROOT / file), line).strip()}"
        asked = [f"{told(environ)} -> {status}" for environ, status in self.asked[-3:]]
        said = [
            re.sub("^(AssertionError: )?(assert (?=the ))?", "", line)
            for line in said
            if "Use -v" not in line
        ]
        return {"said": said[:12], "asked": asked, "raised": raised, "test": test}


def line_in_test(report: pytest.TestReport, file: str) -> int:
    """The line of the test at which it failed; its first line if none is known."""
    traceback_shown = getattr(report.longrepr, "reprtraceback", None)
    for entry in getattr(traceback_shown, "reprentries", []):
        location = entry.reprfileloc
        if location and str(location.path).endswith(file):
            return location.lineno
    return report.location[1] + 1


def told(environ: dict[str, Any]) -> str:
    """A request as one would say it: GET /login?next=/account."""
    request = Request(environ)
    return f"{request.method} {request.full_path.rstrip('?')}"


def behaviour(nodeid: str) -> str:
    """The behaviour that a test belongs to, whatever its case: 04_signup::test_name."""
    return f"{nodeid.split('/')[1]}::{nodeid.rpartition('.py::')[2].partition('[')[0]}"


def short(path: Path | str) -> str:
    """A path as one would type it."""
    return (
        Path(path).relative_to(ROOT).as_posix()
        if Path(path).is_relative_to(ROOT)
        else str(path)
    )


def start_problem(number: int, folder: Path) -> str:
    """Why the app does not start, with file and line; empty if it does.

    Reads its templates too.
    """
    try:
        app = STEPS[number].create_app()
        return unreadable_template(app, folder)
    except (SyntaxError, TemplateSyntaxError) as error:
        return describe_syntax_error(error, folder)
    except (Exception, SystemExit) as error:
        return describe_crash(error, folder)


def unreadable_template(app: Flask, folder: Path) -> str:
    """Which template is not there or is not text, in words; empty if all can be
    read."""
    templates = f"{PACKAGE}/templates/"
    for name, path in lesson_files(folder).items():
        if not name.startswith(templates) or path.suffix != ".html":
            continue
        try:
            app.jinja_env.get_template(name.removeprefix(templates))
        except (OSError, UnicodeDecodeError) as error:
            return f"{short(path)}: {error}. Is it there, and saved as UTF-8?"
    return ""


def describe_syntax_error(
    error: SyntaxError | TemplateSyntaxError, folder: Path
) -> str:
    """Where Python or Jinja stopped reading, the message, and the line itself."""
    message = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
    if error.filename:
        return describe_line(str(error.filename), error.lineno or 1, message)
    # Python does not name the file that it cannot read as text.
    path = str(folder)
    for candidate in lesson_files(folder).values():
        if candidate.suffix == ".py" and b"\0" in candidate.read_bytes():
            path = str(candidate)
            break
    return describe_line(path, 1, f"{message}. Is it saved as UTF-8?")


def describe_crash(error: BaseException, folder: Path) -> str:
    """The last line of the app's own code that ran, and what was raised there."""
    path = str(folder / PACKAGE / "__init__.py")
    line = 1
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(folder):
            path = frame.filename
            line = frame.lineno or 1
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(
        PACKAGE
    ):
        message = (
            f"the package {error.name} is not installed here. Is its name spelt right?"
        )
    return describe_line(path, line, message)


def describe_line(path: str, line: int, message: str) -> str:
    """A message with the file, the line's number and the line itself."""
    return (
        f"{short(path)}:{line}: {message}\n    {linecache.getline(path, line).strip()}"
    )
