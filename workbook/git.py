"""Run git."""

import os
import shutil
import subprocess
from pathlib import Path

from workbook.common import WorkbookError
from workbook.places import ROOT


def git(
    *words: str, folder: Path = ROOT, data: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, with this on its standard input.

    Raises WorkbookError if git is not installed.
    """
    if not shutil.which("git"):
        raise WorkbookError(
            "Git is not installed, and this command needs it. "
            "Install it from git-scm.com or with your package manager."
        )
    variables = dict(os.environ)
    # Inside a repository `git apply` looks for paths from its top, and skips silently
    # what it does not find there. The folder is taken as if it were in none.
    variables["GIT_CEILING_DIRECTORIES"] = str(folder.resolve().parent)
    command = ["git", "-c", "core.autocrlf=false", *words]
    return subprocess.run(
        command,
        cwd=folder,
        env=variables,
        input=data.encode(),
        capture_output=True,
        check=False,
    )
