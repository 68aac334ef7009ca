"""The environment in .venv: make it, fill it, and start again in it.

With nothing but the standard library: the packages are not there yet.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from workbook.common import WorkbookError, say_command
from workbook.packages import PINS, version_numbers
from workbook.places import ROOT
from workbook.wheels import explain_lack, find_wheels

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# We have made the environment if this is there. It holds the digest of the pins that
# were installed, and under it the requirements.
STAMP = VENV / "workbook.txt"
CALLED_FROM = "WORKBOOK_CALLED_FROM"  # the variable with the reader's folder
NO_INDEX = (
    "Packages have to be installed, and pip gets none: there is no network, or it "
    "needs a proxy. Call this again with a network, or put a folder `wheels` beside "
    "the workbook (`python3 -m workbook pack` makes it, on another machine)."
)


def ensure(extras: tuple[str, ...], arguments: list[str]) -> None:
    """Do nothing if this Python has the packages.

    Otherwise install them into .venv and, if we do not run in it, start again there.

    `extras` are those of pyproject.toml, beside the packages that the app needs;
    `arguments` are those of this command.
    """
    wanted = read_requirements(extras)
    inside = VENV.exists() and Path(sys.prefix).resolve() == VENV.resolve()
    in_another = sys.prefix != sys.base_prefix and not inside
    # An environment that somebody has made and activated is used as it is.
    if (in_another or not VENV.exists()) and not find_missing(wanted):
        return
    prepare(wanted, inside)
    if not inside:
        restart(arguments)


def read_requirements(extras: tuple[str, ...]) -> set[str]:
    """Read what the app and these extras need from pyproject.toml."""
    project = read_project()
    wanted = set(project["dependencies"])
    for extra in extras:
        wanted.update(project["optional-dependencies"].get(extra, []))
    return wanted


def read_project() -> dict[str, Any]:
    """Return the table [project] of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]


def find_missing(wanted: set[str], folders: list[str] | None = None) -> list[str]:
    """Return the requirements that are not met, by this Python or in these folders."""
    path = sys.path if folders is None else folders
    return sorted(name for name in wanted if not is_installed(name, path))


def is_installed(requirement: str, path: list[str]) -> bool:
    """Return whether a package such as "flask>=3.1" is there, and new enough."""
    name, _, least = re.sub(r"\[.*?\]|[;,].*", "", requirement).partition(">=")
    for package in importlib.metadata.distributions(name=name.strip(), path=path):
        return version_numbers(package.version) >= version_numbers(least)
    return False


def prepare(wanted: set[str], inside: bool) -> None:
    """Make .venv and install what it lacks.

    Every part can be repeated: after an interruption the next call carries on.
    """
    ours = STAMP.exists() or not VENV.exists()
    pins, *noted = read_stamp()
    pins_are_current = pins == digest_of_pins() or not ours
    folders = None if inside else site_packages()
    missing = find_missing(wanted, folders)
    if PYTHON.exists() and pins_are_current and not missing:
        return
    if not has_pip():
        if not ours:
            raise WorkbookError(explain_foreign_environment(missing))
        if importlib.util.find_spec("pip"):
            # To make an environment takes a while: first see whether it can be filled.
            choose_source(wanted, sys.executable)
        make_environment()
    # What earlier commands have needed stays as new as the pins.
    known = read_requirements(tuple(read_project()["optional-dependencies"]))
    install(wanted | (known & set(noted)))


def read_stamp() -> list[str]:
    """Return the digest of the pins, or an empty text, and the requirements."""
    if not STAMP.exists():
        return [""]
    return STAMP.read_text(encoding="utf-8").splitlines() or [""]


def digest_of_pins() -> str:
    """Return a digest that changes when a pinned version does."""
    pins = PINS.read_bytes() if PINS.exists() else b""
    return hashlib.sha256(pins).hexdigest()


def site_packages() -> list[str]:
    """Return the folders of .venv that hold packages."""
    folders = [*VENV.glob("lib/python*/site-packages"), VENV / "Lib" / "site-packages"]
    return [str(folder) for folder in folders]


def has_pip() -> bool:
    """Return whether .venv can install anything."""
    if not PYTHON.exists():
        return False
    command = [PYTHON, "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def explain_foreign_environment(missing: list[str]) -> str:
    """Say what to do about a .venv that the workbook did not make and cannot fill."""
    if not PYTHON.exists():
        return (
            f"{VENV.name} is there and holds no Python that works. The workbook has "
            "not made it, so it stays as it is: rename or delete it, and call this "
            "again."
        )
    packages = " ".join(f'"{name}"' for name in missing)
    return (
        f"{VENV.name} lacks {', '.join(missing)}, and has no pip to install them. The "
        "workbook has not made it, so it stays as it is. Install them there yourself:\n"
        f"  uv pip install -c constraints.txt {packages}\n"
        "or give it pip, and call this again:\n"
        f"  {PYTHON.relative_to(ROOT)} -m ensurepip"
    )


def make_environment() -> None:
    """Make .venv, or make it anew; it is ours."""
    if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec(
        "venv"
    ):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise WorkbookError(
            "This Python makes no environments yet. "
            f"On Debian and Ubuntu: sudo apt install {package}"
        )
    VENV.mkdir(exist_ok=True)
    STAMP.touch()
    for path in PYTHON.parent.glob("python*"):
        if path.is_symlink() and not path.exists():
            path.unlink()  # it leads to a Python that was removed
    say_command("python3", "-m", "venv", ".venv")
    command = [sys.executable, "-m", "venv", str(VENV)]
    # In a session of its own, so that Ctrl-C is ours alone to answer.
    if subprocess.call(command, start_new_session=True) != 0:
        raise WorkbookError("python3 -m venv failed; the lines above say why.")


def install(wanted: set[str]) -> None:
    """Install packages with pip, and note it if all went well."""
    source = choose_source(wanted, str(PYTHON))
    print(
        "Installing what this command needs. Only this once; "
        "with an empty cache it takes about half a minute."
    )
    words = sorted(wanted)
    if PINS.exists():
        words = ["-c", PINS.name, *words]
    say_command("pip", "install", *source, *words)
    options = ["--disable-pip-version-check", "--no-input", *source]
    if not sys.stdout.isatty():
        options.append("--quiet")
    command = [str(PYTHON), "-m", "pip", "install", *options, *words]
    if subprocess.call(command, cwd=ROOT, start_new_session=True) != 0:
        if source:
            raise WorkbookError(
                f"Installing from {source[-1]} failed; pip says above what it lacks."
            )
        raise WorkbookError(
            "Installing failed. The same command, called again, carries on from here."
        )
    if STAMP.exists():
        lines = [digest_of_pins(), *sorted(wanted)]
        STAMP.write_text("\n".join(lines), encoding="utf-8")


def choose_source(wanted: Iterable[str], python: str) -> list[str]:
    """Return pip's options for where the packages come from.

    A folder `wheels` comes first; where there is none, or it lacks something, pip's
    index. Raises WorkbookError if the pip of this Python gets nothing from that.
    """
    wheels = find_wheels()
    lack = explain_lack(wheels, wanted) if wheels else ""
    if wheels and not lack:
        return ["--no-index", "--find-links", str(wheels)]
    complaint = ask_index(min(wanted), python)
    if complaint:
        raise WorkbookError(lack or f"{NO_INDEX}\n{complaint}")
    if lack:
        print(f"{lack} The network has them.")
    return []


def ask_index(requirement: str, python: str) -> str:
    """Return why pip cannot get a package; an empty text if it can.

    pip itself is asked, because it knows the proxy and the index of this machine. With
    the retries that it makes otherwise, it is silent for a quarter of a minute.
    """
    command = [python, "-m", "pip", "download", "--disable-pip-version-check"]
    command += ["--no-input", "--quiet", "--no-deps", "--retries", "0", requirement]
    if PINS.exists():
        command += ["-c", PINS.name]
    with tempfile.TemporaryDirectory() as temporary:
        result = subprocess.run(
            [*command, "--dest", temporary],
            cwd=ROOT,
            env={**os.environ, "PIP_REQUIRE_VIRTUALENV": "0"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if result.returncode == 0:
        return ""
    lines = result.stderr.strip().splitlines() or ["it said nothing"]
    return f"pip says: {lines[-1]}"


def restart(arguments: list[str]) -> None:
    """Start this command again with the Python of .venv; does not return."""
    command = [str(PYTHON), "-m", "workbook", *arguments]
    os.environ[CALLED_FROM] = os.getcwd()
    os.chdir(ROOT)  # where Python finds the module
    if os.name == "nt":  # there, exec would give the terminal back too early
        sys.exit(subprocess.call(command))
    # Ctrl-C waits until the new Python can answer it: workbook/__init__.py.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    sys.stdout.flush()
    os.execv(PYTHON, command)  # noqa: S606 -- the same command, with its packages
