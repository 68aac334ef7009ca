"""`start`, `reset` and `restore`: begin a step, go back, bring back what was kept."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from workbook.aside import (
    copy_file,
    copy_lesson,
    dated_folders,
    move_all,
    set_aside,
    set_work_aside,
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
from workbook.places import PROGRESS_FILE, ROOT, WORK, lesson_files, shown
from workbook.progress import read_progress, write_progress
from workbook.runner import run_suites


def start_command(options: argparse.Namespace) -> int:
    """Begin a step: make work/ a copy of the step before, and tell what to build."""
    if not options.step:
        return tell_the_task(work_step())
    step = find_step(options.step)
    if lesson_files(WORK) and not options.aside and not may_set_aside(step):
        return 1
    begin(step)
    print_story(step)
    print_missing(run_suites(step, WORK).failing)
    return 0


def may_set_aside(step: str) -> bool:
    """Say that work/ holds something, and ask whether it may be set aside."""
    number = step[:2]
    print(
        "work/ holds something, and it is kept. "
        f"Set it aside with: start {number} --aside\n"
        f"Or go on with what you have: python3 -m workbook check {number}",
        file=sys.stderr,
    )
    return sys.stdin.isatty() and ask("Set it aside now?")


def begin(step: str) -> None:
    """Fill work/ with the start of a step; what was there is set aside."""
    progress = read_progress(WORK)
    kept = set_work_aside() if lesson_files(WORK) else ""
    copy_lesson(step_before(step), WORK)
    progress.step = step
    progress.failing = None
    progress.hints = {}
    write_progress(WORK, progress)
    print(kept)


def tell_the_task(step: str) -> int:
    """Tell again what to build in work/."""
    print_story(step)
    failing = read_progress(WORK).failing
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
        begin(step)
        return 0
    first = step_before(step)
    mine = lesson_files(WORK)
    names = find_names(options.path, [*mine, *lesson_files(first)])
    to_keep = [name for name in names if name in mine]
    kept = set_aside(to_keep) if to_keep else ""
    for name in names:
        if name in lesson_files(first):
            copy_file(first, WORK, name)
    print(kept or f"{', '.join(f'work/{name}' for name in names)}: back.")
    return 0


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
