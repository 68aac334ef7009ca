"""The learner's loop: start, check, hint, reset, list. `check` runs the suites and tells in plain words what holds."""

import argparse
import gc
import multiprocessing
import os
import select
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

from workbook import common
from workbook.common import PACKAGE, ROOT, STEPS, WORK, WorkbookError, fold, mark, paint, read_state, shown, words
from workbook.diff import show
from workbook.patches import all_mistakes

sys.path.insert(0, str(ROOT / "tests"))
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading plugins that nobody needs here takes time
LEAVE_OUT = [f"-pno:{name}" for name in ("cacheprovider", "unraisableexception", "threadexception", "junitxml")]


def pytest_words(step: str, folder: Path) -> list[str]:
    """What pytest is called with."""
    suites = [f"tests/{name}" for name in STEPS[: STEPS.index(step) + 1]]
    return ["--step", step[:2], f"--app={shown(folder)}", "--capture=sys", *LEAVE_OUT, *suites]


def check_command(options: argparse.Namespace) -> int:
    """Judge work/, once or at every save."""
    if options.step and WORK.is_dir():
        if (before := read_state(WORK).get("step")) not in (None, step := common.find_step(options.step)):
            print(f"work/ was for {before}; from now on it is for {step}.")
        common.write_state(WORK, step=step)
    return (watch if options.watch else check)(common.work_step())


def messages(words: list[str], folder: Path, first: list[str]) -> Iterator[tuple[Any, ...]]:
    """Listen to a fork per core, each with the app as it is now; where there is no fork, to this process."""
    gc.disable()  # a run of seconds ends before there is much to collect, and looking for it takes time
    from listener import Listener

    if "fork" not in multiprocessing.get_all_start_methods():
        sent: list[tuple[Any, ...]] = []
        Listener(words, folder, first, multiprocessing.Value("i"), sent.append).run()
        yield from sent
        return
    fork, workers, pipes = multiprocessing.get_context("fork"), [], []
    taken = fork.Value("i")
    # A folder for each: pytest's own way of sharing one fails when two clean it up at once.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        try:
            for number in range(min(os.cpu_count() or 1, 8)):
                pipe, end = fork.Pipe(duplex=False)
                listener = Listener([*words, f"--basetemp={temporary}/{number}"], folder, first, taken, end.send)
                workers.append(fork.Process(target=listener.run, daemon=True))
                workers[-1].start()
                end.close()
                pipes.append(pipe)
            while pipes:
                for pipe in connection.wait(pipes):
                    try:
                        yield pipe.recv()
                    except EOFError:
                        pipes.remove(pipe)
        finally:
            for worker in workers:
                worker.kill()
                worker.join()


def judge(step: str, folder: Path) -> tuple[dict[str, str], dict[str, list[dict[str, Any]]]]:
    """Run the suites up to a step, and note what holds: each behaviour with its why, and what failed and how."""
    whys, problems, of, done, bar = {}, {}, 0, 0, sys.stdout.isatty()
    try:
        for kind, *values in messages(pytest_words(step, folder), folder, read_state(folder).get("failing", [])):
            if kind == "plan":
                whys, of = values
            elif kind == "stop":
                raise WorkbookError(values[0])
            elif kind == "problem":
                problems.setdefault(values[0], []).append(values[1])
            done += kind == "done"
            if bar and done % 5 == 1:
                found = "".join(f" {mark(False)} {words(name)}" for name in [*problems][:1])
                print(f"\r\x1b[K[{'#' * (15 * done // of):15}] {done:3}{found:.50}", end="", flush=True)
    finally:
        print("\r\x1b[K" if bar else "", end="", flush=True)
    if not whys or done < of:
        raise WorkbookError("The tests stopped early: something in the app ends the whole process.")
    told = [f"{step}::{test}" for test in hints(step)]  # the hints are in the order of the lesson
    whys = dict(sorted(whys.items(), key=lambda why: told.index(why[0]) if why[0] in told else len(told)))
    failing = [name for name in whys if name in problems]
    with suppress(OSError):  # a folder that cannot be written to is judged all the same
        reached = {**read_state(folder).get("done", {}), step: [len(whys) - len(failing), len(whys)]}
        common.write_state(folder, step=step, failing=failing, done=reached)
    return whys, {name: problems[name] for name in failing}


def check(step: str, folder: Path = WORK) -> int:
    """Judge a folder and print a tick or a cross for each behaviour, and one failure in full; 0 if all hold."""
    common.say_command("pytest", "--step", step[:2], f"--app={shown(folder)}")
    whys, failing = judge(step, folder)
    for suite in STEPS[: STEPS.index(step) + 1]:
        members = [name for name in whys if name.startswith(f"{suite}::")]
        lost = {*members} & {*failing}
        print(f"{mark(not lost)} {paint(suite, '1')}: {len(members) - len(lost)} of {len(members)} hold")
        for name in members if suite == step else filter(lost.__contains__, members):
            print(f"  {mark(name not in lost)} {words(name)}")
    if not failing:
        print(paint(f"\nAll {len(whys)} behaviours hold.", "1;32"))
        for after in STEPS[STEPS.index(step) + 1 :][: folder == WORK]:
            print(f"Next: python3 -m workbook start {after[:2]}")
        return 0
    first, *others = failing
    problem = failing[first][0]
    print(f"\n{mark(False)} {paint(words(first), '1')}\n{fold(f'  Why    {whys[first]}')}", end="")
    raised = [f"Raised {paint(problem['raised'], '1')}"] if problem["raised"] else []
    said = "\n         ".join(problem["said"])
    rows = [*(f"Asked  {asked}" for asked in problem["asked"]), f"Said   {said}", *raised, f"Test   {problem['test']}"]
    print("", *rows, sep="\n  ", end="\n\n")
    alike = sum(any(other["said"] == problem["said"] for other in failing[name]) for name in others)
    verdict = paint(f"{len(whys) - len(failing)} of {len(whys)} behaviours hold.", "1;31")
    print(verdict + f" {alike} more for the same reason." * bool(alike))
    print("Stuck? python3 -m workbook hint\n" * (folder == WORK), end="")
    return 1


def watch(step: str) -> int:
    """Judge work/ now and at every save of its code, until q or Ctrl-C."""
    import pytest
    from watchfiles import watch as watch_files

    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        # Read once what need not be read at every save: the suites, and the packages that the step's own app loads.
        pytest.main(["--collect-only", *pytest_words(step, ROOT / "steps" / step)])
        sys.modules["harness"].STEPS[int(step[:2])].create_app()
    place, status, saved, key = None, 1, True, ""
    with single_keys() as read_key:
        while key != "q":
            if WORK.exists() and WORK.stat().st_ino != place:  # `start` and `reset` put another folder in its place
                kinds = {"watch_filter": lambda _, path: path.endswith((".py", ".html", ".css"))}
                files = watch_files(WORK, **kinds, debounce=200, step=20, rust_timeout=100, yield_on_timeout=True)
                next(files)  # from now on no save is missed
                place, saved = WORK.stat().st_ino, True
            try:
                if saved or key == "r":
                    print("\x1b[2J\x1b[H" if sys.stdout.isatty() else "")
                    status = check(common.work_step())
                elif key == "h":
                    hint_command()
                elif key in ("p", "d"):
                    step = common.work_step()
                    show(*((WORK, ROOT / "steps" / step) if key == "p" else (common.step_before(step), WORK)))
            except WorkbookError as error:  # told, and waited for
                print(error)
            if saved or key:
                print(paint("\nWatching work/.   h hint   p peek   d diff   r run again   q quit", "2"))
            saved, key = next(files), read_key()
    return status


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


def start_command(options: argparse.Namespace) -> int:
    """Begin a step: make work/ a copy of the step before, and tell what to build."""
    step = common.find_step(options.step)
    if common.lesson_files(WORK) and not options.aside:
        print(f"work/ holds something, and it is kept. Set it aside with: start {step[:2]} --aside", file=sys.stderr)
        print(f"Or go on with what you have: python3 -m workbook check {step[:2]}", file=sys.stderr)
        if not sys.stdin.isatty() or input("Set it aside now? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
    begin(step)
    print(f"\nwork/ is where step {step[:2]} begins. What to build:\n\n{fold(common.story(step))}\n")
    missing = (f"  {mark(False)} {words(name)}" for name in judge(step, WORK)[1])
    print("Not there yet:", *missing, "\nChange work/, and see what holds: python3 -m workbook check --watch", sep="\n")
    return 0


def begin(step: str) -> None:
    """Fill work/ with the start of a step. What was there is set aside; what was reached stays noted."""
    done = read_state(WORK).get("done", {})
    kept = common.set_aside() if common.lesson_files(WORK) else ""
    common.copy_lesson(common.step_before(step), WORK)
    common.write_state(WORK, step=step, done=done)
    print(kept)


def reset_command(options: argparse.Namespace) -> int:
    """Put a file, or all of work/, back to the start; the learner's own is kept aside."""
    step = common.work_step(whole=False)
    if not options.file:
        begin(step)
        return 0
    mine, first = common.lesson_files(WORK), common.lesson_files(common.step_before(step))
    wanted = Path(options.file).as_posix().removeprefix("work/")
    found = [name for name in sorted({*mine, *first}) if f"/{name}".endswith(f"/{wanted}")]
    if len(found) != 1:
        known = common.nearest(wanted, found or [Path(name).name for name in sorted({*mine, *first})])
        raise WorkbookError(f"{'More than one' if found else 'No'} file is called {wanted}. {known}")
    kept = common.set_aside(found[0]) if found[0] in mine else ""
    common.copy_lesson(common.step_before(step), WORK, only=found[0])
    print(kept or f"work/{found[0]} is back.")
    return 0


def hint_command(options: argparse.Namespace | None = None) -> int:
    """Give a hint for the first behaviour that fails, or the first with these words; a level deeper each time."""
    common.work_step()  # complains where there is no work
    state = read_state(WORK)
    if not state.get("failing"):
        print("Nothing fails." if "failing" in state else "First see what holds: python3 -m workbook check")
        return 0
    asked, readable = " ".join(options.words if options else []).lower(), [*map(words, state["failing"])]
    found = [name for name in state["failing"] if asked in words(name)]
    if not found:
        raise WorkbookError(f"Nothing that fails is called {asked!r}. {common.nearest(asked, readable)}")
    name = found[0]
    suite, _, test = name.partition("::")
    levels = hints(suite).get(test, ["This held when you began. What came back, says `check`; `reset` goes back."])
    level = min(state.get("hints", {}).get(name, 0) + 1, len(levels))
    common.write_state(WORK, hints={**state.get("hints", {}), name: level})
    more = "Ask again for more." if level < len(levels) else "What is left is the answer: python3 -m workbook peek"
    print(f"{mark(False)} {paint(words(name), '1')}\n\n{fold(levels[level - 1])}\n\n{more}")
    return 0


def hints(suite: str) -> dict[str, list[str]]:
    """The hints kept beside a suite: three for each test, from a nudge to where to look."""
    entries = tomllib.loads((ROOT / "tests" / suite / "hints.toml").read_text(encoding="utf-8"))["hint"]
    return {name: [entry["nudge"], entry["idea"], entry["look"]] for entry in entries for name in entry["for"]}


def list_command(options: argparse.Namespace) -> int:
    """Show the steps and how far the learner is, or the mistakes, or a room."""

    def reached(state: dict, step: str) -> str:
        good, of = state.get("done", {}).get(step, (0, 0))
        return f"{'all' if of == good else f'{good} of'} {of}" if of else "-"

    if options.mistakes:
        print(*(f"{one.step:13} {paint(f'{one.id:26}', '1')} {one.title}" for one in all_mistakes()), sep="\n")
    elif options.all:
        print(f"{'':20}", *(f"{step:>13}" for step in STEPS))
        for folder in map(Path, options.all):
            state = read_state(folder / "work") or read_state(folder)
            print(f"{folder.resolve().name:20.20}", *(f"{reached(state, step):>13}" for step in STEPS))
    else:
        state = read_state(WORK)
        for step in STEPS:
            about = (ROOT / "steps" / step / PACKAGE / "__init__.py").read_text(encoding="utf-8").split('"')[3]
            here = "  <- you are here" if state.get("step") == step else ""
            print(f"{paint(f'{step:13}', '1')} {reached(state, step):>12}   {about.partition(': ')[2]}{here}")
    return 0
