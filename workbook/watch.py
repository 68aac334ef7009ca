"""`check --watch`: an answer at every save, and five keys."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from watchfiles import Change
from watchfiles import watch as watch_files

from workbook.check import Judge, tell_round
from workbook.common import ROOT, WORK, WorkbookError, paint, say, step_before
from workbook.diff import show
from workbook.learn import hint_command

KEYS = "h hint   p peek   d diff   r run again   q quit"


def watch(judge: Judge) -> int:
    """Judge work/ now and at every save, until q or Ctrl-C."""
    with single_keys() as key:
        status = again(judge)
        options = {"debounce": 200, "step": 20, "rust_timeout": 100, "yield_on_timeout": True}
        for changes in watch_files(WORK, watch_filter=is_lesson, raise_interrupt=True, **options):
            pressed = key()
            if pressed == "q":
                break
            if changes or pressed == "r":
                status = again(judge)
            elif pressed == "h":
                hint_command()
            elif pressed == "p":
                show(WORK, ROOT / "steps" / judge.step)
            elif pressed == "d":
                show(step_before(judge.step), WORK)
    return status


def again(judge: Judge) -> int:
    """One round; an app that does not start is told, and waited for."""
    say("\x1b[2J\x1b[H" if sys.stdout.isatty() else "")
    try:
        status = tell_round(judge)
    except WorkbookError as error:
        say(str(error))
        status = 1
    say(paint(f"\nWatching work/. {KEYS}", "2"))
    return status


def is_lesson(_: Change, path: str) -> bool:
    """Whether a changed file is part of the app, and not its database or an editor's."""
    return path.endswith((".py", ".html", ".css")) and "instance" not in path


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Read keys without Enter where there is a keyboard; gives a function that gives the key, or nothing."""
    if not sys.stdin.isatty():
        yield lambda: ""
    elif os.name == "nt":
        import msvcrt

        yield lambda: msvcrt.getwch() if msvcrt.kbhit() else ""
    else:
        import termios
        import tty

        kept = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield lambda: os.read(0, 1).decode(errors="replace") if select.select([0], [], [], 0)[0] else ""
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, kept)
