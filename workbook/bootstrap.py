"""Make .venv and install what a command needs, with nothing but the standard library."""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from workbook.common import ROOT, WorkbookError, hand_over, say, say_command

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "workbook.json"
CONSTRAINTS = ROOT / "constraints.txt"


def ensure(extras: tuple[str, ...], arguments: list[str]) -> None:
    """Return where the packages are; otherwise install them and start this command again with the Python of .venv."""
    wanted = requirements(extras)
    inside = VENV.exists() and Path(sys.prefix).resolve() == VENV.resolve()
    own = sys.prefix != sys.base_prefix  # an environment that somebody made and activated
    if not inside and (own or not VENV.exists()) and all(map(is_installed, wanted)):
        return
    if not inside and not PYTHON.exists():
        make_venv()
    install(wanted)
    if not inside:
        command = [str(PYTHON), "-m", "workbook", *arguments]
        if os.name == "nt":  # there, exec would give the terminal back before the command is done
            sys.exit(hand_over(*command))
        os.execv(PYTHON, command)  # noqa: S606 -- the same command, with the Python that has the packages


def requirements(extras: tuple[str, ...]) -> list[str]:
    """What pyproject.toml asks for: the app's dependencies, and these extras where it has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project.get("optional-dependencies", {})
    return [*project["dependencies"], *(wanted for extra in extras for wanted in optional.get(extra, []))]


def is_installed(requirement: str) -> bool:
    """Whether this Python has a package, and new enough."""
    name, _, least = re.sub(r"\[.*?\]|[;,].*| ", "", requirement).partition(">=")
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return [int(part) for part in re.findall(r"\d+", version)] >= [int(part) for part in re.findall(r"\d+", least)]


def make_venv() -> None:
    """Make .venv, or mend one whose making was interrupted or whose Python is gone."""
    if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        raise WorkbookError(
            f"This Python cannot make environments yet. On Debian and Ubuntu: sudo apt install {package}"
        )
    say("Making .venv, once ...")
    say_command("python3", "-m", "venv", ".venv")
    again = ["--clear"] if PYTHON.is_symlink() else []  # it points to a Python that has been removed
    if subprocess.run([sys.executable, "-m", "venv", *again, VENV], check=False).returncode:
        raise WorkbookError("python3 -m venv did not work; the lines above say why.")


def install(wanted: list[str]) -> None:
    """Install what is missing, and note it when all of it is there: an interrupted install is done again."""
    pins = hashlib.sha256(CONSTRAINTS.read_bytes() if CONSTRAINTS.exists() else b"").hexdigest()
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stamp = {}
    installed = stamp.get("installed", []) if stamp.get("constraints") == pins else []
    if set(wanted) <= set(installed):
        return
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        make_venv()
    run_pip([*(["-c", "constraints.txt"] if CONSTRAINTS.exists() else []), *sorted({*wanted, *installed})])
    stamp = {"constraints": pins, "installed": sorted({*wanted, *installed})}
    STAMP.write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def run_pip(arguments: list[str]) -> None:
    """Run pip, show one line of progress, and keep the rest for when it fails."""
    say("Installing what this command needs, once. With an empty cache that takes about half a minute ...")
    say_command("pip", "install", *(f"'{word}'" if ">" in word else word for word in arguments))
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", *arguments]
    lines: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=-1, stderr=-2, text=True, errors="replace") as pip:
        try:
            for line in pip.stdout or ():
                lines.append(line.rstrip())
                if sys.stdout.isatty() and line.startswith(("Collecting", "Downloading", "Installing", "Using")):
                    print(f"\r\x1b[K  {line.strip()[:70]}", end="", flush=True)
        except KeyboardInterrupt:
            pip.terminate()
            raise
    print("\r\x1b[K" if sys.stdout.isatty() else "", end="", flush=True)
    if pip.returncode:
        reason = "\n".join([line for line in lines if "error" in line.lower()][-3:] or lines[-3:])
        raise WorkbookError(f"{reason}\nInstalling did not work. The same command, called again, carries on from here.")
