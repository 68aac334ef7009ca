"""`check`: run the suites on work/, once or at every save."""

import argparse
import re
import sys
from pathlib import Path

from workbook.common import WorkbookError, ask, find_step, has_work, work_step
from workbook.places import STEPS, WORK
from workbook.progress import Progress, read_progress, write_progress
from workbook.report import check
from workbook.watch import watch


def check_command(options: argparse.Namespace) -> int:
    """Judge work/, once or at every save."""
    words = list(options.words)
    if words and means_a_step(words[0]):
        step = find_step(words.pop(0))
        if has_work() and not change_step(step):
            return 1
    if options.watch and words:
        raise WorkbookError("--watch judges all of work/: leave out the other words.")
    if options.watch:
        return watch()
    return check(work_step(), WORK, " ".join(words))


def means_a_step(word: str) -> bool:
    """Return whether a word means a step (3, 03, 03_forms), and not a behaviour."""
    return word in STEPS or re.fullmatch(r"\d+(_\w*)?", Path(word).name) is not None


def change_step(step: str) -> bool:
    """Note that work/ is for this step; asks first if that looks like a mistake."""
    progress = read_progress(WORK)
    before = progress.step
    if before not in STEPS or before == step:
        progress.step = step
        write_progress(WORK, progress)
        return True
    if sys.stdin.isatty() and not comes_next(progress, step):
        print(f"work/ is for {before}.")
        if not ask(f"Is it for {step} from now on?"):
            return False
    print(f"work/ was for {before}; from now on it is for {step}.")
    progress.step = step
    progress.failing = None
    write_progress(WORK, progress)
    return True


def comes_next(progress: Progress, step: str) -> bool:
    """Return whether this is the step after one whose behaviours all hold."""
    follows = STEPS.index(step) == STEPS.index(progress.step) + 1
    score = progress.done.get(progress.step)
    return follows and score is not None and score.passed == score.total
