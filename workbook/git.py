"""Run git, on folders that need not be in a repository."""

import os
import shutil
import subprocess
from pathlib import Path

from workbook.common import WorkbookError
from workbook.places import ROOT


def has_git() -> bool:
    """Return whether git is installed."""
    return shutil.which("git") is not None


def check_git() -> None:
    """Raise WorkbookError if git is not installed."""
    if not has_git():
        raise WorkbookError(
            "Git is not installed, and this command needs it. "
            "Install it from git-scm.com or with your package manager."
        )


def environment(**variables: str) -> dict[str, str]:
    """Return the environment for git, with these variables in it.

    What names a repository, where a hook of another one calls us, is not in it.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    }
    return inherited | variables


def git(
    *words: str, folder: Path = ROOT, data: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, with this on its standard input.

    Raises WorkbookError if git is not installed.
    """
    check_git()
    # Inside a repository `git apply` looks for paths from its top, and skips silently
    # what it does not find there. The folder is taken as if it were in none.
    above = str(folder.resolve().parent)
    command = ["git", "-c", "core.autocrlf=false", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(GIT_CEILING_DIRECTORIES=above),
        input=data.encode(),
        capture_output=True,
        check=False,
    )
