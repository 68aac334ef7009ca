"""Cut a step into lessons: write the diffs of its LESSONS.md from folders, and say which
behaviours belong to which lesson.

    python3 -m maintenance.lessons unpack 05 DIR   the states, as folders to change
    python3 -m maintenance.lessons pack 05 DIR     the folders, as diffs in LESSONS.md
    python3 -m maintenance.lessons judge 05        run the step's suite on every state
    python3 -m maintenance.lessons verify 05       run the earlier suites on every state

DIR holds 0 (the step before), and for each lesson N a folder N with the app after it
and, where something is given, a folder N-start with what the work begins with. Files of
N-start that are listed in a block ```given of the chapter are copied from the step and
do not show in a diff.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from workbook.common import find_step, step_before, suites_up_to
from workbook.lessons import (
    HEADING,
    State,
    behaviours_of,
    chapter_file,
    lessons,
    state_folder,
)
from workbook.packing import chapter_with_diffs, make_states
from workbook.places import ROOT, code_files

RESULT = re.compile(r"^(PASSED|FAILED|ERROR) \S+\.py::(test_\w+)", re.MULTILINE)


def main() -> None:
    """Read the command line, and do one of the four."""
    parser = argparse.ArgumentParser(
        "python3 -m maintenance.lessons",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["unpack", "pack", "judge", "verify"])
    parser.add_argument("step")
    parser.add_argument("folder", nargs="?", type=Path)
    options = parser.parse_args()
    step = find_step(options.step)
    if options.command == "judge":
        judge(step)
    elif options.command == "verify":
        verify(step)
    elif options.folder is None:
        parser.error(f"{options.command} needs a folder")
    elif options.command == "unpack":
        unpack(step, options.folder)
    else:
        pack(step, options.folder)


def unpack(step: str, folder: Path) -> None:
    """Write a step's states to a new folder."""
    folder.mkdir(parents=True)
    make_states(lessons(step), step_before(step), ROOT / "steps" / step, folder)
    print(f"{folder}: the states of {step}")


def pack(step: str, folder: Path) -> None:
    """Write the diffs of LESSONS.md anew; its text stays."""
    file = chapter_file(step)
    text = file.read_text(encoding="utf-8")
    file.write_text(chapter_with_diffs(text, folder), encoding="utf-8")
    last = HEADING.findall(text)[-1][0]
    check_end(step, folder / last)


def check_end(step: str, last: Path) -> None:
    """Say where the last state and the step differ."""
    mine = {name: path.read_bytes() for name, path in code_files(last).items()}
    goal = code_files(ROOT / "steps" / step)
    theirs = {name: path.read_bytes() for name, path in goal.items()}
    differing = [
        name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name)
    ]
    if differing:
        sys.exit(f"{last} is not {step} yet: {', '.join(sorted(differing))} differ")
    print(f"{chapter_file(step)}: written; the last state is the step, to the byte")


def judge(step: str) -> None:
    """Run the suite on every state, and write tests/STEP/lessons.toml.

    A behaviour belongs to the first lesson after which it passes for good.
    """
    order: list[str] = []
    lesson_of: dict[str, int] = {}
    for number in range(len(lessons(step)) + 1):
        results = run(step, [step], state_folder(State(step, number)))
        order = order or list(results)
        for test in results:
            lesson_of.setdefault(test, 1)
            if not results[test]:
                lesson_of[test] = number + 1
    write_behaviours(step, order, lesson_of)
    print_table(step)


def verify(step: str) -> None:
    """Run the suites of the earlier steps on every state, and name what fails."""
    earlier = suites_up_to(step)[:-1]
    for lesson in lessons(step) if earlier else ():
        results = run(step, earlier, state_folder(State(step, lesson.number)))
        failing = [test for test, passed in results.items() if not passed]
        print(
            f"{lesson.name}: {len(results)} ran, failing: {', '.join(failing) or '-'}"
        )


def run(step: str, suites: list[str], folder: Path) -> dict[str, bool]:
    """Run suites on a folder; return which of their tests passed."""
    words = [f"--step={step[:2]}", f"--app={folder}", "-q", "--tb=no", "-rA", "-n2"]
    command = [sys.executable, "-m", "pytest", *words]
    command += [f"tests/{suite}" for suite in suites]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    passed: dict[str, bool] = {}
    for outcome, test in RESULT.findall(result.stdout):
        passed[test] = passed.get(test, True) and outcome == "PASSED"
    if not passed:
        sys.exit(f"No test ran on {folder}:\n{result.stdout[-2000:]}{result.stderr}")
    return passed


def write_behaviours(step: str, order: list[str], lesson_of: dict[str, int]) -> None:
    """Write tests/STEP/lessons.toml; what is there already keeps its order."""
    last = len(lessons(step))
    too_late = [test for test, number in lesson_of.items() if number > last]
    if too_late:
        sys.exit(f"These fail on the whole step: {', '.join(too_late)}")
    known = [test for tests in behaviours_of(step).values() for test in tests]
    order = [test for test in known if test in order] + [
        test for test in order if test not in known
    ]
    lines = [
        "# The lesson that each behaviour belongs to, in the order in which `check`",
        "# shows them. Made by: python3 -m maintenance.lessons judge " + step[:2],
    ]
    for number in range(1, last + 1):
        tests = [test for test in order if lesson_of[test] == number]
        lines += ["", f"{number} = ["]
        lines += [f'    "{test}",' for test in tests]
        lines += ["]"]
    file = ROOT / "tests" / step / "lessons.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def print_table(step: str) -> None:
    """Print what each lesson asks of a learner."""
    behaviours = behaviours_of(step)
    print(f"{'lesson':44} {'lines':>5} {'behaviours':>10} {'words':>5} {'min':>3}")
    for lesson in lessons(step):
        sign = "essential" if lesson.essential else ""
        count = len(behaviours[lesson.number])
        print(
            f"{lesson.name} {lesson.title:39.39} {lesson.added:5} {count:10} "
            f"{lesson.words:5} {lesson.minutes:3} {sign}"
        )


if __name__ == "__main__":
    main()
