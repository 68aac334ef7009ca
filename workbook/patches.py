"""What git does: put one of the tutorial's mistakes (tests/mistakes/) into a copy, carry a change to later steps."""

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from workbook import common
from workbook.common import ROOT, STEPS, WORK, WorkbookError, fold, paint, shown
from workbook.serve import serve

FOLDER = ROOT / "tests" / "mistakes"
# One mistake: the header of its patch, and the diff below it. `step` is a folder's name, such as 05_login; `name` is
# the field's own, such as session fixation; it and `cwe` are empty where none fits. `tries` is a tuple of sentences,
# `red` one of tests: tests/05_login/test_next.py::test_name.
Mistake = namedtuple("Mistake", "path id step title name says true attack cwe tries red diff")


def read(path: Path) -> Mistake:
    """Read one patch: `Key: text` lines, longer ones carried on behind two blanks, an empty line, a unified diff."""
    header, _, diff = path.read_text(encoding="utf-8").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in re.sub(r"\n {2,}", " ", header).splitlines():
        key, _, text = line.partition(": ")
        fields.setdefault(key, []).append(text.strip())
    if missing := {"Title", "Says", "True", "Attack", "Try", "Red"} - {*fields}:
        raise WorkbookError(f"{path.name}: its header lacks {', '.join(sorted(missing))}.")
    step, _, short = path.stem.partition("-")
    once = [fields.get(key, [""])[0] for key in ("Title", "Name", "Says", "True", "Attack", "CWE")]
    return Mistake(path, short, step, *once, tuple(fields["Try"]), tuple(fields["Red"]), diff)


def all_mistakes() -> list[Mistake]:
    """Every mistake, by step and then by id."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def apply(mistake: Mistake, folder: Path) -> None:
    """Put a mistake into a folder that holds a copy of its step; all of it or none."""
    result = git("apply", "--whitespace=nowarn", "-", folder=folder, data=mistake.diff)
    if result.returncode:
        raise WorkbookError(f"{mistake.path.name} does not apply to {mistake.step}: {result.stderr.decode().strip()}")


def break_command(options: argparse.Namespace) -> int:
    """Put a mistake into a copy of its step under work/, and say what to try there."""
    known, name = {mistake.id: mistake for mistake in all_mistakes()}, re.sub(r"^\d\d_\w+-", "", Path(options.id).stem)
    if not (mistake := known.get(name)):
        raise WorkbookError(f"There is no mistake {name}. {common.nearest(name, [*known])} See: list --mistakes")
    copy = WORK / "mistakes" / mistake.path.stem
    if copy.exists() and not options.aside:
        print(f"{shown(copy)} is there already, and stays as you left it. For a new one: break {mistake.id} --aside")
    else:
        if copy.exists():
            print(common.set_aside(f"mistakes/{copy.name}"))
        common.copy_lesson(ROOT / "steps" / mistake.step, copy)
        try:
            apply(mistake, copy)
        except WorkbookError:
            shutil.rmtree(copy)
            raise
    standard = ", ".join(text for text in (mistake.name, mistake.cwe) if text)
    print(f"\n{paint(mistake.title, '1')}\n{standard}\n")
    tries = "".join(f"\n  {number}. {text}" for number, text in enumerate(mistake.tries, 1))
    print(fold(f"The tutorial says: {mistake.says}\nTrue is: {mistake.true}\nSo: {mistake.attack}\n\nTry it:{tries}"))
    print(f"\nIt is in {shown(copy)}: python3 -m workbook break {mistake.id} --run serves it, --test judges it.")
    if options.run:
        return serve(copy)
    if options.test:
        from workbook.learn import check

        return check(mistake.step, copy)
    return 0


def propagate_command(options: argparse.Namespace) -> int:
    """Merge the uncommitted change in a step into every later step, three ways: all of it, or nothing."""
    step = common.find_step(options.step)
    folder = f"steps/{step}/"
    changed = git("status", "--porcelain", "--no-renames", "--untracked-files=all", "-z", "--", folder)
    if changed.returncode or git("rev-parse", "HEAD").returncode:
        raise WorkbookError("propagate needs git, and a repository with a commit to compare with.")
    plan: dict[Path, bytes | None] = {}
    for name in (line[3:] for line in changed.stdout.decode().split("\0") if line):
        for later in STEPS[STEPS.index(step) + 1 :]:
            target = ROOT / name.replace(folder, f"steps/{later}/", 1)
            ours, theirs = (path.read_bytes() if path.is_file() else None for path in (target, ROOT / name))
            base = None if (shows := git("show", f"HEAD:{name}")).returncode else shows.stdout
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
        result = git("merge-file", "-p", "ours", "base", "theirs", folder=Path(folder))
    return None if None in sides or result.returncode else result.stdout


def git(*words: str, folder: Path = ROOT, data: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder, as if that were in no repository but its own."""
    if not shutil.which("git"):
        raise WorkbookError("This needs git: install it from git-scm.com or with your package manager.")
    # Inside a repository `apply` looks for the paths from its top, and skips in silence what it does not find there.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env["GIT_CEILING_DIRECTORIES"] = str(folder.resolve().parent)
    command = ["git", "-c", "core.autocrlf=false", *words]
    return subprocess.run(command, cwd=folder, env=env, input=data.encode(), capture_output=True, check=False)
