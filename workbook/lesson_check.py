"""Check work/ for the lesson that it is at, and go on to the next one."""

from collections.abc import Sequence
from contextlib import suppress

from tests.support.messages import Problem
from tests.support.suites import SuiteRunner
from workbook.chapter import (
    diff_of_given,
    lesson_place,
    print_afterwards,
    print_goal,
)
from workbook.common import (
    behaviour_title,
    mark,
    paint,
    say_command,
    work_step,
    wrap_text,
)
from workbook.given import Given, put_into_work
from workbook.hints import behaviours, find_behaviours, unknown_behaviour
from workbook.lessons import (
    Lesson,
    behaviour_names,
    current_lesson,
    first_open_lesson,
    later_behaviours,
    lessons,
    next_lesson,
)
from workbook.places import WORK
from workbook.progress import Progress, read_progress, write_progress
from workbook.report import STUCK, explain_failure, next_step, print_all_hold, report
from workbook.runner import Outcome, run_all, run_some

MOST_BROKEN = 5  # behaviours that are named: the rest would push the reason away
MOST_CHANGES = 6  # behaviours that are named in a list of what changed


def check_work(runner: SuiteRunner) -> int:
    """Run all suites on work/; the verdict on the current lesson comes first.

    Returns 0 if the lesson is done and nothing before it is broken, 1 otherwise.
    Raises WorkbookError if the app does not start.
    """
    step = work_step()
    if not lessons(step):
        return check_whole_step(runner, step)
    before = read_progress(WORK)
    lesson = current_lesson()
    outcome = None  # of all suites
    if lesson is None:
        outcome = run_all(runner, step, WORK)
        lesson = note_lesson(step, outcome)
    say_command("pytest", "--step", lesson.name, "--app=work")
    names = behaviour_names(lesson)
    failing = judge_lesson(lesson, outcome or run_some(runner, step, WORK, names))
    outcome = outcome or run_all(runner, step, WORK)
    broken = judge_the_rest(lesson, outcome, failing, before)
    if broken or failing:
        print(STUCK)
        return 1
    finish(lesson, outcome)
    return 0


def check_whole_step(runner: SuiteRunner, step: str) -> int:
    """Do what check_work() does for a step that has no lessons."""
    say_command("pytest", "--step", step[:2], "--app=work")
    return report(step, WORK, run_all(runner, step, WORK))


def judge_lesson(lesson: Lesson, outcome: Outcome) -> list[str]:
    """Print the verdict on a lesson; return those of its behaviours that fail."""
    note_beginning(lesson, outcome)
    names = behaviour_names(lesson)
    failing = [name for name in names if name in outcome.problems]
    print_verdict(lesson, failing)
    if failing:
        explain_failure(failing[0], outcome)
    return failing


def judge_the_rest(
    lesson: Lesson, outcome: Outcome, failing: list[str], before: Progress
) -> list[str]:
    """Print the verdict on all but the lesson; return the behaviours that are broken.

    `failing` are the lesson's own, and `before` are the notes of the last check.
    """
    broken = print_the_rest(lesson, outcome, failing)
    print_changes(lesson, before, outcome)
    others = of_another_kind(broken, failing, outcome)
    if others:
        if failing:
            print("\nMend this one first, for it held before this lesson:")
        explain_failure(others[0], outcome)
    return broken


def note_beginning(lesson: Lesson, outcome: Outcome) -> None:
    """Note what holds already, if the tests run on this lesson for the first time."""
    progress = read_progress(WORK)
    if lesson.name not in progress.started_with:
        progress.begin_lesson(lesson.name, holding(lesson, outcome))
        with suppress(OSError):  # a folder that cannot be written to is judged, too
            write_progress(WORK, progress)


def holding(lesson: Lesson, outcome: Outcome) -> list[str]:
    """Return the behaviours of a lesson that hold."""
    names = behaviour_names(lesson)
    return [name for name in names if name not in outcome.problems]


def note_lesson(step: str, outcome: Outcome) -> Lesson:
    """Note which lesson work/ is at: the first with a behaviour that fails."""
    lesson = first_open_lesson(step, outcome.failing)
    progress = read_progress(WORK)
    progress.lesson = lesson.number
    with suppress(OSError):  # a folder that cannot be written to
        write_progress(WORK, progress)
    print(f"By its behaviours work/ is at lesson {lesson.name}.")
    return lesson


def print_verdict(lesson: Lesson, failing: list[str]) -> None:
    """Print a line for each behaviour of the lesson, and how many hold."""
    names = behaviour_names(lesson)
    print(paint(f"{lesson.name} {lesson.title}", "1"))
    for name in names:
        print(f"  {mark(name not in failing)} {behaviour_title(name)}")
    passed = len(names) - len(failing)
    print(f"{lesson_place(lesson)}: {passed} of {len(names)}")


def print_the_rest(
    lesson: Lesson, outcome: Outcome, failing: Sequence[str] = ()
) -> list[str]:
    """Print what became of all other behaviours; return those that are broken.

    Of what was before the lesson only failures are named; what comes later is counted.
    `failing` are the lesson's own; the first one has been explained.
    """
    own = behaviour_names(lesson)
    later = later_behaviours(lesson)
    earlier = [name for name in outcome.ran if name not in {*own, *later}]
    broken = [name for name in earlier if name in outcome.problems]
    if broken:
        others = of_another_kind(broken, failing, outcome)
        print_alike([name for name in broken if name not in others])
        print_broken(others)
    elif earlier:
        print(f"{mark(True)} Nothing before it is broken: {counted(earlier)}.")
    print_later(later, outcome)
    return broken


def print_later(names: Sequence[str], outcome: Outcome) -> None:
    """Print how many behaviours of later lessons there are, and hold already."""
    if names:
        passed = len([name for name in names if name not in outcome.problems])
        print(f"Later in this step: {counted(names)}; {passed} of them hold already.")


def print_alike(names: list[str]) -> None:
    """Print how many behaviours fail for the reason that was explained."""
    if names:
        verb = "fails" if len(names) == 1 else "fail"
        print(
            f"{mark(False)} {counted(names)} of what came before {verb}, too, "
            "for the same reason."
        )


def print_broken(names: list[str]) -> None:
    """Print the first of the behaviours that a change has broken."""
    if not names:
        return
    print(f"{mark(False)} Broken: {counted(names)} of what came before:")
    for name in names[:MOST_BROKEN]:
        print(f"  {mark(False)} {name[:2]}: {behaviour_title(name)}")
    if len(names) > MOST_BROKEN:
        print(f"  and {len(names) - MOST_BROKEN} more")


def of_another_kind(
    broken: list[str], failing: Sequence[str], outcome: Outcome
) -> list[str]:
    """Return the behaviours that do not fail as the first of `failing` does.

    That one has been explained. Every test of an app with a database begins with
    `flask init-db`, for example.
    """
    if not failing:
        return broken
    explained = outcome.problems[failing[0]][0]
    return [
        name for name in broken if not is_alike(outcome.problems[name][0], explained)
    ]


def is_alike(problem: Problem, explained: Problem) -> bool:
    """Return whether two failures have one reason.

    That is the same message, or the same exception at the same line of the app.
    """
    same_exception = problem.raised != "" and problem.raised == explained.raised
    return same_exception or problem.said == explained.said


def counted(names: list[str]) -> str:
    """Return how many behaviours these are, in words."""
    return "1 behaviour" if len(names) == 1 else f"{len(names)} behaviours"


def print_changes(lesson: Lesson, before: Progress, outcome: Outcome) -> None:
    """Print what has changed since the last check; nothing if there was none."""
    if before.failing is None or before.step != lesson.step:
        return
    failed = set(before.failing)
    failing = set(outcome.failing)
    judged = judged_both_times(lesson, before, outcome)
    green = [name for name in judged if name in failed - failing]
    red = [name for name in judged if name in failing - failed]
    for colour, names in (("green", green), ("red", red)):
        if names:
            print(wrap_text(f"Since the last check, now {colour}: {listed(names)}."))


def judged_both_times(
    lesson: Lesson, before: Progress, outcome: Outcome
) -> Sequence[str]:
    """Return the behaviours that this check and the last one have judged."""
    if not before.all_judged:
        return behaviour_names(lesson)
    later = set(later_behaviours(lesson))
    return [name for name in outcome.ran if name not in later]


def listed(names: list[str]) -> str:
    """Return the titles of behaviours as a list in a sentence; a long one is cut."""
    titles = [behaviour_title(name) for name in names[:MOST_CHANGES]]
    rest = len(names) - len(titles)
    if rest:
        titles.append(f"and {rest} more")
    return "; ".join(titles)


def done_line(lesson: Lesson) -> str:
    """Return the sentence that says that a lesson is done."""
    end = "" if lesson.title.endswith(("?", "!")) else "."
    return f"Lesson {lesson.name} is done: {lesson.title}{end}"


def finish(lesson: Lesson, outcome: Outcome) -> None:
    """Say that a lesson is done, and go on to the next that is not.

    What is given for it goes into work/; what does not fit is named, and stays.
    Raises WorkbookError if the chapter is stale, or without git; then work/ stays at
    this lesson.
    """
    if not outcome.failing:
        print_all_hold(outcome)
    print(paint(f"\n{done_line(lesson)}", "1;32"))
    print_afterwards(lesson)
    if has_moved_on(lesson):
        print("\nAnother terminal has gone on to the next lesson already.")
        return
    done = [lesson]
    following = next_lesson(lesson)
    while following and holds_already(following, outcome):
        print(f"\n{mark(True)} {following.name} {following.title}: holds already.")
        put_into_work(following)  # what does not fit is not needed either
        done.append(following)
        following = next_lesson(following)
    given = put_into_work(following) if following else Given()
    note_finished(done, following, outcome)
    if following is None:
        print(f"\n{next_step(lesson.step)}")
        return
    print_next(following, given)


def has_moved_on(lesson: Lesson) -> bool:
    """Return whether the notes say that work/ is at another lesson by now."""
    progress = read_progress(WORK)
    return (progress.step, progress.lesson) != (lesson.step, lesson.number)


def holds_already(lesson: Lesson, outcome: Outcome) -> bool:
    """Return whether the tests ran on a lesson's behaviours, and all passed."""
    names = behaviour_names(lesson)
    return was_run(lesson, outcome) and outcome.problems.keys().isdisjoint(names)


def was_run(lesson: Lesson, outcome: Outcome) -> bool:
    """Return whether the tests ran on a lesson's behaviours: those of its step did."""
    return set(behaviour_names(lesson)) <= set(outcome.ran)


def note_finished(
    done: list[Lesson], following: Lesson | None, outcome: Outcome
) -> None:
    """Note which lessons are done, and which one work/ is at now."""
    progress = read_progress(WORK)
    for lesson in done:
        if lesson.name not in progress.finished:
            progress.finished.append(lesson.name)
    last = following or done[-1]
    if last.step != progress.step:
        progress.failing = None
    progress.step = last.step
    progress.lesson = last.number
    if following and was_run(following, outcome):
        progress.begin_lesson(following.name, holding(following, outcome))
    write_progress(WORK, progress)


def print_next(lesson: Lesson, given: Given) -> None:
    """Print which lesson work/ is at now, and what became of what is given.

    Not its whole text: what to try in the lesson before has to stay on the screen.
    """
    print(paint(f"\n{'-' * 60}", "2"))
    print_goal(lesson)
    if given.placed:
        names = ", ".join(given.placed)
        print(wrap_text(f"Given for this lesson, and put into work/: {names}."))
        print(f"To see it: python3 -m workbook {diff_of_given(lesson)}\n")
    for name in given.refused:
        print(
            f"Given, too, but it does not fit your work/{name}, which stays as it is. "
            f"To see it:\n  python3 -m workbook {diff_of_given(lesson)} {name}\n"
        )
    print("To read this lesson: python3 -m workbook start")


def explain_wanted(runner: SuiteRunner, wanted: str) -> int:
    """Explain the first failing behaviour with these words, or say that it holds.

    Returns 0 if all behaviours with these words hold, 1 otherwise. Raises WorkbookError
    if there is none.
    """
    step = work_step()
    known = behaviours(step)
    names = find_behaviours(wanted, known)
    if not names:
        raise unknown_behaviour(wanted, known)
    outcome = run_some(runner, step, WORK, names)
    if outcome.failing:
        explain_failure(outcome.failing[0], outcome)
        return 1
    for name in outcome.ran:
        print(f"{mark(True)} {behaviour_title(name)}: this one holds.")
    return 0
