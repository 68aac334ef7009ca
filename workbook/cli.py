"""The command line, and the environment that its commands need. With nothing but the standard library."""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from workbook.common import ROOT, WorkbookError, find_step, say_command

VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "workbook.txt"
COMMANDS = tomllib.loads((ROOT / "workbook" / "commands.toml").read_text(encoding="utf-8"))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line. What follows `test [STEP]` goes to pytest as it is."""
    if arguments[:1] == ["test"] and not {"-h", "--help"} & set(arguments):
        rest = arguments[1:]
        named = rest and rest[0][:1] != "-" and (rest[0] == "work" or not os.path.exists(rest[0].partition("::")[0]))
        return argparse.Namespace(command="test", step=rest.pop(0) if named else None, rest=rest)
    top = argparse.ArgumentParser("python3 -m workbook", epilog="Example: python3 -m workbook run 04")
    parsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        line, example = command["line"], f"Example: python3 -m workbook {command['example']}"
        parser = parsers.add_parser(name, help=line, description=line, epilog=example)
        for argument, keywords in command.get("arguments", {}).items():
            parser.add_argument(argument, **{**keywords, **({"type": int} if "type" in keywords else {})})
    return top.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run one command; give its exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)
    options = parse(arguments)
    command = COMMANDS[options.command]
    try:
        for word in filter(None, map(options.__dict__.get, ("step", "a", "b"))):
            Path(word).name == "work" or find_step(word)  # a slip is told before anything is installed
        if "extras" in command or options.__dict__.get("html"):
            extras = command.get("extras", ["tool"])
            ensure(extras[:2] if options.command == "test" and options.step else extras, arguments)
        os.chdir(ROOT)
        sys.dont_write_bytecode = True  # no __pycache__ beside the steps: it would show in their diffs
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        return getattr(importlib.import_module(f"workbook.{command['module']}"), f"{options.command}_command")(options)
    except WorkbookError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # `diff | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        may = " May this folder be written to?" * isinstance(error, PermissionError)
        print(f"{error.strerror or error}: {error.filename or 'the output'}.{may}", file=sys.stderr)
    return 1


def ensure(extras: list[str], arguments: list[str]) -> None:
    """Return where the packages are; otherwise install them and start this command again with the Python of .venv."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = {*project["dependencies"], *(name for extra in extras for name in optional.get(extra, []))}
    inside = VENV.exists() and Path(sys.prefix).resolve() == VENV.resolve()
    # Whoever has made and activated an environment of their own is not given another.
    if not inside and (sys.prefix != sys.base_prefix or not VENV.exists()) and all(map(is_installed, wanted)):
        return
    install(wanted)
    if not inside:
        command = [str(PYTHON), "-m", "workbook", *arguments]
        if os.name == "nt":  # there, exec would give the terminal back before the command is done
            sys.exit(subprocess.call(command))
        os.execv(PYTHON, command)  # noqa: S606 -- the same command, with the Python that has the packages


def is_installed(requirement: str) -> bool:
    """Whether this Python has a package, and new enough."""
    name, _, least = re.sub(r"\[.*?\]|[;,].*", "", requirement).partition(">=")
    found = [package.version for package in importlib.metadata.distributions(name=name.strip())]
    need, *have = ([int(part) for part in re.findall(r"\d+", version)] for version in (least, *found))
    return bool(have) and have[0] >= need


def install(wanted: set[str]) -> None:
    """Make .venv, install what is missing, and note it when all is there: an interrupted call is mended by the next."""
    pins = ROOT / "constraints.txt"
    pinned = hashlib.sha256(pins.read_bytes() if pins.exists() else b"").hexdigest()
    stamp = STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []
    installed = set(stamp[1:]) if stamp[:1] == [pinned] else set()
    if PYTHON.exists() and wanted <= installed:
        return
    pip = [str(PYTHON), "-m", "pip"]
    if not PYTHON.exists() or subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        if not importlib.util.find_spec("ensurepip") or not importlib.util.find_spec("venv"):
            package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
            raise WorkbookError(
                f"This Python makes no environments yet. On Debian and Ubuntu: sudo apt install {package}"
            )
        say_command("python3", "-m", "venv", ".venv")
        again = ["--clear"] if PYTHON.is_symlink() else []  # it leads to a Python that was removed
        if subprocess.call([sys.executable, "-m", "venv", *again, VENV], start_new_session=True):
            raise WorkbookError("python3 -m venv did not work; the lines above say why.")
    print("Installing what this command needs. Only this once; with an empty cache it takes about half a minute.")
    words = [*(["-c", "constraints.txt"] if pins.exists() else []), *sorted(wanted | installed)]
    say_command("pip", "install", *words)
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    command = [*pip, "install", "--disable-pip-version-check", "--no-input", *quiet, *words]
    if subprocess.call(command, cwd=ROOT, start_new_session=True):  # so that Ctrl-C is ours alone to answer
        raise WorkbookError("Installing did not work. The same command, called again, carries on from here.")
    STAMP.write_text("\n".join([pinned, *(wanted | installed)]), encoding="utf-8")
