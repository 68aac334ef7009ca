"""`propagate`: carry a change in one step into every later one."""

import argparse
import subprocess
import tempfile
from pathlib import Path

from workbook.common import ROOT, STEPS, WorkbookError, find_step, shown


def propagate_command(options: argparse.Namespace) -> int:
    """Merge the uncommitted change in a step into every later step, three ways: all of it, or nothing."""
    step = find_step(options.step)
    folder = f"steps/{step}/"
    changed = git("status", "--porcelain", "--no-renames", "--untracked-files=all", "-z", "--", folder)
    if changed is None or git("rev-parse", "HEAD") is None:
        raise WorkbookError("propagate needs git, and a repository with a commit to compare with.")
    plan: dict[Path, bytes | None] = {}
    for name in (line[3:] for line in changed.decode().split("\0") if line):
        for later in STEPS[STEPS.index(step) + 1 :]:
            target = ROOT / name.replace(folder, f"steps/{later}/", 1)
            ours, theirs = (path.read_bytes() if path.is_file() else None for path in (target, ROOT / name))
            base = git("show", f"HEAD:{name}")
            if ours == theirs:
                continue
            plan[target] = theirs if ours == base else merge(ours, base, theirs)
            if plan[target] is None and ours != base:
                raise WorkbookError(f"{shown(target)} and the change do not fit together. Nothing was changed.")
    for target, data in plan.items():
        print(f"{'Deleted' if data is None else 'Changed'} {shown(target)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data or b"")
        if data is None:
            target.unlink()
    print(f"{len(plan)} files of later steps changed.")
    return 0


def merge(*sides: bytes | None) -> bytes | None:
    """Merge a file three ways; None where that is a conflict, or where one side has no such file."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in zip(("ours", "base", "theirs"), sides, strict=True):
            Path(folder, name).write_bytes(data or b"")
        return None if None in sides else git("-C", folder, "merge-file", "-p", "ours", "base", "theirs")


def git(*words: str) -> bytes | None:
    """What git prints, or None where it fails."""
    result = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    return None if result.returncode else result.stdout
