"""`update` merges what the workbook has changed since, and loses nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbook import cli, update
from workbook.common import WorkbookError
from workbook.skeleton import OPTIONS_FILE, Options

OUR_FILE = "package/passwords.py"


@pytest.fixture
def changed_workbook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A workbook one version later: its passwords are longer, and it has a new file."""
    real = update.write_project

    def write_newer(folder: Path, options: Options) -> None:
        real(folder, options)
        passwords = folder / options.name / "passwords.py"
        text = passwords.read_text(encoding="utf-8")
        assert "PASSWORD_MIN = 15\n" in text
        text = text.replace("PASSWORD_MIN = 15\n", "PASSWORD_MIN = 16\n")
        passwords.write_text(text, encoding="utf-8")
        (folder / "new.txt").write_text("new")

    changelog = tmp_path / "CHANGELOG.md"
    changelog.write_text(
        "# Changes\n\n## 1.10.0\n\nLater.\n\n## 1.2.0 (2026-02-03)\n\n"
        "- **Security**: longer passwords.\n\n## 1.0.0\n\nThe first.\n"
    )
    monkeypatch.setattr(update, "CHANGELOG", changelog)
    monkeypatch.setattr(update, "version", lambda: "1.10.0")
    monkeypatch.setattr(update, "write_project", write_newer)


def run_update(folder: Path) -> int:
    """Run `update` in this process."""
    line = cli.make_command_line()
    return update.update_command(line.parser.parse_args(["update", str(folder)]))


@pytest.mark.usefixtures("changed_workbook")
def test_a_change_of_ours_and_one_of_the_owners_are_merged(
    new_project: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """In the same file, too. And one reads what has changed since one's own version."""
    owner = new_project("shop", "The shop")
    owner.append(OUR_FILE, "MINE = True\n")
    owner.write("package/mine.py", "mine")
    owner.git("add", "-A")
    owner.git("commit", "-qm", "Mine")

    assert run_update(owner.path) == 0

    text = owner.file(OUR_FILE).read_text()
    assert "PASSWORD_MIN = 16\n" in text
    assert "MINE = True\n" in text
    assert owner.file("package/mine.py").read_text() == "mine"
    assert owner.file("new.txt").read_text() == "new"
    assert 'version = "1.10.0"' in owner.file(OPTIONS_FILE).read_text()
    assert owner.git("status", "--porcelain") == ""
    said = capsys.readouterr().out
    assert "**Security**: longer passwords." in said
    assert "The first." not in said


@pytest.mark.usefixtures("changed_workbook")
def test_a_conflict_is_shown_as_git_shows_it(new_project: Callable[..., Any]) -> None:
    """Both versions stand in the file, and `git merge --abort` takes it back."""
    owner = new_project()
    owner.edit(OUR_FILE, "PASSWORD_MIN = 15\n", "PASSWORD_MIN = 20\n")
    owner.git("commit", "-qam", "Mine")

    with pytest.raises(WorkbookError, match=r"my_app/passwords\.py") as told:
        run_update(owner.path)

    assert "git merge --abort" in str(told.value)
    text = owner.file(OUR_FILE).read_text()
    assert "<<<<<<<" in text
    assert "PASSWORD_MIN = 20" in text
    assert "PASSWORD_MIN = 16" in text
    owner.git("merge", "--abort")
    assert "PASSWORD_MIN = 20" in owner.file(OUR_FILE).read_text()


@pytest.mark.usefixtures("changed_workbook")
def test_a_merge_that_was_given_up_can_be_asked_for_again(
    new_project: Callable[..., Any],
) -> None:
    """The branch is newer by then, and still not merged."""
    owner = new_project()
    owner.edit(OUR_FILE, "PASSWORD_MIN = 15\n", "PASSWORD_MIN = 20\n")
    owner.git("commit", "-qam", "Mine")
    with pytest.raises(WorkbookError):
        run_update(owner.path)
    owner.git("merge", "--abort")

    with pytest.raises(WorkbookError, match=r"my_app/passwords\.py"):
        run_update(owner.path)

    assert "<<<<<<<" in owner.file(OUR_FILE).read_text()


def test_nothing_new_changes_nothing(
    new_project: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """One may ask every day."""
    owner = new_project()
    before = owner.git("rev-parse", "main", "workbook")

    assert run_update(owner.path) == 0

    assert "Already up to date" in capsys.readouterr().out
    assert owner.git("rev-parse", "main", "workbook") == before


@pytest.mark.usefixtures("changed_workbook")
@pytest.mark.parametrize("name", [OUR_FILE, "package/not_added_yet.py"])
def test_uncommitted_work_is_not_touched(
    new_project: Callable[..., Any], name: str
) -> None:
    """A merge into it could not be taken back."""
    owner = new_project()
    owner.write(name, "mine")
    before = owner.git("rev-parse", "main", "workbook")

    with pytest.raises(WorkbookError, match="not committed"):
        run_update(owner.path)

    assert owner.file(name).read_text() == "mine"
    assert owner.git("rev-parse", "main", "workbook") == before


def test_a_copy_made_by_hand_has_no_version(new_project: Callable[..., Any]) -> None:
    """Without it nobody knows what the owner has changed."""
    owner = new_project()
    owner.git("rm", "-q", OPTIONS_FILE)
    owner.git("commit", "-qm", "Tidy up")

    with pytest.raises(WorkbookError, match="which version"):
        run_update(owner.path)


@pytest.mark.parametrize("text", ["version = ", "version = 3", "[x]\ny = 1", "\xff"])
def test_a_version_that_cannot_be_read_can_be_brought_back(
    new_project: Callable[..., Any], text: str
) -> None:
    """An editor has spoilt it."""
    owner = new_project()
    owner.file(OPTIONS_FILE).write_bytes(text.encode("latin-1"))

    with pytest.raises(WorkbookError, match="git checkout workbook -- "):
        run_update(owner.path)


def test_a_project_without_git_is_told_so(new_project: Callable[..., Any]) -> None:
    """There is nothing that could merge."""
    owner = new_project()
    shutil.rmtree(owner.path / ".git")

    with pytest.raises(WorkbookError, match="not the top of a git repository"):
        run_update(owner.path)


def test_a_clone_without_the_branch_is_told_how_to_get_it(
    new_project: Callable[..., Any],
) -> None:
    """git clones one branch, and knows the others by another name."""
    owner = new_project()
    owner.git("branch", "-qD", "workbook")

    with pytest.raises(WorkbookError, match="git branch workbook origin/workbook"):
        run_update(owner.path)


def test_the_branch_itself_is_not_merged_into(new_project: Callable[..., Any]) -> None:
    """Work on it would be in the way of every later update."""
    owner = new_project()
    owner.git("checkout", "-q", "workbook")

    with pytest.raises(WorkbookError, match="git checkout main"):
        run_update(owner.path)


def test_a_folder_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    """A slip in the path."""
    with pytest.raises(WorkbookError, match="no folder"):
        run_update(tmp_path / "nowhere")
