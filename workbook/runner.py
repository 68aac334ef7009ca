"""Run the suites on a folder, one process per core, and collect what failed."""

import gc
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import Any

from workbook.common import WorkbookError, behaviour_title, mark, suites_up_to
from workbook.hints import hints
from workbook.places import shown
from workbook.progress import Score, read_progress, write_progress

MOST_PROCESSES = 8
BAR = 15  # characters
# Plugins of pytest that nobody needs here, and that take time.
LEFT_OUT = ("cacheprovider", "unraisableexception", "threadexception", "junitxml")

Message = tuple[
    Any, ...
]  # what tests/support/listener.py sends: a word, and what belongs to it


@dataclass
class Problem:
    """One failure of a behaviour's test."""

    said: list[str]
    asked: list[str]  # the last requests, and what was answered
    raised: str  # the exception and its place in the app, if there was one
    test: str  # the file and the line of the test


@dataclass
class Outcome:
    """What became of the tests."""

    reasons: dict[str, str] = field(
        default_factory=dict
    )  # by behaviour: why it matters
    problems: dict[str, list[Problem]] = field(default_factory=dict)  # by behaviour
    total: int = 0
    done: int = 0

    @property
    def failing(self) -> list[str]:
        """Return the behaviours that fail, in the order of the lesson."""
        return [name for name in self.reasons if name in self.problems]

    @property
    def score(self) -> Score:
        """Return how many behaviours hold."""
        return Score(len(self.reasons) - len(self.failing), len(self.reasons))


def run_suites(step: str, folder: Path) -> Outcome:
    """Run the suites up to a step on a folder, and note what holds.

    Raises WorkbookError if the app does not start.
    """
    outcome = Outcome()
    first = read_progress(folder).failing or []
    try:
        for message in messages(pytest_words(step, folder), folder, first):
            collect(outcome, message)
            show_bar(outcome)
    finally:
        hide_bar()
    if not outcome.reasons or outcome.done < outcome.total:
        raise WorkbookError(
            "The tests stopped early: something in the app ends the whole process."
        )
    outcome.reasons = in_order_of_the_lesson(step, outcome.reasons)
    with suppress(OSError):  # a folder that cannot be written to is judged all the same
        note(step, folder, outcome)
    return outcome


def pytest_words(step: str, folder: Path) -> list[str]:
    """Return what pytest is called with."""
    words = ["--step", step[:2], f"--app={shown(folder)}", "--capture=sys"]
    words += [f"-pno:{name}" for name in LEFT_OUT]
    words += [f"tests/{suite}" for suite in suites_up_to(step)]
    return words


def collect(outcome: Outcome, message: Message) -> None:
    """Add a message to the outcome; raises WorkbookError if it ends the run."""
    kind, *values = message
    if kind == "plan":
        outcome.reasons, outcome.total = values
    elif kind == "stop":
        raise WorkbookError(values[0])
    elif kind == "problem":
        name, problem = values
        outcome.problems.setdefault(name, []).append(Problem(**problem))
    elif kind == "done":
        outcome.done += 1


def in_order_of_the_lesson(step: str, reasons: dict[str, str]) -> dict[str, str]:
    """Return them in the order of the step's hints; the others follow."""
    lesson = [f"{step}::{test}" for test in hints(step)]
    first = [name for name in lesson if name in reasons]
    others = [name for name in reasons if name not in lesson]
    return {name: reasons[name] for name in [*first, *others]}


def note(step: str, folder: Path, outcome: Outcome) -> None:
    """Write down what holds."""
    progress = read_progress(folder)
    progress.step = step
    progress.failing = outcome.failing
    progress.done[step] = outcome.score
    write_progress(folder, progress)


def show_bar(outcome: Outcome) -> None:
    """Draw how far the tests are, and the first failure."""
    if not sys.stdout.isatty() or outcome.done % 5 != 1:
        return
    bar = "#" * (BAR * outcome.done // outcome.total)
    found = ""
    if outcome.problems:
        first = next(iter(outcome.problems))
        found = f" {mark(False)} {behaviour_title(first)}"[:50]
    print(f"\r\x1b[K[{bar:{BAR}}] {outcome.done:3}{found}", end="", flush=True)


def hide_bar() -> None:
    """Wipe the line of the bar."""
    if sys.stdout.isatty():
        print("\r\x1b[K", end="", flush=True)


def prepare_pytest() -> None:
    """Let pytest load no plugins but ours."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"


def messages(words: list[str], folder: Path, first: list[str]) -> Iterator[Message]:
    """Run pytest in several processes, and give what they send.

    Where a process cannot be forked (Windows), in this one.
    """
    prepare_pytest()
    gc.disable()  # a run of seconds ends before there is much to collect
    if "fork" in multiprocessing.get_all_start_methods():
        yield from messages_of_processes(words, folder, first)
        return
    from tests.support.listener import Listener

    sent: list[Message] = []
    taken = multiprocessing.Value("i")
    Listener(words, folder, first, taken, sent.append).run()
    yield from sent


def messages_of_processes(
    words: list[str], folder: Path, first: list[str]
) -> Iterator[Message]:
    """Fork a process per core, each with the app as it is now."""
    from tests.support.listener import Listener

    fork = multiprocessing.get_context("fork")
    taken = fork.Value("i")  # how many tests were begun, in all processes
    processes = []
    pipes = []
    # A folder for each: if two share one, both clean it up at once, and one fails.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        try:
            for number in range(min(os.cpu_count() or 1, MOST_PROCESSES)):
                pipe, end = fork.Pipe(duplex=False)
                own_words = [*words, f"--basetemp={temporary}/{number}"]
                listener = Listener(own_words, folder, first, taken, end.send)
                process = fork.Process(target=listener.run, daemon=True)
                processes.append(process)
                process.start()
                end.close()
                pipes.append(pipe)
            yield from read_pipes(pipes)
        finally:
            for process in processes:
                if process.pid is not None:
                    process.kill()
                    process.join()


def read_pipes(pipes: list[connection.Connection]) -> Iterator[Message]:
    """Give what comes out of the pipes until all are closed."""
    while pipes:
        for pipe in connection.wait(pipes):
            try:
                yield pipe.recv()
            except EOFError:
                pipes.remove(pipe)
