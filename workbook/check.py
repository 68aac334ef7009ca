"""`check`: run the suites on work/, once or at every save."""

import argparse
import re
import sys
from pathlib import Path

from tests.support.suites import SuiteRunner
from workbook.common import WorkbookError, ask, find_step, has_work
from workbook.lesson_check import check_work, explain_wanted
from workbook.lessons import find_lesson, is_lesson_name
from workbook.places import STEPS, WORK
from workbook.progress import Progress, read_progress, write_progress
from workbook.watch import watch


def check_command(options: argparse.Namespace) -> int:
    """Judge work/, once or at every save."""
    words = list(options.words)
    if words and means_a_place(words[0]):
        step, lesson = find_step_and_number(words.pop(0))
        if has_work() and not change_place(step, lesson):
            return 1
    if options.watch and words:
        raise WorkbookError("--watch judges all of work/: leave out the other words.")
    if options.watch:
        return watch()
    with SuiteRunner() as runner:
        if words:
            return explain_wanted(runner, " ".join(words))
        return check_work(runner)


def means_a_place(word: str) -> bool:
    """Return whether a word means a step (3, 03, 03_forms) or a lesson (03.2)."""
    is_step = word in STEPS or re.fullmatch(r"\d+(_\w*)?", Path(word).name) is not None
    return is_step or is_lesson_name(word)


def find_step_and_number(word: str) -> tuple[str, int]:
    """Return a step, and the number of its lesson; 0 if none is named.

    Raises WorkbookError if there is none.
    """
    if is_lesson_name(word):
        lesson = find_lesson(word)
        return lesson.step, lesson.number
    return find_step(word), 0


def change_place(step: str, lesson: int) -> bool:
    """Note that work/ is for this step, at this lesson.

    Asks first if that looks like a mistake. Lesson 0: the tests find it out.
    """
    progress = read_progress(WORK)
    before = progress.step
    if before == step and lesson in (0, progress.lesson):
        return True
    if before in STEPS and before != step:
        if sys.stdin.isatty() and not comes_next(progress, step):
            print(f"work/ is for {before}.")
            if not ask(f"Is it for {step} from now on?"):
                return False
        print(f"work/ was for {before}; from now on it is for {step}.")
        progress.failing = None
    elif lesson and before == step:
        print(f"From now on work/ is at lesson {step[:2]}.{lesson}.")
    progress.step = step
    progress.lesson = lesson
    write_progress(WORK, progress)
    return True


def comes_next(progress: Progress, step: str) -> bool:
    """Return whether this is the step after one whose behaviours all hold."""
    follows = STEPS.index(step) == STEPS.index(progress.step) + 1
    score = progress.done.get(progress.step)
    return follows and score is not None and score.passed == score.total
