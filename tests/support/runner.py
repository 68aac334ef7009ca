"""Run the suites on copies of the steps, many times over, without importing Flask and
pytest each time.

Where the system can fork, one process imports everything once and forks for each run:
that saves half of the time.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MARK = "\x1eresult "  # in front of the line that matters: a suite may print too
LIMIT = 600  # seconds: a mistake may make the app run in circles
# Nothing but what the suites need. The -c: pytest must not look for its settings beside
# a folder that is elsewhere.
QUIET = [
    "-q",
    "--tb=no",
    "--no-summary",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    f"-c{ROOT / 'pyproject.toml'}",
]
ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "",
    "PYTHONDONTWRITEBYTECODE": "1",
}
Outcomes = dict[str, list[str]]


class Notes:
    """A pytest plugin that notes which tests passed and which failed, by file and
    function.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, set[str]] = {
            "passed": set(),
            "failed": set(),
            "skipped": set(),
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test; one that breaks while it is set up or cleaned up has failed as
        well.
        """
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.outcome].add(report.nodeid.partition("[")[0])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot even be read."""
        if report.failed:
            self.outcomes["failed"].add(report.nodeid)


def suites(last: str = "99") -> list[str]:
    """The suites up to this step, its own first: it is the likeliest to fail."""
    folders = sorted((ROOT / "tests").glob("[0-9][0-9]_*"), reverse=True)
    return [str(folder) for folder in folders if folder.name[:2] <= last[:2]]


def answer(step: str, folder: str, *tests: str) -> None:
    """Print, in one line, which of these tests passed, failed and were skipped in this
    folder.
    """
    notes = Notes()
    status = pytest.main(
        [*QUIET, "--step", step, f"--app={folder}", *(tests or suites(step))],
        plugins=[notes],
    )
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        notes.outcomes["failed"].add(f"pytest itself, which ended with {status!r}")
    line = json.dumps(
        {outcome: sorted(tests) for outcome, tests in notes.outcomes.items()}
    )
    print(f"\n{MARK}{line}", flush=True)


def serve() -> None:
    """Read the arguments of `answer`, a list in each line, and answer from a fork of
    this process.
    """
    import signal

    pytest.main([*QUIET, "--collect-only", *suites()])
    files = [file.stem for suite in suites() for file in Path(suite).glob("test_*.py")]
    for name in files:
        if (
            files.count(name) > 1
        ):  # pytest would take one suite's test_commands.py for another's
            sys.modules.pop(name, None)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            signal.alarm(LIMIT)
            answer(*json.loads(line))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            print(f"\n{MARK}null", flush=True)


class Runner:
    """Has copies of the steps judged, by a process that lives as long as it is
    needed."""

    def __init__(self) -> None:
        self.temporary = (
            tempfile.TemporaryDirectory()
        )  # its own: two runs that clean up one folder trip each other
        self.server = self.start("serve") if hasattr(os, "fork") else None

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start this file as a program."""
        return subprocess.Popen(
            [sys.executable, __file__, *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                **ENVIRONMENT,
                "PYTEST_DEBUG_TEMPROOT": self.temporary.name,
            },
            text=True,
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def judge(self, step: str, folder: Path, *tests: str) -> Outcomes:
        """Of these tests, or else of all in the suites up to this step: which passed,
        failed, were skipped.
        """
        arguments = [step, str(folder), *tests]
        if self.server:
            self.server.stdin.write(json.dumps(arguments) + "\n")
            self.server.stdin.flush()
            lines = iter(self.server.stdout.readline, "")
        else:
            lines = iter(
                self.start(*arguments).communicate(timeout=LIMIT)[0].splitlines()
            )
        found = next((line for line in lines if line.startswith(MARK)), f"{MARK}null")
        broken = {
            "passed": [],
            "failed": ["the whole run: it crashed, or never ended"],
            "skipped": [],
        }
        return json.loads(found.removeprefix(MARK)) or broken

    def close(self) -> None:
        """End the process."""
        if self.server:
            self.server.communicate()
        self.temporary.cleanup()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        answer(*sys.argv[1:])
