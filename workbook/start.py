"""`start`, `reset` and `restore`: begin a step, go back, bring back what was kept."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from tests.support.suites import SuiteRunner
from workbook.aside import (
    copy_file,
    dated_folders,
    move_all,
    set_aside,
    set_work_aside,
)
from workbook.chapter import (
    print_behaviours,
    print_given,
    print_lesson,
    print_skipped,
    print_what_next,
)
from workbook.common import (
    WorkbookError,
    ask,
    behaviour_title,
    find_step,
    mark,
    nearest,
    step_before,
    story,
    work_step,
    wrap_text,
)
from workbook.lessons import (
    Lesson,
    all_lessons,
    behaviour_names,
    current_lesson,
    find_lesson,
    is_lesson_name,
    lessons,
    next_lesson,
    start_folder,
)
from workbook.places import PROGRESS_FILE, ROOT, WORK, code_files, lesson_files, shown
from workbook.progress import read_progress, write_progress
from workbook.report import next_step
from workbook.runner import run_some, run_suites


def start_command(options: argparse.Namespace) -> int:
    """Begin a lesson: make work/ the state before it, and print what to build."""
    if not options.step:
        return print_task_again()
    if options.step == "next":
        return start_next()
    step, lesson = find_beginning(options.step)
    if lesson_files(WORK) and not options.aside and not may_set_aside(options.step):
        return 1
    skipped = skipped_lessons(lesson)
    begin(step, lesson)
    print_task(step, lesson, skipped)
    return 0


def find_beginning(word: str) -> tuple[str, Lesson | None]:
    """Return the step and the lesson to begin with: without a number, the first one.

    The lesson is None for a step that has none. Raises WorkbookError if there is no
    such step or lesson.
    """
    if is_lesson_name(word):
        lesson = find_lesson(word)
        return lesson.step, lesson
    step = find_step(word)
    return step, first_lesson(step)


def first_lesson(step: str) -> Lesson | None:
    """Return a step's first lesson; None if it has no lessons."""
    known = lessons(step)
    return known[0] if known else None


def start_next() -> int:
    """Begin the lesson after the current one with its official state.

    Raises WorkbookError if there is none.
    """
    step = work_step(whole=False)
    lesson = lesson_in_notes(step)
    if lesson is None:
        raise WorkbookError(
            "It is not known which lesson work/ is at. `check` finds it out; "
            "`start 05.3` begins a lesson that you name."
        )
    following = next_lesson(lesson)
    if following is None:
        raise WorkbookError(f"{lesson.name} is the last lesson. {next_step(step)}")
    skipped = skipped_lessons(following)
    begin(following.step, following)
    print_task(following.step, following, skipped)
    return 0


def lesson_in_notes(step: str) -> Lesson | None:
    """Return the lesson that work/ is at by its notes; None if they name none."""
    number = read_progress(WORK).lesson
    known = lessons(step)
    return known[number - 1] if 1 <= number <= len(known) else None


def skipped_lessons(lesson: Lesson | None) -> list[Lesson]:
    """Return the lessons between the one that work/ is at and a later one.

    What `check` has found to be finished was not skipped. Call it before begin().
    """
    if lesson is None:
        return []
    progress = read_progress(WORK)
    now = (progress.step, progress.lesson)
    skipped = []
    for other in all_lessons():
        is_between = now <= (other.step, other.number) < (lesson.step, lesson.number)
        if is_between and other.name not in progress.finished:
            skipped.append(other)
    return skipped


def may_set_aside(word: str) -> bool:
    """Say that work/ holds something, and ask whether it may be set aside."""
    print(
        "work/ holds something, and it is kept.\n"
        f"To begin {word} with our code, yours set aside: start {word} --aside\n"
        f"To go on with your own code, as it is: python3 -m workbook check {word}",
        file=sys.stderr,
    )
    return sys.stdin.isatty() and ask("Set it aside now?")


def begin(step: str, lesson: Lesson | None) -> None:
    """Fill work/ with the start of a lesson, or of a step that has none.

    What was there is set aside. What the last check has said is forgotten.
    """
    source = start_folder(lesson) if lesson else step_before(step)
    progress = read_progress(WORK)
    had_database = any((WORK / "instance").glob("*.db"))
    kept = set_work_aside() if lesson_files(WORK) else ""
    WORK.mkdir(exist_ok=True)
    for name in code_files(source):
        copy_file(source, WORK, name)
    progress.step = step
    progress.lesson = lesson.number if lesson else 0
    progress.failing = None
    progress.app_starts = True
    progress.hints = {}
    write_progress(WORK, progress)
    if kept:
        print(kept)
    if kept and had_database:
        print("Your database is set aside with it: sign up again.")


def start_of_work() -> Path:
    """Return the folder that the work on the lesson, or the step, of work/ began with.

    Raises WorkbookError if there is no work/.
    """
    step = work_step(whole=False)
    lesson = lesson_in_notes(step) or first_lesson(step)
    return start_folder(lesson) if lesson else step_before(step)


def print_task(step: str, lesson: Lesson | None, skipped: list[Lesson]) -> None:
    """Print what to build, try the tests of it, and name the skipped lessons."""
    if lesson is None:
        print_story(step)
        print_missing(run_suites(step, WORK).failing)
        return
    print_lesson(lesson)
    with SuiteRunner() as runner:
        outcome = run_some(runner, step, WORK, behaviour_names(lesson))
    progress = read_progress(WORK)
    progress.failing = outcome.failing
    progress.all_judged = False
    names = behaviour_names(lesson)
    holding = [name for name in names if name not in outcome.problems]
    progress.begin_lesson(lesson.name, holding)
    write_progress(WORK, progress)
    print_behaviours(lesson, outcome.failing)
    print_skipped(skipped)
    print_given(lesson)
    print_what_next()


def print_task_again() -> int:
    """Print again what to build in work/."""
    step = work_step()
    failing = read_progress(WORK).failing
    lesson = current_lesson()
    if lesson:
        print_lesson(lesson)
        print_behaviours(lesson, failing)
        print_given(lesson)
        print_what_next()
        return 0
    if lessons(step):
        print(
            f"Step {step[:2]} has lessons, and it is not known which one work/ is at.\n"
            "Find it out:              python3 -m workbook check\n"
            f"Or begin with the first:  python3 -m workbook start {step[:2]}.1 --aside"
        )
        return 0
    print_story(step)
    if failing is None:
        print("See what is not there yet: python3 -m workbook check")
    elif failing:
        print_missing(failing)
    else:
        print("When you last checked, all behaviours held.")
    return 0


def print_story(step: str) -> None:
    """Print what a step adds, and why."""
    task = wrap_text(story(step))
    print(f"\nwork/ is for step {step[:2]}. What to build:\n\n{task}\n")
    print("To read this again: python3 -m workbook start\n")


def print_missing(failing: list[str]) -> None:
    """Print the behaviours that are not there yet."""
    print("Not there yet:")
    for name in failing:
        print(f"  {mark(False)} {behaviour_title(name)}")
    print("\nChange work/, and see what holds: python3 -m workbook check --watch")


def reset_command(options: argparse.Namespace) -> int:
    """Put files, or all of work/, back to the start; the learner's own are kept."""
    step = work_step(whole=False)
    if not options.path:
        lesson = lesson_in_notes(step) or first_lesson(step)
        begin(step, lesson)
        where = (
            f"lesson {lesson.name}, {lesson.title}" if lesson else f"step {step[:2]}"
        )
        print(f"work/ is at the start of {where}.")
        return 0
    reset_files(options.path)
    return 0


def reset_files(path: str) -> None:
    """Put the files that a name means back to the start."""
    first = start_of_work()
    start = code_files(first)
    mine = lesson_files(WORK)
    names = find_names(path, [*mine, *start])
    to_keep = [name for name in names if name in mine]
    kept = set_aside(to_keep) if to_keep else ""
    for name in names:
        if name in start:
            copy_file(first, WORK, name)
    progress = read_progress(WORK)
    progress.failing = None
    progress.app_starts = True
    write_progress(WORK, progress)
    print(kept or f"{', '.join(f'work/{name}' for name in names)}: back.")


def find_names(word: str, known: list[str]) -> list[str]:
    """Return the files that a name such as auth.py or templates means.

    Raises WorkbookError if there is none, or if it is a file's name in two folders.
    """
    wanted = Path(word).as_posix().removeprefix("work/")
    known = sorted(set(known))
    files = [name for name in known if f"/{name}".endswith(f"/{wanted}")]
    if len(files) > 1:
        raise WorkbookError(
            f"More than one file is called {wanted}. {nearest(wanted, files)}"
        )
    in_folder = [name for name in known if f"/{wanted}/" in f"/{name}"]
    if not files and not in_folder:
        titles = [Path(name).name for name in known]
        raise WorkbookError(f"No file is called {wanted}. {nearest(wanted, titles)}")
    return files or in_folder


def restore_command(options: argparse.Namespace) -> int:
    """Bring back what was set aside; what is in its place is set aside."""
    folders = dated_folders()
    if not options.folder:
        list_folders(folders)
        return 0
    name = Path(options.folder).name
    names = [folder.name for folder in folders]
    if name not in names:
        suggestion = nearest(name, names) if names else "Nothing was set aside."
        raise WorkbookError(f"There is no {name}. {suggestion}")
    restore(ROOT / name)
    return 0


def list_folders(folders: list[Path]) -> None:
    """Print what was set aside."""
    if not folders:
        print("Nothing was set aside.")
        return
    for folder in folders:
        files = files_in(folder)
        what = read_progress(folder).step or ", ".join(files[:3])
        print(f"{folder.name}   {what}, {len(files)} files")
    print("\nTo bring one back: python3 -m workbook restore NAME")


def files_in(folder: Path) -> list[str]:
    """Return the path of every file in a folder."""
    names = []
    for top, _, files in os.walk(folder):
        names += [Path(top, file).relative_to(folder).as_posix() for file in files]
    return sorted(names)


def restore(folder: Path) -> None:
    """Move what is in this folder back to work/."""
    is_whole = (folder / PROGRESS_FILE).exists()
    if is_whole:
        if WORK.exists() and any(WORK.iterdir()):
            print(set_work_aside())
        names = sorted(path.name for path in folder.iterdir())
    else:
        names = files_in(folder)
        in_place = [name for name in names if os.path.lexists(WORK / name)]
        if in_place:
            print(set_aside(in_place))
    move_all(folder, WORK, names)
    shutil.rmtree(folder)
    print(f"{shown(folder)} is back in work/.")
