"""`propagate`: carry a change in one step into every later one."""

import argparse
import subprocess
import tempfile
from pathlib import Path

from workbook.common import ROOT, STEPS, WorkbookError, find_step, say


def propagate_command(options: argparse.Namespace) -> int:
    """Merge the uncommitted change in a step into every later step: all of it, or nothing."""
    step = find_step(options.step)
    folder = f"steps/{step}/"
    changed = git("diff", "--name-only", "--no-renames", "-z", "HEAD", "--", folder)
    added = git("ls-files", "--others", "--exclude-standard", "-z", "--", folder)
    if changed is None or added is None:
        raise WorkbookError("propagate needs git, and a repository with a commit to compare with.")
    plan: dict[Path, bytes | None] = {}
    for name in sorted({*changed.decode().split("\0"), *added.decode().split("\0")} - {""}):
        base, theirs = git("show", f"HEAD:{name}"), content(ROOT / name)
        for later in STEPS[STEPS.index(step) + 1 :]:
            target = ROOT / name.replace(folder, f"steps/{later}/", 1)
            if (ours := content(target)) in (base, theirs):
                plan |= {target: theirs} if ours != theirs else {}
            else:
                plan[target] = merge(target, ours, base, theirs)
    for target, data in plan.items():
        if data is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        say(f"{'Deleted' if data is None else 'Changed'} {target.relative_to(ROOT)}")
    say(f"Carried into {len(plan)} files." if plan else f"Nothing to carry: {folder} is as committed, or all have it.")
    return 0


def merge(target: Path, ours: bytes | None, base: bytes | None, theirs: bytes | None) -> bytes:
    """Merge one file three ways; a conflict is an error."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("ours", "base", "theirs")]
        for path, data in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(data or b"")
        merged = None if None in (ours, base, theirs) else git("merge-file", "-p", *map(str, paths))
    if merged is None:
        where = target.relative_to(ROOT)
        raise WorkbookError(
            f"{where} has a conflict with the change. Nothing was changed; mend that file by hand first."
        )
    return merged


def git(*words: str) -> bytes | None:
    """What git prints, or None where it fails."""
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def content(path: Path) -> bytes | None:
    """A file's bytes, or None where there is no file."""
    return path.read_bytes() if path.is_file() else None
