"""Run suites in other processes, and give what becomes of the tests."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.messages import Done, Message, Plan, Problem, Stop, from_line

ROOT = Path(__file__).parent.parent.parent
STARTED = "started "  # a job's first line: this, and the number of its process
ENDED = "ended"  # the line after the last message of a job
MOST_WORKERS = 8
# One more process imports everything once more: that takes as long as these tests.
BEHAVIOURS_PER_WORKER = 40
# What a session of its own is on Windows.
NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
ENVIRONMENT = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def suites(step: str) -> list[str]:
    """Return the folders of the suites up to a step, by their paths in the workbook."""
    folders = sorted((ROOT / "tests").glob("[0-9][0-9]_*"))
    last = step[:2]
    return [f"tests/{folder.name}" for folder in folders if folder.name[:2] <= last]


def find_tests(chosen: Sequence[str]) -> list[str]:
    """Return what pytest calls these tests; leaves out behaviours that are not there.

    A behaviour is 04_signup::test_name. What is a path already stays as it is.
    """
    found = []
    files: dict[str, str] = {}  # by behaviour
    for name in chosen:
        suite, _, function = name.partition("::")
        if "/" in suite:
            found.append(name)
            continue
        if name not in files:
            files |= files_of_behaviours(suite)
        if name in files:
            found.append(f"{files[name]}::{function}")
    return found


def files_of_behaviours(suite: str) -> dict[str, str]:
    """Return the file that holds each behaviour of a suite."""
    files = {}
    for path in sorted((ROOT / "tests" / suite).glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for function in re.findall(r"^def (test_\w+)", text, re.MULTILINE):
            files[f"{suite}::{function}"] = f"tests/{suite}/{path.name}"
    return files


def workers_for(step: str) -> int:
    """Return how many processes to run the suites up to a step in.

    At most one for each core; fewer where their imports would take longer than the
    tests.
    """
    behaviours = 0
    for suite in suites(step):
        behaviours += len(files_of_behaviours(Path(suite).name))
    useful = max(1, behaviours // BEHAVIOURS_PER_WORKER)
    return min(useful, os.cpu_count() or 1, MOST_WORKERS)


@dataclass
class Outcomes:
    """Which tests passed, failed and were skipped: each by its file and function."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    total: int = 0
    done: int = 0

    def add(self, message: Message) -> None:
        """Add what a message tells. Of a test with several cases, one may fail."""
        if isinstance(message, Plan):
            self.total = message.total
        elif isinstance(message, Done):
            self.done += 1
            getattr(self, message.outcome).add(message.test)
        elif isinstance(message, Problem):
            self.failed.add(message.test)
        elif isinstance(message, Stop):
            self.failed.add(message.reason)


class SuiteRunner:
    """Runs suites, one job after the other, each in a process of its own.

    A warm runner keeps a process that has imported all that no job changes, and that
    forks for each job: the first one waits for the imports, the later ones begin at
    once. Where the system cannot fork, each job starts a new Python.
    """

    def __init__(self, warm: bool = False) -> None:
        self.warm = warm and hasattr(os, "fork")
        self.process: subprocess.Popen[str] | None = None
        self.job = 0  # the number of the process that runs tests; 0 if none does
        # A folder of its own: two runs that clean up one folder disturb each other.
        self.temporary = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)

    def __enter__(self) -> "SuiteRunner":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def judge(
        self,
        step: str,
        folder: Path,
        chosen: Sequence[str] | None = None,
        options: Sequence[str] = (),
    ) -> Outcomes:
        """Run tests to their end, as run_tests() does, and return what became of them.

        A run that ends too early counts as a failure.
        """
        outcomes = Outcomes()
        for message in self.run_tests(step, folder, chosen, options=options):
            outcomes.add(message)
        if outcomes.done < outcomes.total and not outcomes.failed:
            outcomes.failed.add("the whole run: it crashed, or never ended")
        if outcomes.total == 0 and not outcomes.failed:
            outcomes.failed.add("the whole run: it ran no tests")
        return outcomes

    def run_tests(
        self,
        step: str,
        folder: Path,
        chosen: Sequence[str] | None = None,
        workers: int = 1,
        options: Sequence[str] = (),
    ) -> Iterator[Message]:
        """Run the suites up to a step on a folder; give each message as it comes.

        `chosen` are the only tests to run: behaviours (04_signup::test_name), or paths
        as pytest takes them. `options` are pytest's own. To stop
        reading ends the run.
        """
        tests = suites(step) if chosen is None else find_tests(chosen)
        if not tests:
            return
        words = ["--step", step[:2], f"--app={folder}", *options]
        if workers > 1:
            words += ["-pxdist", f"-n{workers}", "--max-worker-restart=0"]
        self.begin_job([*words, *tests])
        try:
            yield from self.read_messages()
        finally:
            self.end_job()

    def begin_job(self, arguments: list[str]) -> None:
        """Have a process run pytest with these arguments."""
        if self.process is None or self.process.poll() is not None:
            self.start_process()
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        started = self.process.stdout.readline()
        if started.startswith(STARTED):
            self.job = int(started.removeprefix(STARTED))

    def start_process(self) -> None:
        """Start the process that runs the tests, or that forks for each job.

        Ctrl-C in the terminal is not for it to answer: it gets a session of its own.
        """
        words = ["--warm"] if self.warm else []
        own = {"PYTEST_DEBUG_TEMPROOT": self.temporary.name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.suite_process", *words],
            cwd=ROOT,
            env={**os.environ, **ENVIRONMENT, **own},
            encoding="utf-8",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            creationflags=NEW_GROUP,
        )

    def read_messages(self) -> Iterator[Message]:
        """Give what a job tells until it ends."""
        for line in self.process.stdout:
            if line.startswith("{"):
                yield from_line(line)
            elif line.startswith(ENDED):
                break
        self.job = 0

    def end_job(self) -> None:
        """End the job, if it still runs; only a warm process takes another."""
        if self.job:
            self.kill(self.job)
            self.skip_to_end()
        if not self.warm:
            self.end_process()

    def skip_to_end(self) -> None:
        """Skip what a job has told; its last line may be half a message."""
        for line in self.process.stdout:
            if line.startswith(ENDED):
                break
        self.job = 0

    def end_process(self) -> None:
        """End the process and its children."""
        if self.process is not None:
            self.kill(self.process.pid)
            self.process.communicate()
        self.process = None

    def kill(self, number: int) -> None:
        """End a process and, where the system knows groups, those that it started."""
        if not hasattr(os, "killpg"):
            self.process.kill()
            return
        with suppress(ProcessLookupError, PermissionError):  # it has ended by itself
            os.killpg(number, signal.SIGKILL)

    def close(self) -> None:
        """End everything that was started, and delete the temporary files."""
        if self.job:
            self.kill(self.job)
            self.job = 0
        self.end_process()
        self.temporary.cleanup()
