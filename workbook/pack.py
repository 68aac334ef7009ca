"""`pack`: make the folder for a room without a network."""

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from workbook import bootstrap
from workbook.common import WorkbookError, say_command
from workbook.git import git
from workbook.packages import normal_name, read_pins
from workbook.places import ROOT
from workbook.wheels import WHEEL

if TYPE_CHECKING:
    from packaging.requirements import Requirement

EXTRAS = ("test", "tool")
NOTEBOOK_EXTRAS = ("notebook",)
READ_ME = "READ-ME-FIRST.txt"
# Left out where .gitignore does not say so: keys, accounts and work of somebody's own.
NEVER_PACKED = [".git", ".venv", ".env", "instance", "work", "work-*", "__pycache__"]
OLDEST_PYTHON = 11  # the second number
READ_ME_TEXT = """\
The Flask-Login Workbook, for a room without a network

1. Copy this whole folder to your own disk, and keep `wheels` beside `workbook`.
2. You need {pythons}.
   See yours with `python3 --version` (Windows: `py --version`).
   git is needed, too: `git --version`.
3. Open a terminal in the folder `workbook`. On Windows open PowerShell there, and write
   `py` where it says `python3`.
4. Begin: python3 -m workbook start 01
   The first time it installs what it needs from `wheels`, in less than half a minute.
5. {reading}
6. Something does not work? Show your teacher what this says:
   python3 -m workbook doctor
"""


@dataclass(frozen=True)
class System:
    """An operating system that wheels can be for."""

    title: str
    platforms: tuple[str, ...]  # as pip's --platform takes them
    markers: dict[str, str]  # what pip knows about a machine with this system


LINUX = System(
    "Linux",
    (
        "manylinux_2_28_x86_64",
        "manylinux_2_27_x86_64",
        "manylinux_2_26_x86_64",
        "manylinux_2_24_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_12_x86_64",
        "manylinux_2_5_x86_64",
        "linux_x86_64",
    ),
    {
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    },
)
WINDOWS = System(
    "Windows",
    ("win_amd64",),
    {
        "os_name": "nt",
        "sys_platform": "win32",
        "platform_system": "Windows",
        "platform_machine": "AMD64",
    },
)
MAC = System(
    "macOS on Apple silicon",
    ("macosx_14_0_arm64",),  # and all older ones
    {
        "os_name": "posix",
        "sys_platform": "darwin",
        "platform_system": "Darwin",
        "platform_machine": "arm64",
    },
)
MAC_INTEL = System(
    "macOS on Intel",
    ("macosx_14_0_x86_64",),
    {**MAC.markers, "platform_machine": "x86_64"},
)
SYSTEMS = {"linux": LINUX, "windows": WINDOWS, "mac": MAC, "mac-intel": MAC_INTEL}


@dataclass(frozen=True)
class Target:
    """A Python on a system that wheels are fetched for."""

    minor: int  # the second number of the Python
    system: System | None  # None: the Python and the machine that run this

    def __str__(self) -> str:
        system = self.system.title if self.system else platform.system()
        return f"Python 3.{self.minor} on {system}"

    def pip_options(self) -> list[str]:
        """Return the options with which pip fetches wheels for this target."""
        if self.system is None:
            return []
        options = ["--implementation", "cp", "--python-version", f"3.{self.minor}"]
        for name in self.system.platforms:
            options += ["--platform", name]
        return options

    def environments(self) -> list[dict[str, str]]:
        """Return what the markers in requirements are compared with.

        The first and a late release of the Python: some packages are needed before,
        others after a release that has a third number, such as 3.11.3.
        """
        if self.system is None:
            return [{}]
        found = []
        for release in (f"3.{self.minor}.0", f"3.{self.minor}.99"):
            values = {
                "implementation_name": "cpython",
                "implementation_version": release,
                "platform_python_implementation": "CPython",
                "python_version": f"3.{self.minor}",
                "python_full_version": release,
            }
            found.append({**self.system.markers, **values})
        return found


def pack_command(options: argparse.Namespace) -> int:
    """Make the folder for a room, and print what is in it and how large it is."""
    folder = Path(options.dir).absolute()
    check_folder(folder)
    targets = read_targets(options.python or [], options.system or [])
    extras = EXTRAS + (NOTEBOOK_EXTRAS if options.notebooks else ())
    folder.mkdir(parents=True, exist_ok=True)
    for target in targets:
        print(f"Fetching wheels for {target} ...", flush=True)
        fetch_wheels(folder / "wheels", bootstrap.read_requirements(extras), target)
    copy_workbook(folder / "workbook")
    has_site = not options.no_site and build_site(folder / "site")
    write_read_me(folder, targets, has_site)
    print_sizes(folder)
    return 0


def check_folder(folder: Path) -> None:
    """Raise WorkbookError if something is there that this would replace.

    Wheels may be: after an interruption the next call carries on.
    """
    for name in ("workbook", "site", READ_ME):
        if (folder / name).exists():
            raise WorkbookError(
                f"{folder / name} is there already, and stays as it is. "
                "Name another folder, or delete that one."
            )
    if folder.exists() and not folder.is_dir():
        raise WorkbookError(f"{folder} is not a folder. Name another one.")


def read_targets(pythons: list[str], systems: list[str]) -> list[Target]:
    """Return a target for each Python on each system; without any, the running ones.

    Raises WorkbookError if a Python is none that the workbook runs with.
    """
    if not pythons and not systems:
        return [Target(sys.version_info.minor, None)]
    minors = [read_minor(python) for python in pythons] or [sys.version_info.minor]
    chosen = [SYSTEMS[name] for name in systems] or [this_system()]
    return [Target(minor, system) for system in chosen for minor in minors]


def read_minor(python: str) -> int:
    """Return the second number of a Python such as 3.12 or 3.12.4."""
    version = re.fullmatch(r"3\.(\d{1,3})(\.\d+)?", python)
    if not version or int(version[1]) < OLDEST_PYTHON:
        raise WorkbookError(
            f"{python} is no Python that the workbook runs with. "
            "Write it like this: --python 3.12 (3.11 or newer)."
        )
    return int(version[1])


def this_system() -> System:
    """Return the system that runs this.

    Raises WorkbookError if wheels cannot be fetched for it by name.
    """
    for system in SYSTEMS.values():
        markers = system.markers
        if (
            markers["platform_system"] == platform.system()
            and markers["platform_machine"] == platform.machine()
        ):
            return system
    raise WorkbookError(
        f"For this machine ({platform.system()}, {platform.machine()}) wheels can be "
        "fetched for its own Python alone: leave --python out, or name a --system."
    )


def fetch_wheels(wheels: Path, wanted: set[str], target: Target) -> None:
    """Download the wheels of these requirements, and of what they need in turn.

    pip would take the conditions in a package's requirements, such as "only on
    Windows", for those of the machine that it runs on. So it fetches single packages,
    and what they need is read from them here.
    """
    from packaging.requirements import Requirement  # one of the app's packages

    pins = read_pins()
    fetched: set[str] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in sorted(wanted)]
    while waiting:
        new = {pinned(one, pins) for one in waiting} - fetched
        if new:
            download(sorted(new), wheels, target)
        fetched |= new
        needed: list[Requirement] = []
        for requirement in waiting:
            needed += read_needs(requirement, wheels, target, seen)
        waiting = needed


def pinned(requirement: "Requirement", pins: dict[str, str]) -> str:
    """Return what pip is asked for: the version that was tested, if there is one."""
    version = pins.get(normal_name(requirement.name))
    if version:
        return f"{requirement.name}=={version}"
    return f"{requirement.name}{requirement.specifier}"


def download(requirements: list[str], wheels: Path, target: Target) -> None:
    """Download these packages, and nothing that they need."""
    words = ["download", "--no-deps", "--only-binary=:all:", "--dest", str(wheels)]
    words += [*target.pip_options(), *requirements]
    command = [sys.executable, "-m", "pip", *words, "--quiet", "--no-input"]
    command.append("--disable-pip-version-check")
    if subprocess.call(command, cwd=ROOT) != 0:
        say_command("pip", *words)
        raise WorkbookError(
            f"The wheels for {target} are not complete; pip says why above. "
            "The same command, called again, carries on from here."
        )


def read_needs(
    requirement: "Requirement",
    wheels: Path,
    target: Target,
    seen: set[tuple[str, str]],
) -> Iterator["Requirement"]:
    """Give what a package needs, with the extras that are asked for.

    `seen` are the packages and extras that were given before; these are added to it.
    """
    from packaging.requirements import Requirement

    name = normal_name(requirement.name)
    for extra in ("", *sorted(requirement.extras)):
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in read_metadata(wheels, name):
            need = Requirement(text)
            if applies(need, extra, target):
                yield need


def read_metadata(wheels: Path, name: str) -> list[str]:
    """Return the requirements that stand in a package's wheel."""
    for path in wheels.glob("*.whl"):
        wheel = WHEEL.fullmatch(path.name)
        if wheel and normal_name(wheel["name"]) == name:
            return requirements_in(path)
    raise WorkbookError(f"{wheels} has no wheel of {name}, though pip fetched it.")


def requirements_in(path: Path) -> list[str]:
    """Return the requirements that stand in a wheel."""
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            if re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
                text = wheel.read(name).decode("utf-8", errors="replace")
                return Parser().parsestr(text).get_all("Requires-Dist", [])
    return []


def applies(need: "Requirement", extra: str, target: Target) -> bool:
    """Return whether a target needs this, with an extra or, if it is empty, without."""
    if need.marker is None:
        return not extra
    values = [{**one, "extra": extra} for one in target.environments()]
    met = any(need.marker.evaluate(one) for one in values)
    if not extra:
        return met
    # What is needed without the extra was given already.
    return met and "extra" in str(need.marker)


def copy_workbook(target: Path) -> None:
    """Copy the workbook without what running it has left there."""
    names = tracked_files()
    if names:
        tell_what_git_lacks(target.parent)
    else:
        names = files_not_ignored(target.parent)
    for name in names:
        source = ROOT / name
        if source.is_file():  # not if it was deleted, and git still has it
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)


def tell_what_git_lacks(made: Path) -> None:
    """Name files that git neither has nor ignores: they are not handed out."""
    names = list_files("--others", "--exclude-standard")
    left_out = [name for name in names if not (ROOT / name).is_relative_to(made)]
    if left_out:
        print(f"Left out, because git does not have them: {', '.join(left_out)}")


def tracked_files() -> list[str]:
    """Return the files that git has; none where there is no git, or no repository."""
    return list_files("--cached")


def list_files(*options: str) -> list[str]:
    """Return the files that `git ls-files` names; none where it does not work."""
    try:
        result = git("ls-files", "-z", *options)
    except WorkbookError:
        return []
    if result.returncode != 0:
        return []
    return [name for name in result.stdout.decode().split("\0") if name]


def files_not_ignored(left_out: Path) -> list[str]:
    """Return the files of the workbook that .gitignore does not name.

    `left_out` is a folder that may be in it: the one that is made.
    """
    patterns = read_ignore_patterns()
    names = []
    for top, folders, files in os.walk(ROOT):
        folder = Path(top)
        kept = []
        for name in sorted(folders):
            path = folder / name
            if path != left_out and not is_ignored(path, patterns):
                kept.append(name)
        folders[:] = kept  # os.walk goes into those that are left in this list
        for name in sorted(files):
            path = folder / name
            if not is_ignored(path, patterns):
                names.append(path.relative_to(ROOT).as_posix())
    return names


def read_ignore_patterns() -> list[str]:
    """Return the patterns of .gitignore, and of what is never packed."""
    patterns = list(NEVER_PACKED)
    file = ROOT / ".gitignore"
    if file.exists():
        lines = file.read_text(encoding="utf-8").splitlines()
        patterns += [line.strip() for line in lines if not line.startswith("#")]
    return [pattern.rstrip("/") for pattern in patterns if pattern]


def is_ignored(path: Path, patterns: list[str]) -> bool:
    """Return whether a pattern means this file or folder: by its name or its path."""
    whole = f"/{path.relative_to(ROOT).as_posix()}"
    for pattern in patterns:
        if "/" in pattern:
            if fnmatch(whole, f"/{pattern.lstrip('/')}"):
                return True
        elif fnmatch(path.name, pattern):
            return True
    return False


def build_site(folder: Path) -> bool:
    """Build the site with the command `site`; return whether that worked.

    The room can do without it: a failure is reported, and the folder is still made.
    """
    print("Building the site; --no-site leaves it out ...", flush=True)
    command = [sys.executable, "-m", "workbook", "site", str(folder)]
    if subprocess.call(command, cwd=ROOT) == 0:
        return True
    print("The site is left out: it was not built, for the reason above.")
    return False


def write_read_me(folder: Path, targets: list[Target], has_site: bool) -> None:
    """Write the text for those who get the folder."""
    pythons = " or ".join(str(target) for target in targets)
    reading = "To read: `README.md` in `workbook`."
    if has_site:
        reading = "To read without installing anything: open `site/index.html`."
    text = READ_ME_TEXT.format(pythons=pythons, reading=reading)
    # Notepad on an older Windows shows one long line where only LF ends it.
    (folder / READ_ME).write_text(text, encoding="utf-8", newline="\r\n")


def print_sizes(folder: Path) -> None:
    """Print how large the folder and its parts are."""
    parts = sorted(path for path in folder.iterdir() if path.is_dir())
    print(f"\n{folder} is ready: {megabytes(folder)}")
    for part in parts:
        print(f"  {part.name:9} {megabytes(part)}")
    print(
        f"Try it once with the network off. {READ_ME} is for those who get the folder."
    )


def megabytes(folder: Path) -> str:
    """Return how large all files in a folder are together."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return f"{size / 1_000_000:.1f} MB"
