"""The folder `wheels`: packages that lie beside the workbook, for a room offline.

With nothing but the standard library: it is read before any package is there.
"""

import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from workbook.packages import normal_name
from workbook.places import ROOT

# name-version[-build]-python-abi-platform.whl
WHEEL = re.compile(
    r"(?P<name>[^-]+)-[^-]+(-\d[^-]*)?-(?P<python>[^-]+)-(?P<abi>[^-]+)-"
    r"(?P<platform>[^-]+)\.whl"
)
CPYTHON = re.compile(r"cp3(\d+)")
SYSTEMS = {"win": "Windows", "mac": "Darwin"}  # all other wheels are for Linux
READABLE = {"Darwin": "macOS"}


def find_wheels() -> Path | None:
    """Return the folder `wheels` in the workbook or beside it; None if there is none.

    A folder without a wheel counts as none.
    """
    for folder in (ROOT / "wheels", ROOT.parent / "wheels"):
        if any(folder.glob("*.whl")):
            return folder
    return None


def explain_lack(wheels: Path, wanted: Iterable[str]) -> str:
    """Say what the folder lacks for this Python; an empty text if it has everything."""
    names = set()
    kinds = set()
    for path in wheels.glob("*.whl"):
        wheel = WHEEL.fullmatch(path.name)
        if wheel:
            names.add(normal_name(wheel["name"]))
            kinds |= kinds_of(wheel)
    mine = kind_of_this_python()
    if kinds and mine not in kinds:
        known = ", ".join(described(kind) for kind in sorted(kinds))
        return (
            f"The folder {wheels} has packages for {known}; "
            f"this is {described(mine)}. Call the workbook with one of those Pythons, "
            "or ask for a folder for yours."
        )
    missing = sorted(name for name in wanted if name_in(name) not in names)
    if missing:
        return f"The folder {wheels} lacks {', '.join(missing)}."
    return ""


def kinds_of(wheel: re.Match[str]) -> set[tuple[str, int]]:
    """Return the system, and the second number of each Python, that a wheel is for.

    An empty set for a wheel that suits many of them.
    """
    if wheel["abi"] in ("none", "abi3"):
        return set()
    system = SYSTEMS.get(wheel["platform"][:3], "Linux")
    return {(system, int(minor)) for minor in CPYTHON.findall(wheel["python"])}


def kind_of_this_python() -> tuple[str, int]:
    """Return this system, and the second number of this Python."""
    return platform.system(), sys.version_info.minor


def described(kind: tuple[str, int]) -> str:
    """Return a system and a Python in words: Python 3.12 on Linux."""
    system, minor = kind
    return f"Python 3.{minor} on {READABLE.get(system, system)}"


def name_in(requirement: str) -> str:
    """Return the name of the package in a requirement such as "flask>=3.1"."""
    return normal_name(re.split(r"[\[<>=!~;, ]", requirement)[0])
