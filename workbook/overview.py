"""`list`: the steps and how far one is, the mistakes, or a whole class."""

import argparse

from workbook.common import GREEN, WorkbookError, paint
from workbook.lessons import Lesson, all_lessons, lessons
from workbook.patches import all_mistakes
from workbook.places import PACKAGE, ROOT, STEPS, WORK
from workbook.progress import Progress, read_progress
from workbook.room import list_room

HERE = "  <- you are here"
LEGEND = (
    "\n✓ done   * essential in a workshop of three hours   "
    "such as 33 of 40: what held when you last checked\n"
    "Begin a lesson: python3 -m workbook start 02.1"
)


def list_command(options: argparse.Namespace) -> int:
    """Print the steps, the mistakes, or the progress of a class."""
    if (options.watch or options.json) and not options.all:
        raise WorkbookError("--watch and --json are for a class: name it with --all.")
    if options.mistakes:
        list_mistakes()
    elif options.all:
        return list_room(options)
    else:
        list_steps()
    return 0


def list_steps() -> None:
    """Print a row for each step and for each lesson: how far one is, what it is about.

    A last line says what the signs mean.
    """
    progress = read_progress(WORK)
    for step in STEPS:
        here = HERE if step == progress.step and not at_lesson(progress, step) else ""
        name = paint(f"{step:13}", "1")
        print(f"{name} {reached(progress, step):>12}   {subject(step)}{here}")
        for lesson in lessons(step):
            print(lesson_row(lesson, progress))
    if all_lessons():
        print(LEGEND)


def at_lesson(progress: Progress, step: str) -> bool:
    """Return whether the notes name one of a step's lessons."""
    return 1 <= progress.lesson <= len(lessons(step))


def lesson_row(lesson: Lesson, progress: Progress) -> str:
    """Return the row of a lesson."""
    is_here = (progress.step, progress.lesson) == (lesson.step, lesson.number)
    is_done = lesson.name in progress.finished
    sign = paint("✓", GREEN) if is_done else " "
    essential = "*" if lesson.essential else " "
    here = HERE if is_here else ""
    return (
        f"  {sign} {lesson.name:5} {essential} {lesson.minutes:2} min   "
        f"{lesson.title}{here}"
    )


def subject(step: str) -> str:
    """Return what a step is about: the first line of its package, after the colon."""
    module = ROOT / "steps" / step / PACKAGE / "__init__.py"
    first_line = module.read_text(encoding="utf-8").splitlines()[0]
    return first_line.strip('"').partition(": ")[2]


def reached(progress: Progress, step: str) -> str:
    """Return how many of a step's behaviours hold."""
    score = progress.done.get(step)
    return str(score) if score and score.total else "-"


def list_mistakes() -> None:
    """Print a row for each mistake."""
    for mistake in all_mistakes():
        name = paint(f"{mistake.id:26}", "1")
        print(f"{mistake.step:13} {name} {mistake.title}")
