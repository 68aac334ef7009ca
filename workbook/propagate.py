"""`propagate`: for maintainers, carry a step's change into every later step."""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from workbook.common import WorkbookError, find_step
from workbook.git import git
from workbook.places import ROOT, STEPS, shown


@dataclass
class Change:
    """What becomes of one file of a later step."""

    target: Path
    content: bytes | None  # None: the file is deleted


class MergeConflictError(Exception):
    """The three versions of a file do not fit together."""


def propagate_command(options: argparse.Namespace) -> int:
    """Merge a step's uncommitted change into every later step: all of it or nothing."""
    step = find_step(options.step)
    later_steps = STEPS[STEPS.index(step) + 1 :]
    changes = []
    for name in changed_files(step):
        for later in later_steps:
            change = plan(step, name, later)
            if change:
                changes.append(change)
    for change in changes:
        carry_out(change)
    print(f"{len(changes)} files of later steps changed.")
    return 0


def changed_files(step: str) -> list[str]:
    """Return the names, in the step, of the files that differ from the last commit."""
    folder = f"steps/{step}/"
    options = ("--porcelain", "--no-renames", "--untracked-files=all", "-z")
    status = git("status", *options, "--", folder)
    if status.returncode != 0 or git("rev-parse", "HEAD").returncode != 0:
        raise WorkbookError(
            "propagate needs git, and a repository with a commit to compare with."
        )
    entries = [entry for entry in status.stdout.decode().split("\0") if entry]
    return [entry[len("XY ") :].removeprefix(folder) for entry in entries]


def plan(step: str, name: str, later: str) -> Change | None:
    """Return what becomes of a later step's file; None if it stays as it is."""
    committed = git("show", f"HEAD:steps/{step}/{name}")
    before = committed.stdout if committed.returncode == 0 else None
    after = read_or_none(ROOT / "steps" / step / name)
    target = ROOT / "steps" / later / name
    present = read_or_none(target)
    if present == after:
        return None
    if present == before:
        return Change(target, after)
    try:
        return Change(target, merge(present, before, after))
    except MergeConflictError:
        raise WorkbookError(
            f"{shown(target)} and the change do not fit together. Nothing was changed."
        ) from None


def read_or_none(path: Path) -> bytes | None:
    """Return what is in a file; None if there is no such file."""
    return path.read_bytes() if path.is_file() else None


def merge(present: bytes | None, before: bytes | None, after: bytes | None) -> bytes:
    """Merge a file three ways. Raises MergeConflictError, also if a side lacks it."""
    if present is None or before is None or after is None:
        raise MergeConflictError
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "present").write_bytes(present)
        (folder / "before").write_bytes(before)
        (folder / "after").write_bytes(after)
        result = git("merge-file", "-p", "present", "before", "after", folder=folder)
    if result.returncode != 0:
        raise MergeConflictError
    return result.stdout


def carry_out(change: Change) -> None:
    """Write or delete the file."""
    if change.content is None:
        print(f"Deleted {shown(change.target)}")
        change.target.unlink()
        return
    print(f"Changed {shown(change.target)}")
    change.target.parent.mkdir(parents=True, exist_ok=True)
    change.target.write_bytes(change.content)
