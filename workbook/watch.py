"""`check --watch`: check at every save, and answer single keys."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.suites import SuiteRunner
from workbook.common import (
    WorkbookError,
    behaviour_title,
    mark,
    paint,
    step_before,
    work_step,
)
from workbook.diff import show
from workbook.hints import hint
from workbook.places import PACKAGE, ROOT, WORK, is_lesson, lesson_files
from workbook.progress import read_progress
from workbook.report import report
from workbook.runner import run_all, run_some

WATCHED = (".py", ".html", ".css")
KEYS = "\nWatching work/.   h hint   p peek   d diff   r run again   q quit"
MOST_AT_FIRST = 10  # behaviours whose verdict does not wait for all others
CLEAR_SCREEN = "\x1b[2J\x1b[H"


class Saves:
    """Tells which files of work/ were saved since one asked last."""

    def __init__(self) -> None:
        self.inode: int | None = None
        self.changes: Iterator[set[tuple[object, str]]] = iter(())
        self.latest = ""  # the file that was saved last, by its path in work/

    def is_new_folder(self) -> bool:
        """Return whether `start` or `reset` have put another folder in its place."""
        return WORK.exists() and WORK.stat().st_ino != self.inode

    def begin(self) -> None:
        """Watch the folder that is there now; from now on no save is missed."""
        from watchfiles import watch as watch_files

        self.inode = WORK.stat().st_ino
        self.changes = watch_files(
            WORK,
            watch_filter=lambda _, path: is_watched(Path(path)),
            debounce=200,
            step=20,
            rust_timeout=100,
            yield_on_timeout=True,
        )
        next(self.changes)

    def wait(self) -> bool:
        """Wait a moment; return whether anything was saved."""
        changes = next(self.changes)
        for _, path in changes:
            self.latest = Path(path).relative_to(WORK.resolve()).as_posix()
        return bool(changes)


def is_watched(path: Path) -> bool:
    """Return whether to check again when this file is saved."""
    return path.suffix in WATCHED and is_lesson(path.name, at_top=False)


def watch() -> int:
    """Check work/ now and at every save of its code, until q or Ctrl-C."""
    with SuiteRunner(warm=True) as runner:
        return watch_with(runner)


def watch_with(runner: SuiteRunner) -> int:
    """Do what watch() does, with a runner that has imported what no save changes."""
    saves = Saves()
    saved = True
    key = ""
    status = 1
    with single_keys() as read_key:
        while key != "q":
            if saves.is_new_folder():
                saves.begin()
                saved = True
            try:
                if saved or key == "r":
                    status = check_on_clear_screen(runner)
                else:
                    answer(key, saves.latest)
            except WorkbookError as error:  # told, and waited for
                print(error)
            if saved or key:
                print(paint(KEYS, "2"))
            saved = saves.wait()
            key = read_key()
    return status


def check_on_clear_screen(runner: SuiteRunner) -> int:
    """Check work/, for the step that it is for now; what failed before comes first."""
    if sys.stdout.isatty():
        print(CLEAR_SCREEN)
    step = work_step()
    failed_before = read_progress(WORK).failing or []
    if failed_before:
        print_first_verdict(runner, step, failed_before[:MOST_AT_FIRST])
    return report(step, WORK, run_all(runner, step, WORK))


def print_first_verdict(runner: SuiteRunner, step: str, names: list[str]) -> None:
    """Tell at once what became of these behaviours."""
    outcome = run_some(runner, step, WORK, names)
    if not outcome.reasons:
        return
    print(paint("First what failed before:", "1"))
    for name in outcome.reasons:
        print(f"  {mark(name not in outcome.failing)} {behaviour_title(name)}")
    print()


def answer(key: str, latest: str) -> None:
    """Do what a key stands for."""
    step = work_step() if key in ("p", "d") else ""
    if key == "h":
        hint()
    elif key == "p":
        peek_at_one_file(step, latest)
    elif key == "d":
        show(step_before(step), WORK)


def peek_at_one_file(step: str, latest: str) -> None:
    """Show the answer for one file: the one that was saved last, if it differs."""
    answers = ROOT / "steps" / step
    differing = differing_files(WORK, answers)
    if not differing:
        print("Nothing differs from the step.")
        return
    name = latest if latest in differing else differing[0]
    show(WORK, answers, name)
    others = [other for other in differing if other != name]
    if others:
        print(f"\n{len(others)} more differ: python3 -m workbook peek FILE shows one.")
        print(f"They are {', '.join(Path(other).name for other in others)}.")


def differing_files(a: Path, b: Path) -> list[str]:
    """Return the names of the package's files that differ, Python first."""
    before = lesson_files(a)
    after = lesson_files(b)
    names = []
    for name in sorted({*before, *after}):
        if name.startswith(PACKAGE) and text(before.get(name)) != text(after.get(name)):
            names.append(name)
    return sorted(names, key=lambda name: not name.endswith(".py"))


def text(path: Path | None) -> list[bytes] | None:
    """Return a file's lines without their ends; None if there is no file."""
    return path.read_bytes().splitlines() if path else None


@contextmanager
def single_keys() -> Iterator[Callable[[], str]]:
    """Give a function that returns the key that was pressed, or an empty text.

    No Enter is needed. Without a keyboard no key is ever pressed.
    """
    if not sys.stdin.isatty():
        yield lambda: ""
    elif os.name == "nt":
        yield key_on_windows
    else:
        import termios
        import tty

        before = termios.tcgetattr(0)
        tty.setcbreak(0)
        try:
            yield key_on_posix
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def key_on_windows() -> str:
    """Return the key that was pressed."""
    import msvcrt

    return msvcrt.getwch() if msvcrt.kbhit() else ""


def key_on_posix() -> str:
    """Return the key that was pressed."""
    ready, _, _ = select.select([0], [], [], 0)
    return os.read(0, 1).decode(errors="replace") if ready else ""
