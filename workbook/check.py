"""`check`: run the suites on somebody's folder and tell, in plain words, which behaviours hold."""

import argparse
import gc
import linecache
import multiprocessing
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

from workbook import common
from workbook.common import PACKAGE, ROOT, STEPS, WORK, WorkbookError, mark, paint

Result = tuple[str, dict[str, Any] | None]  # a behaviour, 04_signup::test_name, and what went wrong with it


class Judge:
    """A pytest plugin that collects the suites once, and then runs them as often as `loop` asks for."""

    def __init__(self, step: str, folder: Path, loop: Callable[["Judge"], int]) -> None:
        self.step, self.folder, self.loop = step, folder, loop
        self.shown = folder.relative_to(ROOT).as_posix()
        self.failing: list[str] = common.read_state(folder).get("failing", [])
        self.reports: list[pytest.TestReport] = []
        self.asked: list[str] = []
        self.outcome: int | BaseException | None = None

    def run(self) -> int:
        """Collect, loop, and give the exit status. Starts as little of pytest as it can: the answer is waited for."""
        common.say_command("pytest", "--step", self.step[:2], "--app", self.shown)
        os.chdir(ROOT)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        suites = [f"tests/{name}" for name in STEPS[: STEPS.index(self.step) + 1]]
        options = ["--step", self.step[:2], "--app", self.shown, "--capture=sys", "-p", "no:cacheprovider"]
        status = pytest.main([*options, *suites], plugins=[self])
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return int(status) if self.outcome is None else self.outcome

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take pytest's own report off the terminal, and let it keep what it makes of the test files: that is slow."""
        config.pluginmanager.unregister(name="terminalreporter")
        sys.pycache_prefix, sys.dont_write_bytecode = os.path.join(sys.prefix, "pycache"), False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand over to the loop, with the terminal as it was before pytest began to capture it."""
        self.items = session.items
        self.whys = {key(item): " ".join((item.obj.__doc__ or "").split()) for item in self.items}
        self.capture = session.config.pluginmanager.getplugin("capturemanager")
        self.capture.suspend_global_capture(in_=True)
        try:
            if session.testsfailed or not self.items:
                raise WorkbookError("The suites themselves cannot be read: `pytest --collect-only` says why.")
            self.outcome = self.loop(self)
        except BaseException as error:  # kept from pytest, which would print a traceback
            self.outcome = error
        self.capture.resume_global_capture()
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what pytest reports about the test that runs."""
        self.reports.append(report)

    def round(self) -> Iterator[int]:
        """Run every test, what failed last time first; tells how many are done."""
        self.problems: dict[str, list[dict[str, Any]]] = {name: [] for name in self.whys}
        done = 0
        for name, problem in self.results(sorted(self.items, key=lambda item: key(item) not in self.failing)):
            if not name:
                raise WorkbookError(f"The app does not start, so no behaviour was tried.\n{problem['said']}")
            self.problems[name] += [problem] if problem else []
            yield (done := done + 1)
        if done < len(self.items):
            raise WorkbookError("The tests ended early: something in the app ends the whole Python process.")
        failing = [name for name, problems in self.problems.items() if problems]
        self.failing = sorted(failing, key=lambda name: not name.startswith(self.step))  # the step's own come first

    def results(self, items: list[pytest.Item]) -> Iterator[Result]:
        """Judge the tests in a fork per core, each with the app as it is now; where there is no fork, in turn."""
        if "fork" not in multiprocessing.get_all_start_methods():
            results: list[Result] = []
            self.judge(items, results.append)
            yield from results
            return
        fork, workers, pipes = multiprocessing.get_context("fork"), [], []
        try:
            for number in range(count := min(os.cpu_count() or 1, 8)):
                pipe, end = fork.Pipe(duplex=False)
                workers.append(fork.Process(target=self.judge, args=(items[number::count], end.send), daemon=True))
                workers[-1].start()
                end.close()
                pipes.append(pipe)
            while pipes:
                for pipe in connection.wait(pipes):
                    try:
                        yield pipe.recv()
                    except EOFError:
                        pipes.remove(pipe)
        finally:
            for worker in workers:
                worker.terminate()
                worker.join()

    def judge(self, items: list[pytest.Item], send: Callable[[Result], None]) -> None:
        """Run these tests and send what became of each."""
        from flask import request, request_finished

        def note(_: object, response: Any, **__: object) -> None:  # noqa: ANN401 -- Flask's signals are untyped
            self.asked.append(f"{request.method} {request.full_path.rstrip('?')} -> {response.status}")

        if multiprocessing.parent_process():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer: it ends its children
            gc.freeze()  # what came with the fork stays; looking through it again and again takes a fifth of the time
            gc.set_threshold(20_000)
        sys.dont_write_bytecode = True  # what is saved twice in a second must not be taken from a cache
        self.capture.resume_global_capture()
        if problem := start_problem(int(self.step[:2]), self.folder):
            send(("", {"said": problem}))
            items = []
        request_finished.connect(note)
        for item, following in zip(items, [*items[1:], None], strict=False):
            self.reports.clear()
            self.asked.clear()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            failed = next((report for report in self.reports if report.failed), None)
            send((key(item), self.describe(item, failed) if failed else None))
        self.capture.suspend_global_capture(in_=True)

    def describe(self, item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
        """What was asked, what came back, and where, of a test that failed."""
        crash = getattr(report.longrepr, "reprcrash", None)
        said = (crash.message if crash else report.longreprtext).partition("\n<!doctype")[0].splitlines()
        entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", [])
        places = [entry.reprfileloc for entry in entries if entry.reprfileloc]
        lines = [place.lineno for place in places if ROOT / place.path == item.path] or [item.location[1] + 1]
        code = linecache.getline(str(item.path), lines[0]).strip()
        test = f"{item.path.relative_to(ROOT).as_posix()}:{lines[0]}   {code}"
        # A view that raised: the app answered 500 and wrote the traceback into its log, which pytest has kept.
        places = re.findall(rf'File "{re.escape(str(self.folder))}.(\S+)", line (\d+)', report.caplog)
        errors = re.findall(r"^(?:\w+\.)*[A-Z]\w+(?:: .*)?$", report.caplog, re.MULTILINE)
        raised = f"{self.shown}/{':'.join(places[-1])}: {errors[-1]}" if places and errors else ""
        return {"said": said[:12], "asked": self.asked[-3:], "raised": raised, "test": test}


def key(item: pytest.Item) -> str:
    """The behaviour that a test belongs to, whatever its case."""
    return f"{item.path.parent.name}::{item.originalname}"


def words(name: str) -> str:
    """A behaviour, to read."""
    return name.partition("::test_")[2].replace("_", " ")


def start_problem(number: int, folder: Path) -> str:
    """Why the app does not start, with file and line; empty if it does. Reads its templates too."""
    from harness import STEPS as APPS
    from jinja2 import TemplateSyntaxError

    try:
        vars(APPS[number]).pop("module", None)  # where there is no fork, the app of the last round
        app = APPS[number].create_app()
        for name in app.jinja_env.list_templates(extensions=["html"]):
            app.jinja_env.get_template(name)
        return ""
    except (SyntaxError, TemplateSyntaxError) as error:
        path, line, said = str(error.filename), error.lineno, f"{type(error).__name__}: {getattr(error, 'msg', error)}"
    except (Exception, SystemExit) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(folder)]
        path, line = (frames[-1].filename, frames[-1].lineno) if frames else (str(folder / PACKAGE / "__init__.py"), 1)
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError) and PACKAGE not in str(error.name):
            said = f"the package {error.name} is not installed here. Is its name spelt right?"
    return f"{path.removeprefix(f'{ROOT}{os.sep}')}:{line}: {said}\n    {linecache.getline(path, line or 1).strip()}"


def check_command(options: argparse.Namespace) -> int:
    """Judge work/, once or at every save."""
    if options.step and WORK.is_dir():
        common.write_state(WORK, step=common.find_step(options.step))
    step, loop = common.work_step(), tell_round
    if options.watch:
        from workbook.watch import watch as loop
    return Judge(step, WORK, loop).run()


def tell_round(judge: Judge, brief: bool = False) -> int:
    """Run once, with a bar where there is a terminal; remember, report, and give the exit status."""
    of, bar = len(judge.items), sys.stdout.isatty()
    try:
        for done in judge.round():
            if bar and (done == of or not done % 5):
                print(f"\r\x1b[K[{'#' * (30 * done // of):30}] {done} of {of}", end="", flush=True)
    finally:
        print("\r\x1b[K" if bar else "", end="", flush=True)
    reached = [len(judge.whys) - len(judge.failing), len(judge.whys)]
    with suppress(OSError):  # a folder that cannot be written to is judged all the same
        done = {**common.read_state(judge.folder).get("done", {}), judge.step: reached}
        common.write_state(judge.folder, step=judge.step, failing=judge.failing, done=done)
    if not brief:
        report(judge)
    return 1 if judge.failing else 0


def report(judge: Judge) -> None:
    """Print a tick or a cross for each behaviour, a line for each suite that holds, and one failure in full."""
    for suite in STEPS[: STEPS.index(judge.step) + 1]:
        members = [name for name in judge.whys if name.startswith(f"{suite}::")]
        if suite != judge.step and not set(members) & set(judge.failing):
            print(f"{mark(True)} {suite}: all {len(members)} hold")
        else:
            print(
                paint(suite, "1"), *(f"  {mark(not judge.problems[name])} {words(name)}" for name in members), sep="\n"
            )
    if not judge.failing:
        print(paint(f"\nAll {len(judge.whys)} behaviours hold.", "1;32"))
        return
    first = judge.failing[0]
    problem = judge.problems[first][0]
    print(f"\n{mark(False)} {paint(words(first), '1')}\n  Why    {judge.whys[first]}")
    print(*(f"  Asked  {asked}\n" for asked in problem["asked"]), sep="", end="")
    print("  Said  ", "\n         ".join(problem["said"]))
    print(f"  Raised {paint(problem['raised'], '1')}\n" if problem["raised"] else "", end="")
    print(f"  Test   {problem['test']}\n")
    alike = sum(any(other["said"] == problem["said"] for other in judge.problems[name]) for name in judge.failing[1:])
    verdict = f"{len(judge.whys) - len(judge.failing)} of {len(judge.whys)} behaviours hold."
    print(paint(verdict, "1;31"), f"{alike} more fail for the same reason." if alike else "")
    print("Stuck? python3 -m workbook hint" if judge.folder == WORK else "", end="\n" * (judge.folder == WORK))
