"""A project's git repository, and the branch that holds what the workbook has made.

The pattern is called vendor branch: the branch has nothing but our versions, one after
the other, and git merges the newest into what its owner has made of an older one.
"""

import subprocess
import tempfile
from pathlib import Path

from workbook.common import WorkbookError
from workbook.git import environment

BRANCH = "workbook"
AUTHOR = {
    "GIT_AUTHOR_NAME": "Flask-Login Workbook",
    "GIT_AUTHOR_EMAIL": "workbook@example.invalid",
    "GIT_COMMITTER_NAME": "Flask-Login Workbook",
    "GIT_COMMITTER_EMAIL": "workbook@example.invalid",
}


def run_git(
    folder: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run git in a folder, whatever its result."""
    return subprocess.run(
        ["git", "-c", "core.autocrlf=false", "-c", "core.quotePath=false", *words],
        cwd=folder,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def git_or_fail(folder: Path, *words: str, **variables: str) -> str:
    """Run git in a folder; return what it says, without blanks at the end.

    Raises WorkbookError if it fails.
    """
    result = run_git(folder, *words, **variables)
    if result.returncode != 0:
        raise WorkbookError(f"git {words[0]} failed: {result.stderr.strip()}")
    return result.stdout.rstrip()


def repository_above(folder: Path) -> Path | None:
    """Return the top of the git repository in which a folder lies, or None."""
    result = run_git(folder, "rev-parse", "--show-toplevel")
    if result.returncode != 0:
        return None
    return Path(result.stdout.rstrip("\n"))


def make_repository(folder: Path) -> None:
    """Make a repository with one commit, which the branches main and BRANCH hold."""
    git_or_fail(folder, "init", "--quiet", "--initial-branch=main")
    commit = commit_files(folder, folder, "Begin with the workbook's step 06", ())
    git_or_fail(folder, "update-ref", "refs/heads/main", commit)
    git_or_fail(folder, "update-ref", f"refs/heads/{BRANCH}", commit)
    git_or_fail(folder, "reset", "--quiet")  # the index is like the commit now


def commit_files(
    repository: Path, files: Path, message: str, parents: tuple[str, ...]
) -> str:
    """Store a folder's files as a commit on no branch; return its name.

    Neither the files nor the index of the repository change, and no hook runs.
    """
    with tempfile.TemporaryDirectory() as temporary:
        index = {"GIT_INDEX_FILE": str(Path(temporary, "index"))}
        work_tree = f"--work-tree={files.resolve()}"
        git_dir = git_or_fail(repository, "rev-parse", "--absolute-git-dir")
        place = (f"--git-dir={git_dir}", work_tree)
        git_or_fail(files, *place, "add", "--all", ".", **index)
        tree = git_or_fail(files, *place, "write-tree", **index)
    words = ["commit-tree", tree, "-m", message]
    for parent in parents:
        words += ["-p", parent]
    return git_or_fail(repository, *words, **AUTHOR)
