"""`check --watch`: check at every save, and answer single keys."""

import os
import select
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests.support.messages import Message
from tests.support.suites import SuiteRunner
from workbook.common import WorkbookError, has_work, paint, work_step
from workbook.diff import goal_of_work, show
from workbook.hints import hint
from workbook.lesson_check import check_work
from workbook.places import PACKAGE, WORK, is_lesson, lesson_files
from workbook.progress import read_progress
from workbook.start import start_of_work, tell_the_task

WATCHED = (".py", ".html", ".css")
KEYS = "\nWatching work/.  h hint  p peek  d diff  l lesson  r run again  q quit"
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


class SavedMeanwhileError(Exception):
    """Something was saved while the tests ran: what they say is no longer of use."""


class WatchingRunner(SuiteRunner):
    """Runs suites, with a process that is ready, until something in work/ is saved."""

    def __init__(self) -> None:
        super().__init__(warm=True)
        self.judged: dict[str, int] = {}

    def note_files(self) -> None:
        """Note what is in work/ now: that is what the next tests judge."""
        self.judged = times_of_saves()

    def run_tests(
        self,
        step: str,
        folder: Path,
        chosen: Sequence[str] | None = None,
        workers: int = 1,
        options: Sequence[str] = (),
    ) -> Iterator[Message]:
        """Run tests as SuiteRunner does; raises SavedMeanwhileError after a save."""
        all_messages = super().run_tests(step, folder, chosen, workers, options)
        with closing(all_messages):
            for message in all_messages:
                if times_of_saves() != self.judged:
                    raise SavedMeanwhileError
                yield message


def times_of_saves() -> dict[str, int]:
    """Return when each watched file of work/ was saved, in nanoseconds."""
    times = {}
    for name, path in lesson_files(WORK).items():
        with suppress(OSError):  # it has been deleted in this moment
            if is_watched(path):
                times[name] = path.stat().st_mtime_ns
    return times


def watch() -> int:
    """Check work/ now and at every save of its code, until q or Ctrl-C."""
    if not has_work():
        work_step()  # raises the WorkbookError that says how to begin
    with WatchingRunner() as runner:
        return watch_with(runner)


def watch_with(runner: WatchingRunner) -> int:
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
            if saved or key == "r":
                status = check_or_tell(runner, saves)
            elif key:
                answer_or_tell(key, saves.latest)
            saved = saves.wait()
            key = read_key()
    return status


def check_or_tell(runner: WatchingRunner, saves: Saves) -> int:
    """Check work/; what is wrong with it is told, and the watching goes on."""
    try:
        status = check_on_clear_screen(runner, saves)
    except SavedMeanwhileError:
        return 1  # the save is seen next
    except WorkbookError as error:
        print(error)
        status = 1
    print(paint(KEYS, "2"))
    return status


def answer_or_tell(key: str, latest: str) -> None:
    """Do what a key stands for; what hinders it is told."""
    try:
        answer(key, latest)
    except WorkbookError as error:
        print(error)
    print(paint(KEYS, "2"))


def check_on_clear_screen(runner: WatchingRunner, saves: Saves) -> int:
    """Check work/, for the lesson that it is at now."""
    if sys.stdout.isatty():
        print(CLEAR_SCREEN)
    runner.note_files()
    before = read_progress(WORK)
    status = check_work(runner)
    after = read_progress(WORK)
    if (before.step, before.lesson) != (after.step, after.lesson):
        # What is given for the next lesson was written just now, and is no save: the
        # lesson's text has to stay on the screen.
        saves.begin()
    return status


def answer(key: str, latest: str) -> None:
    """Do what a key stands for."""
    if key == "h":
        hint()
    elif key == "p":
        peek_at_one_file(latest)
    elif key == "l":
        tell_the_task()
    elif key == "d":
        show(start_of_work(), WORK)


def peek_at_one_file(latest: str) -> None:
    """Show the answer for one file: the one that was saved last, if it differs."""
    answers = goal_of_work()
    differing = differing_files(WORK, answers)
    if not differing:
        print("Nothing differs from the answer.")
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
