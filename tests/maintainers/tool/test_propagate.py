"""`propagate`: a change in one step goes into every later one, or nowhere."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def repository(house: Any) -> Any:
    """The house with a history."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    house.git(house.path, "init", "-q")
    house.git(house.path, "add", "steps")
    house.git(house.path, *who, "commit", "-qm", "All steps")
    return house


def content(house: Any) -> dict[Path, bytes]:
    """Every file of every step."""
    return {
        path: path.read_bytes()
        for path in (house.path / "steps").rglob("*")
        if path.is_file()
    }


def test_a_change_goes_into_every_later_step(repository: Any) -> None:
    """Merged with what those steps have changed themselves; new and deleted files
    too."""
    first, *later = sorted(
        path for path in (repository.path / "steps").glob("0*") if path.name >= "03"
    )
    name = Path("flask_login_tutorial", "__init__.py")
    for old, new in (('"""Make the app.', '"""Build the app.'),):
        (first / name).write_text((first / name).read_text().replace(old, new))
    (first / "new.txt").write_text("new")
    (first / "wsgi.py").unlink()
    before = (repository.path / "steps" / "02_models" / "wsgi.py").read_bytes()
    repository.run("propagate", "03")

    for step in later:
        assert '"""Build the app.' in (step / name).read_text()
        assert "Step 03" not in (step / name).read_text()
        assert (step / "new.txt").read_text() == "new"
        assert not (step / "wsgi.py").exists()
    assert (repository.path / "steps" / "02_models" / "wsgi.py").read_bytes() == before


def test_a_conflict_stops_it_with_nothing_half_applied(repository: Any) -> None:
    """The file is named; no step but the one that was changed is different."""
    step = repository.path / "steps" / "03_forms" / "flask_login_tutorial"
    (step / "errors.py").write_text((step / "errors.py").read_text() + "\n# more\n")
    (step / "__init__.py").write_text(
        (step / "__init__.py").read_text().replace("Step 03", "Level 03")
    )
    before = content(repository)
    out = repository.run("propagate", "03", code=1)

    assert (
        "steps/04_signup/flask_login_tutorial/__init__.py and the change do not fit together"
        in out
    )
    assert content(repository) == before


def test_without_a_repository_it_says_so(house: Any) -> None:
    """It compares with the last commit."""
    assert "propagate needs git" in house.run(
        "propagate", "03", code=1, GIT_CEILING_DIRECTORIES=str(house.path.parent)
    )


def test_a_change_goes_into_the_lessons_and_the_mistakes(repository: Any) -> None:
    """Else the states are stale, and the build fails somewhere else."""
    auth = repository.path / "steps" / "04_signup" / "flask_login_tutorial" / "auth.py"
    text = auth.read_text()
    assert '"""Store the account; False' in text
    auth.write_text(text.replace('"""Store the account; ', '"""Keep the account; '))

    stale = repository.run("propagate", "--check", code=1)
    out = repository.run("propagate", "04")

    assert "The lessons of 04_signup do not end in the step" in stale
    assert "Changed steps/04_signup/LESSONS.md" in out
    chapter = repository.path / "steps" / "04_signup" / "LESSONS.md"
    assert '+    """Keep the account; False' in chapter.read_text(encoding="utf-8")
    assert "Nothing is stale" in repository.run("propagate", "--check")


def test_a_mistake_that_no_longer_fits_stops_it(repository: Any) -> None:
    """It is named, and nothing is changed."""
    auth = repository.path / "steps" / "04_signup" / "flask_login_tutorial" / "auth.py"
    text = auth.read_text()
    assert "  # a SELECT first would be" in text
    auth.write_text(text.replace("  # a SELECT first would be", "  # This would be"))
    before = content(repository)

    out = repository.run("propagate", "04", code=1)

    assert (
        "tests/mistakes/04_signup-check-then-insert.patch and the change do not fit"
        in out
    )
    assert content(repository) == before
