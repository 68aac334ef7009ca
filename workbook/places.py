"""Where things are: the steps, the learner's folder, and the files of a lesson."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "work"
PACKAGE = "flask_login_tutorial"
PROGRESS_FILE = ".workbook.json"
STEPS = sorted(path.name for path in (ROOT / "steps").glob("[0-9][0-9]_*"))

# What running an app leaves in its folder, and what editors keep there.
NOT_LESSON = {
    ".env",
    ".git",
    ".idea",
    ".ipynb_checkpoints",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    ".vscode",
    "__pycache__",
}
# Only at the top of the folder: a lesson may have a folder of such a name elsewhere.
NOT_LESSON_AT_TOP = {"instance", "mistakes", PROGRESS_FILE}
# Only at the top of the folder: a template may be called so elsewhere.
DOCUMENTS = re.compile(r"[^/]+\.md|deploy/.*")
LITTER = re.compile(
    r"""
    .*\.py[co]                 # Python's compiled modules
    | .*~                      # backups of Emacs, gedit and others
    | \#.*\#                   # Emacs: what is not saved yet
    | \.\#.*                   # Emacs: a lock, a link to nowhere
    | \..*\.(sw[a-z]|un~)      # Vim: swap and undo files
    | 4913                     # Vim: whether a folder can be written to
    | \.~lock\..*\#            # LibreOffice
    | .*___jb_(tmp|old)___     # PyCharm: a save under way
    | \.goutputstream-.*       # GNOME: a save under way
    | \.fuse_hidden.* | \.nfs[0-9a-f]+   # deleted while it was open
    | \.workbook\.json\.\d+    # our own notes, on their way
    | \.DS_Store | \._.* | Thumbs\.db | desktop\.ini   # file managers
    """,
    re.VERBOSE,
)


def is_lesson(name: str, at_top: bool) -> bool:
    """Return whether a file or folder of this name belongs to the lesson."""
    if name in NOT_LESSON or LITTER.fullmatch(name):
        return False
    return not (at_top and name in NOT_LESSON_AT_TOP)


def lesson_files(folder: Path) -> dict[str, Path]:
    """Return the files of a step, or of work/, by their path in the folder.

    Everything that looks at a step's files looks at these alone.
    """
    found = {}
    for top, folders, names in os.walk(folder, followlinks=True):
        at_top = Path(top) == folder
        # os.walk goes into the folders that are left in this list
        folders[:] = sorted(name for name in folders if is_lesson(name, at_top))
        for name in sorted(names):
            path = Path(top, name)
            if is_lesson(name, at_top) and path.is_file():  # no pipes, no broken links
                found[path.relative_to(folder).as_posix()] = path
    return found


def is_document(name: str) -> bool:
    """Return whether a file of a step describes the app, and is not a part of it.

    Its name is its path in the step's folder.
    """
    return DOCUMENTS.fullmatch(name) is not None


def code_files(folder: Path) -> dict[str, Path]:
    """Return the files that a step's lessons build: those of the app alone."""
    files = lesson_files(folder)
    return {name: path for name, path in files.items() if not is_document(name)}


def shown(path: Path) -> str:
    """Return a path as one would type it at the top of the workbook."""
    if not path.is_relative_to(ROOT):
        return str(path)
    return path.relative_to(ROOT).as_posix()
