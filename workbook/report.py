"""Run the suites on a folder, and print in words which behaviours hold."""

from pathlib import Path

from tests.support.messages import Problem
from workbook.common import (
    behaviour_title,
    mark,
    paint,
    say_command,
    suites_up_to,
    wrap_text,
)
from workbook.places import STEPS, WORK, shown
from workbook.runner import Outcome, run_suites

STUCK = "Stuck? python3 -m workbook hint"
WHAT_COMES_NEXT = """\
That was the last step. What comes next:
- put a mistake into a copy and attack it: python3 -m workbook list --mistakes
- read what is still missing, and why: python3 -m workbook notebook 06
- copy your app, or steps/06_protected, into a project of your own; the suites judge it
  there, too: python3 -m workbook test 06 --app my_app"""


def check(step: str, folder: Path) -> Outcome:
    """Run all suites up to a step on a folder, print what holds, and return it."""
    say_command("pytest", "--step", step[:2], f"--app={shown(folder)}")
    outcome = run_suites(step, folder)
    report(step, folder, outcome)
    return outcome


def report(step: str, folder: Path, outcome: Outcome) -> int:
    """Print a tick or a cross for each behaviour, and explain the first failure.

    Returns 0 if all behaviours hold, 1 otherwise.
    """
    for suite in suites_up_to(step):
        print_suite(outcome, suite, every_test=suite == step)
    if not outcome.failing:
        print_all_hold(outcome)
        if folder == WORK:
            print(next_step(step))
        return 0
    explain_failure(outcome.failing[0], outcome)
    print_score(outcome)
    if folder == WORK:
        print(STUCK)
    return 1


def print_suite(outcome: Outcome, suite: str, every_test: bool) -> None:
    """Print how much of a suite holds, and its tests: all, or those that fail."""
    names = [name for name in outcome.ran if name.startswith(f"{suite}::")]
    failing = [name for name in names if name in outcome.problems]
    passed = len(names) - len(failing)
    print(f"{mark(not failing)} {paint(suite, '1')}: {passed} of {len(names)} hold")
    for name in names if every_test else failing:
        print(f"  {mark(name not in failing)} {behaviour_title(name)}")


def next_step(step: str) -> str:
    """Return what to do after a step whose behaviours all hold."""
    if step == STEPS[-1]:
        return WHAT_COMES_NEXT
    number = STEPS[STEPS.index(step) + 1][:2]
    return f"Next: python3 -m workbook start {number}"


def print_all_hold(outcome: Outcome) -> None:
    """Print that every behaviour holds, and how many tests were run."""
    count = outcome.score.total
    cases = ""
    if outcome.total > count:
        cases = f" ({outcome.total} tests: some try several values)"
    print(paint(f"\nAll {count} behaviours hold{cases}.", "1;32"))


def print_score(outcome: Outcome) -> None:
    """Print how many behaviours hold, and how many fail as the first one does."""
    score = outcome.score
    verdict = paint(f"{score.passed} of {score.total} behaviours hold.", "1;31")
    name = outcome.failing[0]
    alike = count_alike(outcome.problems[name][0], name, outcome)
    if alike:
        verdict += f" {alike} more for the same reason."
    print(verdict)


def explain_failure(name: str, outcome: Outcome) -> None:
    """Print one failure in full."""
    problem = outcome.problems[name][0]
    print(f"\n{mark(False)} {paint(behaviour_title(name), '1')}")
    print(wrap_text(f"  Why    {outcome.reasons[name]}"))
    for request in problem.asked:
        print(f"  Asked  {request}")
    if problem.logged:
        print(f"  Log    {problem.logged}")
    said = "\n         ".join(problem.said)
    print(wrap_text(f"  Said   {said}"))
    if problem.raised:
        print(f"  Raised {paint(problem.raised, '1')}")
    elif problem.code:
        print(f"  Code   {paint(problem.code, '1')}")
    print(wrap_text(f"  Test   {problem.place}") + "\n")


def count_alike(problem: Problem, name: str, outcome: Outcome) -> int:
    """Return how many other behaviours fail with the same message."""
    count = 0
    for other in outcome.failing:
        said = [one.said for one in outcome.problems[other]]
        if other != name and problem.said in said:
            count += 1
    return count
