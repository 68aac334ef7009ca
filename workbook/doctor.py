"""`doctor`: what a teacher asks first when something does not work.

With nothing but the standard library, and nothing that may be broken in its way: each
line is found out by itself, and says so where it cannot be.
"""

import argparse
import importlib.metadata
import importlib.util
import platform
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from workbook import bootstrap
from workbook.lessons import lessons
from workbook.places import PACKAGE, PROGRESS_FILE, ROOT, STEPS, WORK, shown
from workbook.progress import Progress, load_progress, minutes_since
from workbook.wheels import explain_lack, find_wheels

PORT = 5000
PATIENCE = 10  # seconds for another program to tell its version
EXTRAS = ("test", "tool")
# Those whose version a teacher asks for.
SHOWN_PACKAGES = ("flask", "flask-login", "sqlalchemy", "pytest", "jupyterlab")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
WIDTH = 80
INDENT = 10


class NoNotesError(Exception):
    """Nobody has begun a lesson yet."""


def doctor_command(_: argparse.Namespace) -> int:
    """Print what there is and what is missing; no values of settings, no code."""
    rows: list[tuple[str, Callable[[], str]]] = [
        ("System", describe_system),
        ("Python", describe_python),
        ("git", describe_git),
        ("Workbook", describe_workbook),
        ("Packages", describe_packages),
        ("Offline", describe_wheels),
        (f"Port {PORT}", describe_port),
        ("work/", describe_work),
        ("Lesson", describe_lesson),
        ("Check", describe_check),
        ("Fails", describe_failing),
        (".env", describe_env),
        ("Database", describe_databases),
    ]
    for name, describe in rows:
        line = f"{name:{INDENT - 1}} {ask(describe)}"
        print(textwrap.fill(line, WIDTH, subsequent_indent=" " * INDENT))
    return 0


def ask(describe: Callable[[], str]) -> str:
    """Return what a function says, or that it could not find it out."""
    try:
        text = describe()
    except NoNotesError:
        text = "no notes yet"
    except Exception as error:  # whatever is broken here must not hide the other lines
        text = f"cannot be found out: {type(error).__name__}: {error}"
    return " ".join(text.split())


def describe_system() -> str:
    """Return the operating system and the machine."""
    return f"{platform.system()} {platform.release()}, {platform.machine()}"


def describe_python() -> str:
    """Return the version of this Python, and whether it can make an environment."""
    text = platform.python_version()
    if sys.prefix != sys.base_prefix:
        text += ", in an environment"
    if not importlib.util.find_spec("ensurepip"):
        text += "; it makes no environments (Debian: sudo apt install python3-venv)"
    return text


def describe_git() -> str:
    """Return the version of git."""
    if not shutil.which("git"):
        return "not found: install it from git-scm.com"
    result = subprocess.run(
        ["git", "--version"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    if result.returncode != 0:  # macOS has a git that only asks to be installed
        return f"does not work: {result.stderr.strip() or result.stdout.strip()}"
    return result.stdout.strip().removeprefix("git version ")


def describe_workbook() -> str:
    """Return whether the workbook is whole, and which state of it this is."""
    chapters = len([step for step in STEPS if lessons(step)])
    text = f"{len(STEPS)} steps, {chapters} chapters"
    if not shutil.which("git"):
        return text
    head = subprocess.run(
        ["git", "log", "-1", "--format=%h of %cs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return f"{text}, commit {head.stdout.strip()}" if head.returncode == 0 else text


def describe_packages() -> str:
    """Return where the packages are, the versions of some, and what is missing."""
    folders = None
    where = "in this Python"
    if bootstrap.VENV.exists():
        folders = bootstrap.site_packages()
        where = "in .venv"
    missing = bootstrap.find_missing(bootstrap.read_requirements(EXTRAS), folders)
    path = sys.path if folders is None else folders
    versions = []
    for name in SHOWN_PACKAGES:
        for package in importlib.metadata.distributions(name=name, path=path):
            versions.append(f"{name} {package.version}")
            break
    text = f"{where}: {', '.join(versions) or 'none'}"
    if missing:
        text += f"; missing: {', '.join(missing)}"
    return text


def describe_wheels() -> str:
    """Return whether there is a folder of packages for a room without a network."""
    wheels = find_wheels()
    if wheels is None:
        return "no folder `wheels`: packages come from the network"
    lack = explain_lack(wheels, bootstrap.read_requirements(EXTRAS))
    return lack or f"a folder `wheels` with {len(list(wheels.glob('*.whl')))} packages"


def describe_port() -> str:
    """Return whether the port that `run` prefers is free."""
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
    except OSError:
        return "free"
    return "busy: `run` takes the next one and says so"


def describe_work() -> str:
    """Return what is in work/."""
    if not WORK.exists():
        return "not there yet: python3 -m workbook start 01"
    modules = len(list(WORK.glob("**/*.py")))
    if not (WORK / PACKAGE / "__init__.py").is_file():
        return f"{modules} Python files, but no {PACKAGE}/__init__.py"
    return f"{modules} Python files"


def describe_lesson() -> str:
    """Return the step and the lesson that work/ is at."""
    progress = read_notes()
    if progress.step not in STEPS:
        return "the notes name no step"
    known = lessons(progress.step)
    if 1 <= progress.lesson <= len(known):
        lesson = known[progress.lesson - 1]
        return f"{lesson.name} {lesson.title}"
    return f"{progress.step}, no lesson known"


def describe_check() -> str:
    """Return when the tests ran last, and what they said."""
    progress = read_notes()
    if progress.failing is None and not progress.checked_at:
        return "never"
    score = progress.done.get(progress.step)
    text = f"{score} behaviours of the step held" if score else "no whole run noted"
    minutes = minutes_since(progress.checked_at)
    if minutes is not None:
        text += f", {minutes} minutes ago"
    if not progress.app_starts:
        text = f"the app did not start, {minutes} minutes ago; before: {text}"
    return text


def describe_failing() -> str:
    """Return the behaviours that failed when the tests ran last."""
    failing = read_notes().failing
    if not failing:
        return "nothing is noted"
    first = failing[0].partition("::")[2]
    return f"{len(failing)}, the first: {first}"


def read_notes() -> Progress:
    """Return the notes in work/. Raises NoNotesError if there are none.

    Raises OSError or ValueError if they cannot be read.
    """
    if not (WORK / PROGRESS_FILE).exists():
        raise NoNotesError
    return load_progress(WORK / PROGRESS_FILE)


def describe_env() -> str:
    """Return the names of settings that .env lacks; never a value."""
    example = WORK / ".env.example"
    env = WORK / ".env"
    if not example.exists():
        return "work/ has no .env.example"
    if not env.exists():
        return "not there: `python3 -m workbook run work` makes it"
    data = env.read_bytes()
    if data.startswith(UTF_16):
        return "is written in UTF-16, which Flask cannot read: save it as UTF-8"
    known = read_names(data.decode("utf-8", errors="replace"))
    needed = read_names(example.read_text(encoding="utf-8"))
    missing = sorted(needed.keys() - known.keys())
    # .env.example leaves empty what everybody has to fill in, such as the key.
    empty = sorted(name for name in needed if known.get(name) is False)
    parts = []
    if missing:
        parts.append(f"lacks {', '.join(missing)}")
    if empty:
        parts.append(f"has no value for {', '.join(empty)}")
    return "; ".join(parts) or "has every name of .env.example"


def read_names(text: str) -> dict[str, bool]:
    """Return the names that are set in a .env file, and whether they have a value."""
    names = {}
    for line in re.findall(r"(?m)^\s*(?:export\s+)?(\w+)\s*=[^\S\n]*(.*)$", text):
        names[line[0]] = bool(line[1].strip().strip("'\""))
    return names


def describe_databases() -> str:
    """Return the SQLite files of work/, their sizes and their tables."""
    files = sorted((WORK / "instance").glob("*.db"))
    parts = [f"{shown(file)}: {describe_database(file)}" for file in files]
    return "; ".join(parts) or "no SQLite file in work/instance"


def describe_database(file: Path) -> str:
    """Return the size and the tables of a SQLite file; opens it for reading alone."""
    kilobytes = file.stat().st_size // 1000
    address = f"{file.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=1)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        tables = [name for (name,) in connection.execute(query)]
    return f"{kilobytes} kB, tables: {', '.join(tables) or 'none'}"
