"""The tutorial's mistakes: read their patches in tests/mistakes/, and apply them."""

import re
from dataclasses import dataclass
from pathlib import Path

from workbook.common import WorkbookError
from workbook.git import git
from workbook.places import ROOT

FOLDER = ROOT / "tests" / "mistakes"
REQUIRED = {"Title", "Says", "True", "Attack", "Try", "Red"}


@dataclass(frozen=True)
class Mistake:
    """One mistake: the header of its patch, and the diff below it."""

    path: Path
    id: str  # such as open-redirect
    step: str  # such as 05_login
    title: str
    name: str  # what the field calls it; empty if it has no name
    cwe: str  # empty if none fits
    says: str  # what the tutorial says
    true: str
    attack: str
    tries: tuple[str, ...]  # what to try in the browser
    red: tuple[str, ...]  # the tests that fail: tests/05_login/test_next.py::test_name
    diff: str


def read(path: Path) -> Mistake:
    """Read one patch. Raises WorkbookError if its header lacks something."""
    header, _, diff = path.read_text(encoding="utf-8").partition("\n\n")
    fields = read_header(header)
    missing = sorted(REQUIRED - set(fields))
    if missing:
        raise WorkbookError(f"{path.name}: its header lacks {', '.join(missing)}.")
    step, _, identifier = path.stem.partition("-")
    return Mistake(
        path=path,
        id=identifier,
        step=step,
        title=fields["Title"][0],
        name=fields.get("Name", [""])[0],
        cwe=fields.get("CWE", [""])[0],
        says=fields["Says"][0],
        true=fields["True"][0],
        attack=fields["Attack"][0],
        tries=tuple(fields["Try"]),
        red=tuple(fields["Red"]),
        diff=diff,
    )


def read_header(header: str) -> dict[str, list[str]]:
    """Read lines of `Key: text`; long ones go on behind two blanks."""
    fields: dict[str, list[str]] = {}
    for line in re.sub(r"\n {2,}", " ", header).splitlines():
        key, _, text = line.partition(": ")
        fields.setdefault(key, []).append(text.strip())
    return fields


def all_mistakes() -> list[Mistake]:
    """Return every mistake, by step and then by id."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def apply(mistake: Mistake, folder: Path) -> None:
    """Put a mistake into a copy of its step: all of it or, with WorkbookError, none."""
    result = git("apply", "--whitespace=nowarn", "-", folder=folder, data=mistake.diff)
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip()
        raise WorkbookError(
            f"{mistake.path.name} does not apply to {mistake.step}: {reason}"
        )
