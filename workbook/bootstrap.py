"""Make .venv and install what a command needs, with nothing but the standard library."""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from workbook.common import ROOT, WorkbookError, hand_over, say_command

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "workbook.txt"


def ensure(extras: list[str], arguments: list[str]) -> None:
    """Return where the packages are; otherwise install them and start this command again with the Python of .venv."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = {*project["dependencies"], *(name for extra in extras for name in optional.get(extra, []))}
    inside = VENV.exists() and Path(sys.prefix).resolve() == VENV.resolve()
    own = sys.prefix != sys.base_prefix  # an environment that somebody made and activated
    if not inside and (own or not VENV.exists()) and all(map(is_installed, wanted)):
        return
    install(wanted)
    if not inside:
        command = [str(PYTHON), "-m", "workbook", *arguments]
        if os.name == "nt":  # there, exec would give the terminal back before the command is done
            sys.exit(hand_over(*command))
        os.execv(PYTHON, command)  # noqa: S606 -- the same command, with the Python that has the packages


def is_installed(requirement: str) -> bool:
    """Whether this Python has a package, and new enough."""
    name, _, least = re.sub(r"\[.*?\]|[;,].*", "", requirement).partition(">=")
    try:
        have, need = (re.findall(r"\d+", version) for version in (importlib.metadata.version(name.strip()), least))
    except importlib.metadata.PackageNotFoundError:
        return False
    return [int(part) for part in have] >= [int(part) for part in need]


def install(wanted: set[str]) -> None:
    """Install what is missing, and note it when all of it is there: an interrupted install is done again."""
    pins = ROOT / "constraints.txt"
    pinned = hashlib.sha256(pins.read_bytes() if pins.exists() else b"").hexdigest()
    stamp = STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []
    installed = set(stamp[1:]) if stamp[:1] == [pinned] else set()
    if PYTHON.exists() and wanted <= installed:
        return
    pip = [str(PYTHON), "-m", "pip"]
    if not PYTHON.exists() or subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        make_venv()
    print("Installing what this command needs. Only this once; with an empty cache it takes about half a minute.")
    words = [*(["-c", "constraints.txt"] if pins.exists() else []), *sorted(wanted | installed)]
    say_command("pip", "install", *words)
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    if hand_over(*pip, "install", "--disable-pip-version-check", "--no-input", *quiet, *words):
        raise WorkbookError("Installing did not work. The same command, called again, carries on from here.")
    STAMP.write_text("\n".join([pinned, *(wanted | installed)]), encoding="utf-8")


def make_venv() -> None:
    """Make .venv, or mend one whose making was interrupted or whose Python is gone."""
    if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise WorkbookError(
            f"This Python cannot make environments yet. On Debian and Ubuntu: sudo apt install {package}"
        )
    print("Making .venv ...")
    say_command("python3", "-m", "venv", ".venv")
    if hand_over(sys.executable, "-m", "venv", *(["--clear"] if PYTHON.is_symlink() else []), VENV):
        raise WorkbookError("python3 -m venv did not work; the lines above say why.")
