"""`propagate`: carry a change in one step into every later one."""

import argparse
import subprocess
import tempfile
from pathlib import Path

from workbook.common import ROOT, STEPS, WorkbookError, find_step


def propagate_command(options: argparse.Namespace) -> int:
    """Merge the uncommitted change in a step into every later step, three ways: all of it, or nothing."""
    step = find_step(options.step)
    folder = f"steps/{step}/"
    changed = git("diff", "--name-only", "--no-renames", "-z", "HEAD", "--", folder)
    added = git("ls-files", "--others", "--exclude-standard", "-z", "--", folder)
    if changed is None or added is None:
        raise WorkbookError("propagate needs git, and a repository with a commit to compare with.")
    plan: dict[Path, bytes | None] = {}
    for name in filter(None, (changed + added).decode().split("\0")):
        base, theirs = git("show", f"HEAD:{name}"), content(ROOT / name)
        for later in STEPS[STEPS.index(step) + 1 :]:
            target = ROOT / name.replace(folder, f"steps/{later}/", 1)
            if (ours := content(target)) == theirs:
                continue
            plan[target] = theirs if ours == base else merge(ours, base, theirs)
            if plan[target] is None and ours != base:
                where = target.relative_to(ROOT).as_posix()
                raise WorkbookError(
                    f"{where} and the change do not fit together. Nothing was changed; mend it by hand."
                )
    for target, data in plan.items():
        print(f"{'Deleted' if data is None else 'Changed'} {target.relative_to(ROOT).as_posix()}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data or b"")
        if data is None:
            target.unlink()
    print(f"{len(plan)} files of later steps changed.")
    return 0


def merge(*sides: bytes | None) -> bytes | None:
    """Merge a file three ways; None where that is a conflict, or where one side has no such file."""
    if None in sides:
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, data in zip(paths, sides, strict=True):
            path.write_bytes(data)
        return git("merge-file", "-p", *map(str, paths))


def git(*words: str) -> bytes | None:
    """What git prints, or None where it fails."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def content(path: Path) -> bytes | None:
    """A file's bytes, or None where there is no file."""
    return path.read_bytes() if path.is_file() else None
