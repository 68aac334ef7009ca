"""The tutorial's mistakes, one patch each in tests/mistakes/: read them, and put one into a copy of its step."""

import argparse
import os
import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from workbook.common import ROOT, WORK, WorkbookError, copy_lesson, nearest, paint, set_aside, shown

FOLDER = ROOT / "tests" / "mistakes"


# One mistake: the header of its patch, and the diff below it. `step` is a folder's name, such as 05_login; `cwe` is
# empty where none fits; `tries` is a tuple of sentences, `red` one of tests: tests/05_login/test_next.py::test_name.
Mistake = namedtuple("Mistake", "path id step title says true attack cwe tries red diff")


def read(path: Path) -> Mistake:
    """Read one patch: `Key: text` lines, longer ones carried on behind two blanks, an empty line, a unified diff."""
    header, _, diff = path.read_text(encoding="utf-8").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in re.sub(r"\n {2,}", " ", header).splitlines():
        key, _, text = line.partition(": ")
        fields.setdefault(key, []).append(text.strip())
    if missing := {"Title", "Says", "True", "Attack", "Try", "Red"} - {*fields}:
        raise WorkbookError(f"{path.name}: its header lacks {', '.join(sorted(missing))}.")
    step, _, name = path.stem.partition("-")
    once = [fields.get(key, [""])[0] for key in ("Title", "Says", "True", "Attack", "CWE")]
    return Mistake(path, name, step, *once, tuple(fields["Try"]), tuple(fields["Red"]), diff)


def all_mistakes() -> list[Mistake]:
    """Every mistake, by step and then by id."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def apply(mistake: Mistake, folder: Path) -> None:
    """Put a mistake into a folder that holds a copy of its step; all of it or none."""
    if not shutil.which("git"):
        raise WorkbookError("Putting a mistake in needs git: install it from git-scm.com or with your package manager.")
    # Inside a repository git would look for the paths from its top, and skip in silence what it does not find there.
    folder = folder.resolve()
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
    result = subprocess.run(command, cwd=folder, env=env, input=mistake.diff.encode(), capture_output=True, check=False)
    if result.returncode:
        raise WorkbookError(f"{mistake.path.name} does not apply to {mistake.step}: {result.stderr.decode().strip()}")


def break_command(options: argparse.Namespace) -> int:
    """Put a mistake into a copy of its step under work/, and say what to try there."""
    known, name = {mistake.id: mistake for mistake in all_mistakes()}, re.sub(r"^\d\d_\w+-", "", Path(options.id).stem)
    if not (mistake := known.get(name)):
        raise WorkbookError(f"There is no mistake {name}. {nearest(name, [*known])} See: list --mistakes")
    copy = WORK / "mistakes" / mistake.path.stem
    if copy.exists() and not options.aside:
        print(f"{shown(copy)} is there already, and stays as you left it. For a new one: break {mistake.id} --aside")
    else:
        if copy.exists():
            set_aside(f"mistakes/{copy.name}")
        copy_lesson(ROOT / "steps" / mistake.step, copy)
        try:
            apply(mistake, copy)
        except WorkbookError:
            shutil.rmtree(copy)
            raise
    print(f"\n{paint(mistake.title, '1')} {mistake.cwe}\n")
    print(f"The tutorial says: {mistake.says}\nTrue is: {mistake.true}\nSo: {mistake.attack}\n\nTry it:")
    print("\n".join(f"  {number}. {text}" for number, text in enumerate(mistake.tries, 1)))
    print(f"\nIt is in {shown(copy)}: python3 -m workbook break {mistake.id} --run serves it, --test judges it.")
    if options.run:
        from workbook.serve import serve

        return serve(copy)
    if options.test:
        from workbook.check import check

        return check(mistake.step, copy)
    return 0
