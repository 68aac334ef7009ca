"""`break`: put one of the tutorial's mistakes into a copy of its step."""

import argparse
import re
import shutil
from pathlib import Path

from tests.support.messages import behaviour_of
from workbook.aside import copy_lesson, set_aside
from workbook.common import (
    WorkbookError,
    behaviour_title,
    nearest,
    paint,
    wrap_text,
)
from workbook.patches import Mistake, all_mistakes, apply
from workbook.places import ROOT, WORK, shown
from workbook.report import check
from workbook.serve import serve


def break_command(options: argparse.Namespace) -> int:
    """Put a mistake into a copy of its step under work/, and say what to try there."""
    mistake = find_mistake(options.id)
    copy = WORK / "mistakes" / mistake.path.stem
    if copy.exists() and not options.aside:
        print(
            f"{shown(copy)} is there already, and stays as you left it. "
            f"For a new one: break {mistake.id} --aside"
        )
    else:
        if copy.exists():
            print(set_aside([f"mistakes/{copy.name}"]))
        make_copy(mistake, copy)
    explain_mistake(mistake, copy)
    if options.run:
        again = f"break {mistake.id} --run"
        return serve(copy, options.host, options.port, again, options.new_database)
    if options.test:
        return try_tests(mistake, copy)
    return 0


def try_tests(mistake: Mistake, copy: Path) -> int:
    """Run the tests on a copy, and say whether they find the mistake.

    Returns 0 if exactly the tests that the mistake names have failed, 1 otherwise.
    """
    outcome = check(mistake.step, copy)
    red = {behaviour_of(test) for test in mistake.red}
    missed = sorted(red - set(outcome.failing))
    others = sorted(set(outcome.failing) - red)
    if not missed and not others:
        count = "The test" if len(red) == 1 else f"The {len(red)} tests"
        print(f"{count} of this mistake found it, and all others passed.")
        return 0
    for title, names in (("Not found by", missed), ("Failing, too", others)):
        if names:
            titles = "; ".join(behaviour_title(name) for name in names)
            print(wrap_text(f"{title}: {titles}."))
    print("The copy is not as `break` made it. For a new one: --aside")
    return 1


def find_mistake(word: str) -> Mistake:
    """Return the mistake for open-redirect, 05_login-open-redirect or its patch."""
    identifier = re.sub(r"^\d\d_[a-z]+-", "", Path(word).name.removesuffix(".patch"))
    known = {mistake.id: mistake for mistake in all_mistakes()}
    if identifier not in known:
        suggestion = nearest(identifier, list(known))
        raise WorkbookError(
            f"There is no mistake {identifier}. {suggestion} See: list --mistakes"
        )
    return known[identifier]


def make_copy(mistake: Mistake, copy: Path) -> None:
    """Copy the step, and put the mistake into the copy."""
    copy_lesson(ROOT / "steps" / mistake.step, copy)
    try:
        apply(mistake, copy)
    except WorkbookError:
        shutil.rmtree(copy)
        raise


def explain_mistake(mistake: Mistake, copy: Path) -> None:
    """Print what the tutorial says, what is true, and what to try."""
    terms = ", ".join(term for term in (mistake.name, mistake.cwe) if term)
    print(f"\n{paint(mistake.title, '1')} ({terms})\n")
    lines = [
        f"The tutorial says: {mistake.says}",
        f"True is: {mistake.true}",
        f"So: {mistake.attack}",
        "",
        "Try it:",
    ]
    for number, text in enumerate(mistake.tries, 1):
        lines.append(f"  {number}. {text}")
    print(wrap_text("\n".join(lines)))
    print(
        f"\nIt is in {shown(copy)}: python3 -m workbook break {mistake.id} --run "
        "serves it, --test runs the tests on it."
    )
