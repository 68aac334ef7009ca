"""How a chapter is read, and where the apps after its lessons are kept."""

import os
import time
from pathlib import Path

import pytest

from workbook import lessons
from workbook.common import WorkbookError
from workbook.git import git

CHAPTER = """\
# Step 05: logging in

## 1. Log in
*essential · 12 minutes*

```diff given
one
```

```diff
two
```

```{kind}
three
```
"""
A_DAY = 24 * 60 * 60


@pytest.mark.parametrize("kind", ["diff", "diff given"])
def test_a_second_block_of_a_kind_is_an_error(kind: str) -> None:
    """One of the two would be left out of the lesson, and nobody would know."""
    with pytest.raises(WorkbookError) as error:
        lessons.read_chapter("05_login", CHAPTER.format(kind=kind))

    assert "05_login/LESSONS.md, lesson 1" in str(error.value)
    assert f"```{kind}." in str(error.value)


def test_states_that_nobody_uses_are_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change of a step leaves its old states behind: the folder only grew."""
    monkeypatch.setattr(lessons, "CACHE", tmp_path)
    now = time.time()
    ages = {
        "05_login-unused": 2 * A_DAY,
        "05_login-of_today": A_DAY / 2,
        "06_protected-of_another_step": 2 * A_DAY,
    }
    for name, age in ages.items():
        state = tmp_path / name / "05.1"
        state.mkdir(parents=True)
        os.utime(state.parent, (now - age, now - age))

    made = lessons.cache_folder("05_login")

    kept = {"05_login-of_today", "06_protected-of_another_step", made.name}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_states_that_are_used_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were made long ago, too: a term takes months."""
    monkeypatch.setattr(lessons, "CACHE", tmp_path)
    made = lessons.cache_folder("05_login")
    os.utime(made, (0, 0))

    lessons.cache_folder("05_login")
    lessons.delete_unused_states("05_login")

    assert made.exists()


def test_git_does_not_take_a_hooks_repository_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`propagate --check` may be called by a hook, which names its repository."""
    git("init", "-q", folder=tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "of_the_hook"))

    found = git("rev-parse", "--git-dir", folder=tmp_path)

    assert found.stdout == b".git\n", found.stderr
