"""`check --watch`: an answer at every save, and five keys."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from watchfiles import watch as watch_files

from workbook.check import Judge, tell_round
from workbook.common import ROOT, WORK, WorkbookError, paint, step_before
from workbook.diff import show
from workbook.learn import hint_command

KEYS = "Watching work/.   h hint   p peek   d diff   r run again   q quit"


def watch(judge: Judge) -> int:
    """Judge work/ now and at every save, until q or Ctrl-C."""
    with single_keys() as key:
        status, changes, pressed = 1, True, ""
        events = watch_files(
            WORK, watch_filter=is_lesson, debounce=200, step=20, rust_timeout=100, yield_on_timeout=True
        )
        while pressed != "q":
            if changes or pressed == "r":
                print("\x1b[2J\x1b[H" if sys.stdout.isatty() else "")
                try:
                    status = tell_round(judge)
                except WorkbookError as error:  # told, and waited for
                    print(error)
            elif pressed == "h":
                hint_command()
            elif pressed == "p":
                show(WORK, ROOT / "steps" / judge.step)
            elif pressed == "d":
                show(step_before(judge.step), WORK)
            print(paint(f"\n{KEYS}", "2") if changes or pressed else "", end="\n" if changes or pressed else "")
            changes, pressed = next(events), key()
    return status


def is_lesson(_: object, path: str) -> bool:
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

        kept = termios.tcgetattr(0)
        tty.setcbreak(0)
        try:
            yield lambda: os.read(0, 1).decode(errors="replace") if select.select([0], [], [], 0)[0] else ""
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, kept)
