"""The process that runs suites: `python -m tests.support.suite_process [--warm]`.

It reads jobs from its input, a line of JSON for each, and writes messages to its
output. Without --warm it runs one job. With --warm it imports first what no job
changes, and then forks a process for each job, which need not import that again.
"""

import faulthandler
import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import pytest

from tests.support.harness import ROOT, STEPS, close
from tests.support.reporter import Reporter
from tests.support.suites import ENDED, STARTED

LONGEST_JOB = 600  # seconds
OPTIONS = [
    "-q",
    "--no-summary",
    "--capture=sys",
    "-pno:cacheprovider",
    # Pytest must not look for its settings beside a folder that is elsewhere.
    f"-c{ROOT / 'pyproject.toml'}",
]


def run_job(arguments: list[str], messages: TextIO) -> None:
    """Run pytest, and write what becomes of the tests.

    A job that never ends is ended: an app may catch every exception.
    """
    print(f"{STARTED}{os.getpid()}", file=messages, flush=True)
    faulthandler.dump_traceback_later(LONGEST_JOB, exit=True)
    words = [*OPTIONS, "-ptests.support.witness", *arguments]
    pytest.main(words, plugins=[Reporter(messages)])
    faulthandler.cancel_dump_traceback_later()


def serve(messages: TextIO) -> None:
    """Run each job in a fork of this process, until the input ends."""
    import_what_stays()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_in_fork(json.loads(line), messages)
        os.waitpid(child, 0)
        # A job that was ended may have left half a line.
        print(f"\n{ENDED}", file=messages, flush=True)


def run_in_fork(arguments: list[str], messages: TextIO) -> None:
    """Run a job in a group of processes of its own, which can be ended; then exit."""
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the input is for the parent
    try:
        run_job(arguments, messages)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def import_what_stays() -> None:
    """Import the suites, and the packages that the last step needs."""
    suites = sorted(ROOT.glob("tests/0*_*"))
    pytest.main([*OPTIONS, "--collect-only", *map(str, suites)])
    forget_modules_of_one_name(suites)
    with suppress(Exception):  # a step that is being changed: the tests will tell
        close(STEPS[max(STEPS)].create_app())


def forget_modules_of_one_name(suites: list[Path]) -> None:
    """Forget the modules that two suites have: pytest would take one for the other."""
    names = [path.stem for suite in suites for path in suite.glob("*.py")]
    for name in names:
        if names.count(name) > 1:
            sys.modules.pop(name, None)


def take_output() -> TextIO:
    """Return the output as a stream for messages; what others print goes nowhere."""
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return messages


def main() -> None:
    """Run one job, or with --warm all that come."""
    with take_output() as messages:
        if "--warm" in sys.argv[1:]:
            serve(messages)
        else:
            run_job(json.loads(sys.stdin.readline()), messages)


if __name__ == "__main__":
    main()
