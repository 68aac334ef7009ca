"""`break`: a mistake in a copy of one's own, kept when it is there already."""

import shutil
from typing import Any


def test_a_mistake_is_put_into_a_copy_and_caught(house: Any) -> None:
    """What to try, and the behaviour that goes red."""
    out = house.run("break", "01_config-weak-key", "--test")

    assert "Try it:" in out
    assert "  3. " in out
    assert "$ pytest --step 01 --app=work/mistakes/01_config-weak-key" in out
    assert "✗" in out
    assert "of this mistake found it, and all others passed." in out.splitlines()[-1]
    assert not (house.path / "steps" / "01_config" / ".workbook.json").exists()


def test_a_mistake_is_told_with_its_standard_name(house: Any) -> None:
    """Whoever wants to read more needs the word to search for."""
    out = house.run("break", "old-session-kept")

    assert "session fixation, CWE-384" in out


def test_a_copy_that_is_there_is_kept(house: Any) -> None:
    """Somebody may be mending it. Nor is other work touched."""
    house.begin("02")
    house.run("break", "open-redirect")
    mine = (
        house.work
        / "mistakes"
        / "05_login-open-redirect"
        / "flask_login_tutorial"
        / "auth.py"
    )
    mine.write_text("mine")

    again = house.run("break", "open-redirect")
    kept = mine.read_text()
    house.run("break", "open-redirect", "--aside")

    assert "stays as you left it. For a new one: break open-redirect --aside" in again
    assert kept == "mine"
    assert mine.read_text() != "mine"
    assert (house.package / "routes.py").exists()
    assert "mistakes" not in house.run("diff", "01", "work", "--stat")


def test_an_unknown_mistake_gets_the_nearest_names(house: Any) -> None:
    """And the way to see them all."""
    out = house.run("break", "open-redirct", code=1)

    assert "Did you mean open-redirect" in out
    assert "list --mistakes" in out


def test_without_git_it_says_what_to_install(house: Any) -> None:
    """And leaves no half of a copy."""
    assert "this command needs it" in house.run(
        "break", "weak-key", code=1, PATH="/nonexistent"
    )
    assert not (house.work / "mistakes" / "01_config-weak-key").exists()


def test_the_mistakes_are_listed_by_step(house: Any) -> None:
    """A line each."""
    lines = house.run("list", "--mistakes").splitlines()

    assert len(lines) == len(list((house.path / "tests" / "mistakes").glob("*.patch")))
    assert [line.split()[0] for line in lines] == sorted(
        line.split()[0] for line in lines
    )


def test_a_mistake_that_was_mended_is_told(house: Any) -> None:
    """The tests that found it pass now: who mends it sees that, too."""
    house.run("break", "01_config-weak-key")
    copy = house.work / "mistakes" / "01_config-weak-key"
    shutil.copytree(house.path / "steps" / "01_config", copy, dirs_exist_ok=True)

    out = house.run("break", "01_config-weak-key", "--test", code=1)

    assert "Not found by: " in out
