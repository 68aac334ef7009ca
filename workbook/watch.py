"""`check --watch`: check at every save, and answer single keys."""

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from workbook.common import WorkbookError, paint, step_before, work_step
from workbook.diff import show
from workbook.hints import hint
from workbook.places import PACKAGE, ROOT, WORK, is_lesson, lesson_files
from workbook.report import check
from workbook.runner import prepare_pytest, pytest_words

WATCHED = (".py", ".html", ".css")
KEYS = "\nWatching work/.   h hint   p peek   d diff   r run again   q quit"
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
    load_what_stays(work_step())
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
                    status = check_on_clear_screen()
                else:
                    answer(key, saves.latest)
            except WorkbookError as error:  # told, and waited for
                print(error)
            if saved or key:
                print(paint(KEYS, "2"))
            saved = saves.wait()
            key = read_key()
    return status


def load_what_stays(step: str) -> None:
    """Import what need not be read at every save: suites, and the app's packages."""
    prepare_pytest()
    import pytest

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        words = pytest_words(step, ROOT / "steps" / step)
        pytest.main(["--collect-only", *words])
        sys.modules["tests.support.harness"].STEPS[int(step[:2])].create_app()


def check_on_clear_screen() -> int:
    """Check work/, for the step that it is for now."""
    if sys.stdout.isatty():
        print(CLEAR_SCREEN)
    return check(work_step(), WORK)


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
