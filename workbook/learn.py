"""The learner's commands around `check`: start, hint, peek, reset, list."""

import argparse
import sys
import tomllib
from pathlib import Path

from workbook import common
from workbook.common import PACKAGE, ROOT, STEPS, WORK, WorkbookError, mark, paint, read_state, words, write_state
from workbook.mistakes import all_mistakes


def start_command(options: argparse.Namespace) -> int:
    """Begin a step: make work/ a copy of the step before, and tell what to build."""
    from workbook.check import judge

    step = common.find_step(options.step)
    if WORK.is_dir() and common.lesson_files(WORK) and not options.aside:
        print(f"work/ holds something, and it is kept. Set it aside with: start {step[:2]} --aside", file=sys.stderr)
        if not sys.stdin.isatty() or input("Set it aside now? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
    begin(step)
    print(f"\nwork/ is where step {step[:2]} begins. What to build:\n\n{common.story(step)}\n")
    missing = (f"  {mark(False)} {words(name)}" for name in judge(step, WORK)[1])
    print("Not there yet:", *missing, "\nChange work/, and see what holds: python3 -m workbook check --watch", sep="\n")
    return 0


def begin(step: str) -> None:
    """Fill work/ with the start of a step. What was there is set aside; what was reached stays noted."""
    done = read_state(WORK).get("done", {})
    if WORK.is_dir() and common.lesson_files(WORK):
        common.set_aside()
    common.copy_lesson(common.step_before(step), WORK)
    write_state(WORK, step=step, done=done)


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
    if found[0] in mine:
        common.set_aside(found[0])
    common.copy_lesson(common.step_before(step), WORK, only=found[0])
    return 0


def hint_command(_: argparse.Namespace | None = None) -> int:
    """Give a hint for the first behaviour that fails, a level deeper each time."""
    step, state = common.work_step(), read_state(WORK)
    if not state.get("failing"):
        print("Nothing fails." if "failing" in state else "First see what holds: python3 -m workbook check")
        return 0
    name = state["failing"][0]
    suite, _, test = name.partition("::")
    levels = hints(suite).get(test, ["This held when you began. What came back, says `check`; `reset` goes back."])
    level = min(state.get("hints", {}).get(name, 0) + 1, len(levels))
    write_state(WORK, hints={**state.get("hints", {}), name: level})
    more = "Ask again for more." if level < len(levels) else f"What is left is the answer: diff work {step[:2]}."
    print(f"{mark(False)} {paint(words(name), '1')}\n\n{levels[level - 1]}\n\n{more}")
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
