"""The learner's commands around `check`: start, hint, peek, reset, list."""

import argparse
import tomllib
from functools import partial
from pathlib import Path

from workbook import common
from workbook.common import ROOT, STEPS, WORK, WorkbookError, mark, paint, read_state, say, write_state


def start_command(options: argparse.Namespace) -> int:
    """Begin a step: make work/ a copy of the step before, and tell what to build."""
    from workbook.check import Judge, in_order, tell_round

    step = common.find_step(options.step)
    if WORK.is_dir() and common.lesson_files(WORK):
        if not options.aside and not common.confirm("work/ holds something already. Set it aside under today's date?"):
            raise WorkbookError(
                f"work/ is kept as it is. To set it aside: python3 -m workbook start {step[:2]} --aside"
            )
        begin_again(step)
    else:
        copy_start(step, {})
    say(f"\nwork/ is where step {step[:2]} begins. {paint('What to build:', '1')}\n\n{common.story(step)}\n")

    def tell(judge: Judge) -> None:
        say(paint("Not there yet:", "1"))
        for behaviour in in_order(judge):
            say(f"  {mark(False)} {behaviour.words}")
        say("\nChange work/, and see what holds: python3 -m workbook check --watch")

    Judge(step, WORK, partial(tell_round, show=tell)).run()
    return 0


def begin_again(step: str) -> None:
    """Set all of work/ aside, and put the start of the step there; what was reached stays noted."""
    done = read_state(WORK).get("done", {})
    say(f"Your files are in {common.set_aside().relative_to(ROOT)}/ now.")
    copy_start(step, done)


def copy_start(step: str, done: dict[str, list[int]]) -> None:
    """Fill work/ with what the step begins with."""
    WORK.mkdir(exist_ok=True)
    common.copy_step(common.step_before(step), WORK)
    write_state(WORK, step=step, done=done)


def reset_command(options: argparse.Namespace) -> int:
    """Put a file, or all of work/, back to the start; the learner's own is kept aside."""
    step = common.state_step()
    if not options.file:
        begin_again(step)
        return 0
    mine, first = common.lesson_files(WORK), common.lesson_files(common.step_before(step))
    names = sorted({*mine, *first})
    wanted = Path(options.file).as_posix().removeprefix("work/")
    found = [name for name in names if f"/{name}".endswith(f"/{wanted}")]
    if len(found) != 1:
        known = common.nearest(wanted, found or [Path(name).name for name in names])
        raise WorkbookError(f"{'More than one' if found else 'No'} file is called {wanted}. {known}")
    if found[0] in mine:
        say(f"Your {found[0]} is in {common.set_aside(found[0]).relative_to(ROOT)}/ now.")
    if found[0] in first:
        common.copy_file(first[found[0]], WORK / found[0])
    return 0


def hint_command(_: argparse.Namespace | None = None) -> int:
    """Give a hint for the first behaviour that fails, a level deeper each time."""
    step, state = common.work_step(), read_state(WORK)
    if not state.get("failing"):
        say(
            "Nothing fails that I know of." if "failing" in state else "First see what holds: python3 -m workbook check"
        )
        return 0
    name = state["failing"][0]
    suite, _, test = name.partition("::")
    levels = hints(suite).get(test) or ["This held when you began. What have you changed since? peek and reset help."]
    level = min(state.get("hints", {}).get(name, 0) + 1, len(levels))
    write_state(WORK, hints={**state.get("hints", {}), name: level})
    say(f"{mark(False)} {paint(test.removeprefix('test_').replace('_', ' '), '1')}\n\n{levels[level - 1]}\n")
    say(
        "Ask again for more."
        if level < len(levels)
        else f"More than that is the answer itself: peek, or diff work {step[:2]}."
    )
    return 0


def hints(suite: str) -> dict[str, list[str]]:
    """The hints kept beside a suite: three for each test, from a nudge to where to look."""
    path = ROOT / "tests" / suite / "hints.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["hint"] if path.exists() else []
    return {name: [entry["nudge"], entry["idea"], entry["look"]] for entry in entries for name in entry["for"]}


def peek_command(options: argparse.Namespace) -> int:
    """Show the way from work/ to the step."""
    from workbook.diff import show

    return show(WORK, ROOT / "steps" / common.work_step(), options.file)


def list_command(options: argparse.Namespace) -> int:
    """Show the steps and how far the learner is, or the mistakes, or a room."""
    if options.mistakes:
        from workbook.mistakes import all_mistakes

        for mistake in all_mistakes():
            say(f"{mistake.step}  {paint(f'{mistake.id:26}', '1')} {mistake.title}")
    elif options.all:
        say(f"{'':20}" + "".join(f"{step:>14}" for step in STEPS))
        for folder in map(Path, options.all):
            state = read_state(folder / "work") or read_state(folder)
            cells = [progress(state, step).rjust(14) for step in STEPS]
            say(f"{folder.resolve().name:20.20}" + "".join(cells))
    else:
        state = read_state(WORK)
        for step in STEPS:
            here = " <- you are here" if state.get("step") == step else ""
            say(f"{paint(f'{step:13}', '1')} {common.about(step)}\n{'':13} {progress(state, step)}{here}")
    return 0


def progress(state: dict, step: str) -> str:
    """How many of a step's behaviours held when they were last tried."""
    good, of = state.get("done", {}).get(step, (0, 0))
    return f"{mark(True)} all {of}" if of and good == of else f"{good} of {of}" if of else "-"
