"""The table of ASVS requirements is whole, and every claim in it has something behind
it.
"""

import re
from collections import Counter

from tests import asvs
from tests.support.harness import ROOT

# How many requirements of levels 1 and 2 ASVS 5.0.0 has there: chapters 3, 6, 7, 11,
# 13, 14, 16, and three sections.
SECTIONS = {
    "1.2": 9, "2.2": 3, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip


def test_every_requirement_of_levels_1_and_2_is_listed() -> None:
    """One that is left out looks as if it were met.

    (TOML itself refuses a number that is there twice.)
    """
    listed = asvs.requirements()

    assert (
        Counter(requirement.number.rpartition(".")[0] for requirement in listed)
        == SECTIONS
    )
    assert {requirement.level for requirement in listed} == {1, 2}
    print(asvs.counts(listed))


def test_what_is_called_met_has_a_test() -> None:
    """A claim that nothing checks is true until the next change."""
    bare = [
        one.number for one in asvs.requirements() if not one.declared and not one.tests
    ]

    assert bare == [], "no test carries these numbers, and no reason is given either"


def test_what_is_not_met_or_does_not_apply_has_a_reason_and_no_test() -> None:
    """A reader should learn why; and a test that shows it would make the reason a
    lie."""
    for requirement in asvs.requirements():
        if requirement.status in (asvs.NOT_APPLICABLE, asvs.NOT_MET):
            assert requirement.reason, requirement.number
            assert requirement.tests == [], requirement.number


def test_every_mark_names_a_requirement_that_is_listed() -> None:
    """A mark with a slip in its number counts for nothing."""
    listed = {requirement.number for requirement in asvs.requirements()}
    marks = list(asvs.marks())

    assert marks
    assert [mark for mark in marks if mark.number not in listed] == []
    assert [mark for mark, times in Counter(marks).items() if times > 1] == []


def test_what_is_documented_is_written_where_the_list_says() -> None:
    """A chapter that was renamed or taken out documents nothing any more."""
    for requirement in asvs.requirements():
        if requirement.status == asvs.DOCUMENTED:
            file, _, heading = requirement.reason.partition("#")
            headings = re.findall(
                r"(?m)^#+ (.+)$", (ROOT / file).read_text(encoding="utf-8")
            )
            assert heading in headings, (
                f"{requirement.number}: {file} has no chapter {heading!r}"
            )
