"""`update`: bring what the workbook has changed since into a project made by `new`."""

import argparse
import re
import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path

from workbook.common import WorkbookError, say_command
from workbook.git import has_git
from workbook.packages import version_numbers
from workbook.places import ROOT
from workbook.skeleton import OPTIONS_FILE, Options, version, write_project
from workbook.vendor import (
    AUTHOR,
    BRANCH,
    commit_files,
    git_or_fail,
    repository_above,
    run_git,
)

CHANGELOG = ROOT / "docs" / "CHANGELOG.md"
RELEASE = re.compile(r"^## (\d[\d.]*)", re.MULTILINE)


def update_command(options: argparse.Namespace) -> int:
    """Put the newest version onto the project's branch, and merge it."""
    folder = Path(options.dir).absolute()
    old = read_options(folder)
    check_repository(folder)
    before = git_or_fail(folder, "rev-parse", f"refs/heads/{BRANCH}")
    after = commit_newest(folder, replace(old, version=version()), before)
    changes = changes_since(old.version)
    if changes:
        print(changes)
    return merge(folder, old.version, moved=before != after)


def read_options(folder: Path) -> Options:
    """Read what the project was made with; raises WorkbookError."""
    file = folder / OPTIONS_FILE
    if not folder.is_dir():
        raise WorkbookError(f"There is no folder {folder}.")
    if not file.is_file():
        raise WorkbookError(
            f"{file} is missing, so nobody knows which version this project began "
            "with. `update` works for projects that `python3 -m workbook new` has "
            "made. For another copy, make a new project beside it and move your own "
            "files there."
        )
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        values["recipes"] = tuple(values["recipes"])
        return Options(**values)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise WorkbookError(
            f"{file} cannot be read ({error}). Bring it back: "
            f"git checkout {BRANCH} -- {OPTIONS_FILE}"
        ) from None


def check_repository(folder: Path) -> None:
    """Raise WorkbookError if nothing can be merged, or something would be lost."""
    if not has_git():
        raise WorkbookError("`update` needs git: install it from git-scm.com.")
    top = repository_above(folder)
    if top is None or top.resolve() != folder.resolve():
        raise WorkbookError(
            f"{folder} is not the top of a git repository, so `update` has nothing to "
            "merge into. It works for projects that `new` has made where git is there."
        )
    branch = run_git(folder, "rev-parse", "--verify", "-q", f"refs/heads/{BRANCH}")
    if branch.returncode != 0:
        raise WorkbookError(
            f"There is no branch {BRANCH}, which holds what the workbook has made. In "
            f"a fresh clone: git branch {BRANCH} origin/{BRANCH}. If it was deleted, "
            f"make it at the commit that the workbook has made last: "
            f"git branch {BRANCH} COMMIT"
        )
    if git_or_fail(folder, "rev-parse", "--abbrev-ref", "HEAD") == BRANCH:
        raise WorkbookError(
            f"The branch {BRANCH} is checked out, and it is not for your work. Go back "
            "first: git checkout main"
        )
    if git_or_fail(folder, "status", "--porcelain"):
        raise WorkbookError(
            "The project has changes that are not committed. Commit them, or put them "
            "aside with `git stash -u`; then update."
        )


def commit_newest(folder: Path, options: Options, parent: str) -> str:
    """Put the newest files onto BRANCH; return its commit, the old one if none changed.

    The files of the project stay as they are.
    """
    with tempfile.TemporaryDirectory() as temporary:
        files = Path(temporary, "project")
        write_project(files, options)
        message = f"Workbook {options.version}"
        commit = commit_files(folder, files, message, (parent,))
    tree = git_or_fail(folder, "rev-parse", f"{commit}^{{tree}}")
    if tree == git_or_fail(folder, "rev-parse", f"{parent}^{{tree}}"):
        return parent
    git_or_fail(folder, "update-ref", f"refs/heads/{BRANCH}", commit, parent)
    return commit


def changes_since(old: str) -> str:
    """Return the sections of the changelog about the versions after this one."""
    if not CHANGELOG.is_file():
        return ""
    text = CHANGELOG.read_text(encoding="utf-8")
    parts = RELEASE.split(text)
    sections = []
    for number, body in zip(parts[1::2], parts[2::2], strict=True):
        if version_numbers(number) > version_numbers(old):
            sections.append(f"## {number}{body.rstrip()}\n")
    return "\n".join(sections)


def merge(folder: Path, old: str, moved: bool) -> int:
    """Merge BRANCH into the branch that is checked out; say how it went."""
    message = f"Merge version {version()} of the workbook"
    identity = run_git(folder, "var", "GIT_COMMITTER_IDENT")
    author = {} if identity.returncode == 0 else AUTHOR
    say_command("git", "merge", "--no-ff", BRANCH)
    result = run_git(
        folder, "merge", "--no-ff", "--no-edit", "-m", message, BRANCH, **author
    )
    print(result.stdout, end="")
    if result.returncode == 0:
        if moved:
            print(
                f"From {old} to {version()}. Now run the tests, and read the changes."
            )
        return 0
    print(result.stderr, end="")
    unmerged = git_or_fail(folder, "diff", "--name-only", "--diff-filter=U")
    if unmerged:
        raise WorkbookError(
            "git could not merge these by itself:\n"
            f"{unmerged}\n"
            "Both versions stand in them between <<<<<<< and >>>>>>>. Mend them, then "
            "`git add` them and `git commit`. To give up: git merge --abort. Nothing "
            "of yours is lost."
        )
    raise WorkbookError("git could not merge; the lines above say why.")
