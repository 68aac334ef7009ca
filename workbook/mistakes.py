"""The tutorial's mistakes, one patch each in tests/mistakes/: read them, and put one into a copy of its step."""

import argparse
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from workbook.common import ROOT, WORK, WorkbookError, copy_step, nearest, paint, say, set_aside

FOLDER = ROOT / "tests" / "mistakes"
ONCE = ("Title", "Says", "True", "Attack")


class MistakeError(WorkbookError):
    """A patch that cannot be read or does not apply; the message is one sentence for the reader."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: the header of its patch, and the diff below it."""

    path: Path
    id: str
    step: str  # the name of its folder: 05_login
    title: str
    says: str
    true: str
    attack: str
    cwe: str  # empty where none fits
    tries: tuple[str, ...]
    red: tuple[str, ...]  # tests/05_login/test_next.py::test_name
    diff: str


def read(path: Path) -> Mistake:
    """Read one patch: `Key: text` lines, longer ones carried on behind two blanks, an empty line, a unified diff."""
    header, blank, diff = path.read_text(encoding="utf-8").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in re.sub(r"\n {2,}", " ", header).splitlines():
        key, colon, text = line.partition(": ")
        if key not in (*ONCE, "CWE", "Try", "Red") or not colon:
            raise MistakeError(f"{path.name}: the header has a line that is none of its own: {line!r}.")
        fields.setdefault(key, []).append(text.strip())
    for key in (*ONCE, "Try", "Red"):
        if key not in fields or (key in ONCE and len(fields[key]) > 1):
            raise MistakeError(f"{path.name}: the header needs {key}:{' once' if key in ONCE else ''}.")
    if not blank or ("\n+++ " not in f"\n{diff}" and "\nrename to " not in diff):
        raise MistakeError(f"{path.name}: there is no diff below the header.")
    step, _, name = path.stem.partition("-")
    once = {key.lower(): fields[key][0] for key in ONCE}
    cwe = fields.get("CWE", [""])[0]
    return Mistake(
        path=path, id=name, step=step, cwe=cwe, tries=tuple(fields["Try"]), red=tuple(fields["Red"]), diff=diff, **once
    )


def all_mistakes() -> list[Mistake]:
    """Every mistake, by step and then by id."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def apply(mistake: Mistake, folder: Path) -> None:
    """Put a mistake into a folder that holds a copy of its step; all of it or none."""
    if not shutil.which("git"):
        raise MistakeError("Putting a mistake in needs git: install it from git-scm.com or with your package manager.")
    folder = folder.resolve()
    # Inside a repository git would look for the paths from its top, and skip in silence what it does not find there.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env["GIT_CEILING_DIRECTORIES"] = str(folder.parent)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"]
    result = subprocess.run(command, cwd=folder, env=env, input=mistake.diff.encode(), capture_output=True, check=False)
    if result.returncode:
        reason = result.stderr.decode(errors="replace").strip().splitlines() or ["git apply gave no reason"]
        raise MistakeError(f"{mistake.path.name} does not apply to {mistake.step}: {reason[0]}")


def break_command(options: argparse.Namespace) -> int:
    """Put a mistake into a copy of its step under work/, and say what to try there."""
    known = {mistake.id: mistake for mistake in all_mistakes()}
    if options.id not in known:
        raise WorkbookError(
            f"There is no mistake {options.id}. {nearest(options.id, list(known))} See: list --mistakes"
        )
    mistake = known[options.id]
    copy = WORK / "mistakes" / mistake.path.stem
    shown = copy.relative_to(ROOT).as_posix()
    if copy.exists() and options.aside:
        say(f"The old copy is in {set_aside(f'mistakes/{copy.name}').relative_to(ROOT)}/ now.")
    if copy.exists():
        say(f"{shown} is there already, and stays as you left it. For a new one: break {mistake.id} --aside")
    else:
        copy_step(ROOT / "steps" / mistake.step, copy)
        try:
            apply(mistake, copy)
        except MistakeError:
            shutil.rmtree(copy)
            raise
    say(f"\n{paint(mistake.title, '1')}{f' ({mistake.cwe})' if mistake.cwe else ''}\n")
    for name, text in {"The tutorial says": mistake.says, "True is": mistake.true, "So": mistake.attack}.items():
        say(f"{paint(name, '2')}: {text}")
    say("\n".join(["\nTry it:", *(f"  {number}. {text}" for number, text in enumerate(mistake.tries, 1))]))
    say(f"\nThe mistake is in {shown}: python3 -m workbook break {mistake.id} --run serves it, --test judges it.")
    if options.run:
        from workbook.serve import serve

        return serve(copy)
    if options.test:
        from workbook.check import Judge, tell_round

        return Judge(mistake.step, copy, tell_round).run()
    return 0
