"""The command line. Reads nothing heavy: `--help` answers at once, before anything is installed."""

import argparse
import errno
import importlib
import os
import sys
import tomllib

from workbook.bootstrap import ensure
from workbook.common import ROOT, WorkbookError

COMMANDS = tomllib.loads((ROOT / "workbook" / "commands.toml").read_text(encoding="utf-8"))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line. What follows `test [STEP]` goes to pytest as it is."""
    if arguments[:1] == ["test"] and not {"-h", "--help"} & set(arguments):
        rest = arguments[1:]
        named = rest and not rest[0].startswith("-") and not os.path.exists(rest[0].partition("::")[0])
        return argparse.Namespace(command="test", step=rest.pop(0) if named else None, rest=rest)
    top = argparse.ArgumentParser(
        prog="python3 -m workbook",
        description="Six small apps that log in, and the tool to learn from them.",
        epilog="Example: python3 -m workbook run 04",
    )
    parsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        example = f"Example: python3 -m workbook {command['example']}"
        parser = parsers.add_parser(name, help=command["line"], description=command["line"], epilog=example)
        for argument, keywords in command.get("arguments", {}).items():
            parser.add_argument(argument, **{**keywords, **({"type": int} if "type" in keywords else {})})
    return top.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run one command; give its exit status."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace", line_buffering=True)  # a terminal that lacks a letter gets the rest
    options = parse(arguments)
    command = COMMANDS[options.command]
    try:
        if "extras" in command or options.__dict__.get("html"):
            ensure(command.get("extras", ["tool"]), arguments)
        sys.dont_write_bytecode = True  # no __pycache__ beside the steps: it would show in their diffs
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        return getattr(importlib.import_module(f"workbook.{command['module']}"), f"{options.command}_command")(options)
    except WorkbookError as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:  # `diff | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        locked = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        hint = " This folder is read-only: copy the workbook to one of your own." if locked else ""
        print(f"{error.strerror or error}: {error.filename or 'the output'}.{hint}", file=sys.stderr)
    return 1
