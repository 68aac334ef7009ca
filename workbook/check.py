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
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

from workbook import common
from workbook.common import PACKAGE, ROOT, STEPS, WORK, WorkbookError, mark, paint, say

Result = tuple[str, dict[str, Any] | str | None]  # a test's behaviour and its problem; or "" and why nothing was tried


@dataclass
class Behaviour:
    """What one test function asks for, in all its cases, and what went wrong."""

    key: str  # 04_signup::test_name
    why: str
    problems: list[dict[str, Any]] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Its name, to read."""
        return self.key.partition("::test_")[2].replace("_", " ")


class Judge:
    """A pytest plugin that collects the suites once, and then runs them as often as `loop` asks for."""

    def __init__(self, step: str, folder: Path, loop: Callable[["Judge"], int]) -> None:
        self.step, self.folder, self.loop = step, folder, loop
        self.shown = folder.relative_to(ROOT).as_posix()
        self.behaviours: dict[str, Behaviour] = {}
        self.failing = set(common.read_state(folder).get("failing", []))
        self.reports: list[pytest.TestReport] = []
        self.asked: list[str] = []
        self.outcome: int | BaseException | None = None

    def run(self) -> int:
        """Collect, loop, and give the exit status. Starts as little of pytest as it can: the answer is waited for."""
        common.say_command("pytest", "--step", self.step[:2], "--app", self.shown)
        os.chdir(ROOT)
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        suites = [f"tests/{name}" for name in STEPS[: STEPS.index(self.step) + 1] if Path("tests", name).is_dir()]
        options = ["--step", self.step[:2], "--app", self.shown, "--capture=sys", "-p", "no:cacheprovider"]
        status = pytest.main([*options, *suites], plugins=[self])
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return int(status) if self.outcome is None else self.outcome

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take pytest's own report off the terminal: ours is shorter."""
        config.pluginmanager.unregister(name="terminalreporter")

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Iterator[None]:
        """Let pytest keep what it makes of the test files: that is half of the time to start."""
        kept = sys.dont_write_bytecode, sys.pycache_prefix
        sys.dont_write_bytecode, sys.pycache_prefix = False, os.path.join(sys.prefix, "pycache")
        try:
            return (yield)
        finally:
            sys.dont_write_bytecode, sys.pycache_prefix = kept

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Hand over to the loop, with the terminal as it was before pytest began to capture it."""
        self.items = session.items
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

    def round(self) -> Iterator[tuple[int, int]]:
        """Run every test, what failed last time first; tells how many are done, of how many."""
        docs = {key(item): " ".join((item.obj.__doc__ or "").split("\n\n")[0].split()) for item in self.items}
        self.behaviours = {name: Behaviour(name, why) for name, why in docs.items()}
        done = 0
        for name, problem in self.results(sorted(self.items, key=lambda item: key(item) not in self.failing)):
            if not name:
                raise WorkbookError(f"The app does not start, so no behaviour was tried.\n{problem}")
            self.behaviours[name].problems += [problem] if problem else []
            yield (done := done + 1), len(self.items)
        if done < len(self.items):
            raise WorkbookError("The tests ended early: something in the app ends the whole Python process.")
        self.failing = {name for name, behaviour in self.behaviours.items() if behaviour.problems}

    def results(self, items: list[pytest.Item]) -> Iterator[Result]:
        """Judge the tests in a fork per core, each with the app as it is now; where there is no fork, in turn."""
        if "fork" not in multiprocessing.get_all_start_methods():
            results: list[Result] = []
            self.judge(items, results.append)
            yield from results
            return
        fork = multiprocessing.get_context("fork")
        workers, pipes = [], []
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
        if multiprocessing.parent_process():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer: it ends its children
            gc.freeze()  # what came with the fork stays; looking through it again and again takes a fifth of the time
            gc.set_threshold(20_000)
        self.capture.resume_global_capture()
        if problem := start_problem(int(self.step[:2]), self.folder):
            send(("", problem))
            items = []
        from flask import request_finished

        request_finished.connect(self.note)
        for item, following in zip(items, [*items[1:], None], strict=False):
            self.reports.clear()
            self.asked.clear()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            failed = next((report for report in self.reports if report.failed), None)
            send((key(item), self.describe(item, failed) if failed else None))
        self.capture.suspend_global_capture(in_=True)

    def note(self, _app: object, response: Any, **_: object) -> None:  # noqa: ANN401 -- Flask's signals are untyped
        """Note what was asked of the app and what came back."""
        from flask import request

        self.asked.append(f"{request.method} {request.full_path.rstrip('?')} -> {response.status}")

    def describe(self, item: pytest.Item, report: pytest.TestReport) -> dict[str, Any]:
        """What was asked, what came back, and where, of a test that failed."""
        crash = getattr(report.longrepr, "reprcrash", None)
        said = (crash.message if crash else report.longreprtext).strip().splitlines()
        entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", [])
        spots = [(entry.reprfileloc.path, entry.reprfileloc.lineno) for entry in entries if entry.reprfileloc]
        path, line = next(
            (spot for spot in spots if Path(ROOT, spot[0]) == item.path), (item.path, item.location[1] + 1)
        )
        # A view that raised: the app answered 500 and wrote the traceback into its log, which pytest has kept.
        lines = re.findall(rf'File "{re.escape(str(self.folder))}/(\S+)", line (\d+)', report.caplog)
        errors = re.findall(r"^(?:\w+\.)*[A-Z]\w+(?:: .*)?$", report.caplog, re.MULTILINE)
        return {
            "said": said[:12],
            "asked": self.asked[-3:],
            "raised": f"{self.shown}/{':'.join(lines[-1])}: {errors[-1]}" if lines and errors else "",
            "where": f"{Path(ROOT, path).relative_to(ROOT).as_posix()}:{line}",
            "code": linecache.getline(str(ROOT / path), line).strip(),
        }


def key(item: pytest.Item) -> str:
    """The behaviour that a test belongs to, whatever its case."""
    return f"{item.path.parent.name}::{item.originalname}"


def start_problem(number: int, folder: Path) -> str:
    """Why the app does not start, with file and line; empty if it does. Reads its templates too."""
    from harness import STEPS as APPS
    from jinja2 import TemplateSyntaxError

    try:
        app = APPS[number].create_app()
        for name in app.jinja_env.list_templates(extensions=["html"]):
            app.jinja_env.get_template(name)
    except (SyntaxError, TemplateSyntaxError) as error:
        path, line, said = str(error.filename), error.lineno, f"{type(error).__name__}: {getattr(error, 'msg', error)}"
    except (Exception, SystemExit) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(folder)]
        path, line = (frames[-1].filename, frames[-1].lineno) if frames else (str(folder / PACKAGE / "__init__.py"), 1)
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError) and PACKAGE not in str(error.name):
            said = f"the package {error.name} is not installed here. Is its name spelt right?"
    else:
        return ""
    path = Path(path).relative_to(ROOT).as_posix() if Path(path).is_relative_to(ROOT) else path
    return f"{path}:{line}: {said}\n    {linecache.getline(str(ROOT / path), line or 1).strip()}"


def check_command(options: argparse.Namespace) -> int:
    """Judge work/, once or at every save."""
    if options.step and WORK.is_dir():
        common.write_state(WORK, step=common.find_step(options.step))
    step = common.work_step()
    if options.watch:
        from workbook.watch import watch

        return Judge(step, WORK, watch).run()
    return Judge(step, WORK, tell_round).run()


def tell_round(judge: Judge, show: Callable[[Judge], None] | None = None) -> int:
    """Run once, with a bar where there is a terminal; report, remember, and give the exit status."""
    bar = sys.stdout.isatty()
    try:
        for done, of in judge.round():
            if bar and (done == of or not done % 5):
                print(f"\r\x1b[K[{'#' * (30 * done // of):30}] {done} of {of}", end="", flush=True)
    finally:
        print("\r\x1b[K" if bar else "", end="", flush=True)
    failing, count = in_order(judge), len(judge.behaviours)
    done = {**common.read_state(judge.folder).get("done", {}), judge.step: [count - len(failing), count]}
    with suppress(OSError):  # a folder that cannot be written to is judged all the same
        common.write_state(judge.folder, step=judge.step, failing=[b.key for b in failing], done=done)
    (show or report)(judge)
    return 1 if failing else 0


def in_order(judge: Judge) -> list[Behaviour]:
    """What does not hold: the step's own behaviours first, then what came before."""
    failing = [behaviour for behaviour in judge.behaviours.values() if behaviour.problems]
    return sorted(failing, key=lambda behaviour: not behaviour.key.startswith(judge.step))


def report(judge: Judge) -> None:
    """Print a tick or a cross for each behaviour, a line for each suite that holds, and one failure in full."""
    for suite in STEPS:
        members = [b for b in judge.behaviours.values() if b.key.startswith(f"{suite}::")]
        if members and suite != judge.step and not any(b.problems for b in members):
            say(f"{mark(True)} {suite}: all {len(members)} hold")
        elif members:
            say(paint(suite, "1"))
            for behaviour in members:
                say(f"  {mark(not behaviour.problems)} {behaviour.words}")
    failing, count = in_order(judge), len(judge.behaviours)
    if not failing:
        say(paint(f"\nAll {count} behaviours hold.", "1;32"))
        return
    problem = failing[0].problems[0]
    say(f"\n{mark(False)} {paint(failing[0].words, '1')}\n  Why    {failing[0].why}")
    for asked in problem["asked"]:
        say(f"  Asked  {asked}")
    for number, line in enumerate(problem["said"]):
        say(f"  {'' if number else 'Said':6} {line}")
    if problem["raised"]:
        say(f"  Raised {paint(problem['raised'], '1')}")
    say(f"  Test   {problem['where']}   {problem['code']}\n")
    same = sum(any(other["said"] == problem["said"] for other in b.problems) for b in failing[1:])
    more = f" {same} more fail for the same reason." if same else ""
    say(paint(f"{count - len(failing)} of {count} behaviours hold.", "1;31") + more)
    say("Stuck? python3 -m workbook hint")
