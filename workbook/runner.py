"""Run the suites on a folder, and collect what became of each behaviour."""

import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.messages import Done, Message, Plan, Problem, Stop, behaviour_of
from tests.support.suites import SuiteRunner, find_tests, workers_for
from workbook.common import WorkbookError, behaviour_title, mark
from workbook.hints import behaviours, hints
from workbook.progress import Score, now, read_progress, write_progress

BAR = 15  # characters
STOPPED_EARLY = "The tests stopped early: something in the app ends the whole process."


@dataclass
class Outcome:
    """What became of the tests."""

    # By behaviour: why it matters.
    reasons: dict[str, str] = field(default_factory=dict)
    problems: dict[str, list[Problem]] = field(default_factory=dict)
    total: int = 0  # of the tests, and not of the behaviours: a test may have cases
    done: int = 0
    stop: str = ""  # why the tests did not run

    @property
    def failing(self) -> list[str]:
        """Return the behaviours that fail, in the order of the lesson."""
        return [name for name in self.reasons if name in self.problems]

    @property
    def score(self) -> Score:
        """Return how many behaviours hold."""
        return Score(len(self.reasons) - len(self.failing), len(self.reasons))

    def add(self, message: Message) -> None:
        """Add what a message tells."""
        if isinstance(message, Plan):
            self.total = message.total
        elif isinstance(message, Problem):
            name = behaviour_of(message.test)
            self.problems.setdefault(name, []).append(message)
        elif isinstance(message, Done):
            self.reasons[behaviour_of(message.test)] = message.reason
            self.done += 1
        elif isinstance(message, Stop):
            self.stop = self.stop or message.reason


def run_suites(step: str, folder: Path) -> Outcome:
    """Run all suites up to a step on a folder, and note what holds.

    Raises WorkbookError if the app does not start.
    """
    with SuiteRunner() as runner:
        return run_all(runner, step, folder)


def run_all(runner: SuiteRunner, step: str, folder: Path) -> Outcome:
    """Do what run_suites() does, with a runner that is there already."""
    outcome = collect(runner, step, folder, None, workers_for(step))
    with suppress(OSError):  # a folder that cannot be written to is judged all the same
        note(step, folder, outcome)
    return outcome


def run_some(
    runner: SuiteRunner, step: str, folder: Path, chosen: Sequence[str]
) -> Outcome:
    """Run these behaviours alone, in one process: the answer comes at once.

    Those that are not there any more are left out. Raises WorkbookError if the app does
    not start.
    """
    if not find_tests(chosen):
        return Outcome()
    return collect(runner, step, folder, chosen, workers=1)


def collect(
    runner: SuiteRunner,
    step: str,
    folder: Path,
    chosen: Sequence[str] | None,
    workers: int,
) -> Outcome:
    """Run tests, and return what became of them; raises WorkbookError if they stop."""
    outcome = Outcome()
    messages = runner.run_tests(step, folder, chosen, workers)
    try:
        with closing(messages):
            for message in messages:
                outcome.add(message)
                show_bar(outcome)
    finally:
        hide_bar()
    if not outcome.stop and (not outcome.reasons or outcome.done < outcome.total):
        outcome.stop = STOPPED_EARLY
    with suppress(OSError):  # a folder that cannot be written to is judged all the same
        note_start(folder, app_starts=not outcome.stop)
    if outcome.stop:
        raise WorkbookError(outcome.stop)
    outcome.reasons = in_order_of_the_lesson(step, outcome.reasons)
    return outcome


def in_order_of_the_lesson(step: str, reasons: dict[str, str]) -> dict[str, str]:
    """Return them in the order of the step's hints; the others follow, by suite."""
    lesson = [f"{step}::{test}" for test in hints(step)]
    order = dict.fromkeys([*lesson, *behaviours(step), *reasons])
    return {name: reasons[name] for name in order if name in reasons}


def note_start(folder: Path, app_starts: bool) -> None:
    """Write down that tests ran, and whether the app has started."""
    progress = read_progress(folder)
    progress.app_starts = app_starts
    progress.checked_at = now()
    write_progress(folder, progress)


def note(step: str, folder: Path, outcome: Outcome) -> None:
    """Write down what holds."""
    progress = read_progress(folder)
    progress.step = step
    progress.note_check(outcome.failing)
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
