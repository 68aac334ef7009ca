"""`propagate`: for maintainers, carry a step's change into every later step."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from workbook.common import WorkbookError, find_step
from workbook.git import git
from workbook.merge import MergeConflictError, carry, read_or_none
from workbook.places import ROOT, STEPS, shown


@dataclass
class Change:
    """What becomes of one file of a later step."""

    target: Path
    content: bytes | None  # None: the file is deleted


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
    try:
        content = carry(present, before, after)
    except MergeConflictError:
        raise WorkbookError(
            f"{shown(target)} and the change do not fit together. Nothing was changed."
        ) from None
    return None if content == present else Change(target, content)


def carry_out(change: Change) -> None:
    """Write or delete the file."""
    if change.content is None:
        print(f"Deleted {shown(change.target)}")
        change.target.unlink()
        return
    print(f"Changed {shown(change.target)}")
    change.target.parent.mkdir(parents=True, exist_ok=True)
    change.target.write_bytes(change.content)
