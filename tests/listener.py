"""A pytest plugin that says, in plain words, what became of each behaviour: what the tool's `check` listens to."""

import linecache
import multiprocessing
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import request, request_finished
from harness import PACKAGE, ROOT, STEPS
from jinja2 import TemplateSyntaxError


class Listener:
    """Runs its share of the tests and sends what becomes of them: plan, stop, problem, done."""

    def __init__(
        self, words: list[str], folder: Path, first: list[str], share: tuple[int, int], send: Callable[..., None]
    ) -> None:
        self.words, self.folder, self.first, self.share, self.send = words, folder, first, share, send
        self.asked: list[str] = []

    def run(self) -> None:
        """Run pytest in this process, as little of it as will do: the answer is waited for."""
        if multiprocessing.parent_process():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer: it ends its children
        request_finished.connect(self.note)
        pytest.main(self.words, plugins=[self])

    def note(self, _: object, response: Any, **__: object) -> None:
        """Note what was asked of the app, and what came back."""
        self.asked.append(f"{request.method} {request.full_path.rstrip('?')} -> {response.status}")

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take pytest's own report off the terminal, and let it keep what it makes of the test files: that is slow."""
        config.pluginmanager.unregister(name="terminalreporter")
        sys.pycache_prefix, sys.dont_write_bytecode = os.path.join(sys.prefix, "pycache"), False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item], config: pytest.Config) -> None:
        """Take a share of the tests, what failed last time first; none where the app does not start."""
        sys.dont_write_bytecode = True  # an app that is saved twice in a second must not be taken from a cache
        whys = {behaviour(item.nodeid): " ".join((item.obj.__doc__ or "").split()) for item in items}
        items.sort(key=lambda item: behaviour(item.nodeid) not in self.first)
        items[:] = items[self.share[0] :: self.share[1]]
        self.send(("plan", whys, len(items)))
        if problem := start_problem(config.workbook_step, self.folder):
            self.send(("stop", f"The app does not start, so no behaviour was tried.\n{problem}"))
            items.clear()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Say which of the suites cannot be read."""
        if report.failed:
            self.send(("stop", f"{report.nodeid} cannot be read: {report.longreprtext.splitlines()[-1]}"))

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
        said = (crash.message if crash else report.longreprtext).strip().partition("\n<!doctype")[0].splitlines()
        if crash and said == ["AssertionError"]:  # raised in a helper, which pytest does not explain
            said = [linecache.getline(crash.path, crash.lineno).strip()]
        entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", [])
        lines = [at.lineno for entry in entries if (at := entry.reprfileloc) and str(at.path).endswith(file)]
        line = lines[0] if lines else report.location[1] + 1
        # A view that raised: the app answered 500 and wrote the traceback into its log, which pytest has kept.
        places = re.findall(rf'File "{re.escape(str(self.folder))}.(.+?)", line (\d+)', report.caplog)
        errors = re.findall(r"^(?:\w+\.)*[A-Z]\w+(?:: .*)?$", report.caplog, re.MULTILINE)
        raised = f"{short(self.folder)}/{':'.join(places[-1])}: {errors[-1]}" if places and errors else ""
        test = f"{file}:{line}   {linecache.getline(str(ROOT / file), line).strip()}"
        return {"said": said[:12], "asked": self.asked[-3:], "raised": raised, "test": test}


def behaviour(nodeid: str) -> str:
    """The behaviour that a test belongs to, whatever its case: 04_signup::test_name."""
    return f"{nodeid.split('/')[1]}::{nodeid.rpartition('.py::')[2].partition('[')[0]}"


def short(path: Path | str) -> str:
    """A path as one would type it."""
    return Path(path).relative_to(ROOT).as_posix() if Path(path).is_relative_to(ROOT) else str(path)


def start_problem(number: int, folder: Path) -> str:
    """Why the app does not start, with file and line; empty if it does. Reads its templates too."""
    try:
        app = STEPS[number].create_app()
        for name in app.jinja_env.list_templates(extensions=["html"]):
            app.jinja_env.get_template(name)
    except (SyntaxError, TemplateSyntaxError) as error:
        path, line, said = str(error.filename), error.lineno, f"{type(error).__name__}: {getattr(error, 'msg', error)}"
    except (Exception, SystemExit) as error:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(folder)]
        path, line = (frames[-1].filename, frames[-1].lineno) if frames else (str(folder / PACKAGE / "__init__.py"), 1)
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(PACKAGE):
            said = f"the package {error.name} is not installed here. Is its name spelt right?"
    else:
        return ""
    return f"{short(path)}:{line}: {said}\n    {linecache.getline(path, line or 1).strip()}"
