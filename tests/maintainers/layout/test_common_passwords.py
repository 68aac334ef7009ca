"""The list of common passwords: long enough to help, small enough to copy."""

import pytest

from tests.support.harness import ROOT, STEPS, Step

WITH_PASSWORD_RULES = [step for step in STEPS.values() if step.number >= 3]


def listed(step: Step) -> list[str]:
    """The passwords in the step's list."""
    file = step.path / "flask_login_tutorial" / "common_passwords.txt"
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("# ")]


def test_the_list_is_short_enough_to_copy_and_the_same_in_every_step() -> None:
    """Under 100 KB: the library that it replaces brought 57 MB for one look-up."""
    files = {
        step.name: (
            step.path / "flask_login_tutorial" / "common_passwords.txt"
        ).read_bytes()
        for step in WITH_PASSWORD_RULES
    }

    assert len(set(files.values())) == 1
    assert len(files["06_protected"]) < 100_000
    assert len(set(listed(STEPS[6]))) >= 4000


@pytest.mark.asvs("6.2.4")
@pytest.mark.parametrize("step", WITH_PASSWORD_RULES, ids=lambda step: step.name)
def test_none_of_the_commonest_passwords_is_accepted(step: Step) -> None:
    """ASVS asks for the 3,000 commonest that the rule about the length lets through."""
    is_common = step.module.passwords.is_common

    accepted = [
        password for password in listed(step) if not is_common(password.title())
    ]

    assert accepted == []


def test_the_list_says_where_it_comes_from() -> None:
    """Who copies it has to know whose it is, and what one may do with it."""
    text = (
        ROOT / "steps/06_protected/flask_login_tutorial/common_passwords.txt"
    ).read_text(encoding="utf-8")

    assert "SecLists" in text
    assert "Creative Commons" in text
