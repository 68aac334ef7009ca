"""The command line: reads it, and runs one command."""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from workbook import bootstrap, testing
from workbook.check import check_command
from workbook.common import WorkbookError, find_step, nearest
from workbook.diff import diff_command, peek_command
from workbook.doctor import doctor_command
from workbook.hints import hint_command
from workbook.lessons import START, find_lesson, is_lesson_name
from workbook.mistakes import break_command
from workbook.new import new_command
from workbook.notebook import notebook_command
from workbook.overview import list_command
from workbook.pack import SYSTEMS, pack_command
from workbook.places import ROOT
from workbook.propagate import propagate_command
from workbook.recipes import NAMES as RECIPES
from workbook.serve import run_command
from workbook.site import site_command
from workbook.start import reset_command, restore_command, start_command
from workbook.update import update_command
from workbook.variables import clean_environment

INTERRUPTED = 130
STEP_HELP = "such as 3, 03 or 03_forms"
PLACE_HELP = "a step such as 3 or 03, a lesson such as 03.2"
# Extras of pyproject.toml, beside the packages that the app needs. None: no packages.
APP = ()
SUITES = ("test", "tool")
PAGES = ("tool",)
SITE = ("site",)
NOTEBOOKS = ("test", "tool", "notebook")
EVERYTHING = ("test", "tool", "notebook", "site", "lint", "project")
# Settings of the app: `run` takes them from the step's .env alone.
SETTINGS = (
    "SECRET_KEY",
    "SQLALCHEMY_",
    "SESSION_COOKIE_",
    "TRUSTED_HOSTS",
    "PROXY_COUNT",
    "RATELIMIT_",
)

Command = Callable[[argparse.Namespace], int]


class CommandLine:
    """Collects the commands with their help and arguments."""

    def __init__(self) -> None:
        self.parser = argparse.ArgumentParser(
            "python3 -m workbook", epilog="Example: python3 -m workbook run 04"
        )
        self.commands = self.parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(
        self,
        name: str,
        command: Command,
        summary: str,
        example: str,
        extras: tuple[str, ...] | None = None,
    ) -> argparse.ArgumentParser:
        """Add a command with a summary; return the parser of its arguments."""
        parser = self.commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"Example: python3 -m workbook {example}",
        )
        parser.set_defaults(run_command=command, extras=extras)
        return parser


def make_command_line() -> CommandLine:
    """Return all commands."""
    command_line = CommandLine()
    add_start(command_line)
    add_check(command_line)
    add_peek(command_line)
    add_reset(command_line)
    add_list(command_line)
    add_diff(command_line)
    add_notebook(command_line)
    add_site(command_line)
    add_run(command_line)
    add_break(command_line)
    add_test(command_line)
    add_pack(command_line)
    add_doctor(command_line)
    add_propagate(command_line)
    add_new(command_line)
    return command_line


def add_start(command_line: CommandLine) -> None:
    """Add `start`."""
    start = command_line.add(
        "start",
        start_command,
        "Begin a lesson: work/ becomes the app before it, and the lesson is printed.",
        "start 05.3",
        SUITES,
    )
    start.add_argument(
        "step",
        metavar="STEP",
        nargs="?",
        help=f"{PLACE_HELP}; next: the one after yours; none: read yours again",
    )
    start.add_argument(
        "--aside",
        action="store_true",
        help="first move what is in work/ to a folder with today's date",
    )


def add_check(command_line: CommandLine) -> None:
    """Add `check` and `hint`."""
    check = command_line.add(
        "check",
        check_command,
        "See which behaviours of your lesson hold in work/; then go on to the next.",
        "check",
        SUITES,
    )
    check.add_argument(
        "words",
        metavar="WORDS",
        nargs="*",
        help="words of the behaviour to explain, if not the first that fails; or the "
        "step or lesson to go on to",
    )
    check.add_argument(
        "--watch", action="store_true", help="run again after every save"
    )
    hint = command_line.add(
        "hint",
        hint_command,
        "A hint for the first behaviour that fails; asked again, it goes deeper.",
        "hint website",
    )
    hint.add_argument(
        "words", metavar="WORDS", nargs="*", help="words of another behaviour"
    )


def add_peek(command_line: CommandLine) -> None:
    """Add `peek`."""
    peek = command_line.add(
        "peek",
        peek_command,
        "The difference from your work/ to the app after your lesson.",
        "peek auth.py",
    )
    peek.add_argument(
        "file", metavar="PATH", nargs="?", help="such as auth.py or templates"
    )


def add_reset(command_line: CommandLine) -> None:
    """Add `reset` and `restore`."""
    reset = command_line.add(
        "reset",
        reset_command,
        "Put files, or all of work/, back to the start; yours are kept aside.",
        "reset auth.py",
    )
    reset.add_argument(
        "path", metavar="PATH", nargs="?", help="such as auth.py or templates"
    )
    restore = command_line.add(
        "restore",
        restore_command,
        "Bring back what was set aside; what is in its place is kept aside.",
        "restore work-20260131-101500",
    )
    restore.add_argument(
        "folder", metavar="FOLDER", nargs="?", help="none: list what was set aside"
    )


def add_list(command_line: CommandLine) -> None:
    """Add `list`."""
    listing = command_line.add(
        "list",
        list_command,
        "Steps, lessons and how far you are; or the mistakes, or a class's progress.",
        "list --all participants/*",
    )
    listing.add_argument(
        "--mistakes", action="store_true", help="the tutorial's mistakes, by step"
    )
    listing.add_argument(
        "--all",
        metavar="DIR",
        nargs="+",
        help="who needs help now: one row per participant's folder or notes",
    )
    listing.add_argument(
        "--watch", action="store_true", help="with --all: look again every few seconds"
    )
    listing.add_argument(
        "--json", action="store_true", help="with --all: for other programs"
    )


def add_diff(command_line: CommandLine) -> None:
    """Add `diff`."""
    diff = command_line.add(
        "diff",
        diff_command,
        "What changes from one step or lesson to another, in the order to read it.",
        "diff 04 05 --html lesson.html",
    )
    diff.add_argument("a", metavar="A", help="a step, a lesson (05.2) or work")
    diff.add_argument("b", metavar="B", help="a step, a lesson (05.3) or work")
    diff.add_argument(
        "path", metavar="PATH", nargs="?", help="such as auth.py or templates"
    )
    diff.add_argument("--stat", action="store_true", help="only count the lines")
    diff.add_argument(
        "--html", metavar="FILE", help="write one page, to read or to project"
    )


def add_notebook(command_line: CommandLine) -> None:
    """Add `notebook`."""
    notebook = command_line.add(
        "notebook",
        notebook_command,
        "Open a step's notebook in JupyterLab, without the answers.",
        "notebook 05",
        NOTEBOOKS,
    )
    notebook.add_argument(
        "step", metavar="STEP", nargs="?", help=f"{STEP_HELP}; 01 if none is named"
    )


def add_site(command_line: CommandLine) -> None:
    """Add `site`."""
    site = command_line.add(
        "site",
        site_command,
        "Build one static site of everything, to read without installing anything.",
        "site handout",
        SITE,
    )
    site.add_argument(
        "dir",
        metavar="DIR",
        nargs="?",
        help="where to put it: `site` in the workbook if none is named; an older site "
        "is replaced",
    )


def add_run(command_line: CommandLine) -> None:
    """Add `run`."""
    run = command_line.add(
        "run",
        run_command,
        "Serve a step, a lesson or your work/ until Ctrl-C.",
        "run 04",
        APP,
    )
    run.add_argument(
        "step",
        metavar="STEP",
        nargs="?",
        default="06",
        help=f"{PLACE_HELP}, or work; 06 if none is named",
    )
    add_server_options(run)


def add_break(command_line: CommandLine) -> None:
    """Add `break`."""
    mistake = command_line.add(
        "break",
        break_command,
        "Put one of the tutorial's mistakes into a copy, and see what it does.",
        "break open-redirect --test",
        SUITES,
    )
    mistake.add_argument("id", metavar="MISTAKE", help="its id: see `list --mistakes`")
    mistake.add_argument("--run", action="store_true", help="serve the copy")
    mistake.add_argument(
        "--test", action="store_true", help="run the suites on the copy"
    )
    mistake.add_argument(
        "--aside",
        action="store_true",
        help="keep the copy that is there under a dated name, and make a new one",
    )
    add_server_options(mistake)


def add_test(command_line: CommandLine) -> None:
    """Add `test`."""
    test = command_line.add(
        "test",
        testing.test_command,
        "Run a step's suites, or everything; takes pytest's own options too.",
        "test 04 --app work",
        EVERYTHING,
    )
    test.add_argument(
        "step", metavar="STEP", nargs="?", help=f"{PLACE_HELP}; everything if none"
    )
    test.add_argument(
        "--app", metavar="DIR", help="test this folder instead of the step"
    )
    test.add_argument(
        "rest", metavar="PYTEST OPTION", nargs="*", help="such as -x or -k mailbox"
    )


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `run`, which `break --run` has, too."""
    parser.add_argument(
        "--port",
        type=int,
        default=5000,
        help="if it is busy, the next free one is taken; 5000 if not given",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen at; only this machine if not given",
    )
    parser.add_argument(
        "--new-database",
        action="store_true",
        help="keep the database under a dated name, and make a new one",
    )


def add_pack(command_line: CommandLine) -> None:
    """Add `pack`."""
    pack = command_line.add(
        "pack",
        pack_command,
        "For teachers: make the folder for a room without a network.",
        "pack room --python 3.12 --system windows --system mac",
        APP,
    )
    pack.add_argument("dir", metavar="DIR", help="a folder that is made")
    pack.add_argument(
        "--python",
        metavar="VERSION",
        action="append",
        help="a Python of the room, such as 3.12; again for another; the running one "
        "if none is named",
    )
    pack.add_argument(
        "--system",
        choices=sorted(SYSTEMS),
        action="append",
        help="a system of the room; again for another; the running one if none is "
        "named; mac is Apple silicon",
    )
    pack.add_argument(
        "--notebooks", action="store_true", help="with what opens the notebooks"
    )
    pack.add_argument("--no-site", action="store_true", help="without the site")


def add_doctor(command_line: CommandLine) -> None:
    """Add `doctor`."""
    command_line.add(
        "doctor",
        doctor_command,
        "Show what a teacher asks first: system, versions, lesson, what is missing.",
        "doctor",
    )


def add_propagate(command_line: CommandLine) -> None:
    """Add `propagate`."""
    propagate = command_line.add(
        "propagate",
        propagate_command,
        "For maintainers: carry a step's uncommitted change into what builds on it.",
        "propagate 02",
    )
    propagate.add_argument(
        "step", metavar="STEP", nargs="?", help="the step that you changed"
    )
    propagate.add_argument(
        "--check",
        action="store_true",
        help="only say which lessons and mistakes no longer fit their step",
    )


def add_new(command_line: CommandLine) -> None:
    """Add `new` and `update`."""
    new = command_line.add(
        "new",
        new_command,
        "Make a project of your own from step 06, with its tests.",
        'new ../my_site --title "My site"',
    )
    new.add_argument("dir", metavar="DIR", help="a folder that is not there yet")
    new.add_argument("--name", help="the package; called after the folder if not given")
    new.add_argument("--title", help="what the pages call the site")
    new.add_argument(
        "--with",
        dest="recipes",
        metavar="RECIPE,...",
        default="",
        help=f"also one or more of {', '.join(RECIPES)}: see docs/recipes",
    )
    update = command_line.add(
        "update",
        update_command,
        "Merge what the workbook has changed since into a project made by `new`.",
        "update ../my_site",
    )
    update.add_argument("dir", metavar="DIR", help="the project's folder")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line. What follows `test [STEP]` goes to pytest as it is.

    Raises WorkbookError if there is no such command.
    """
    command_line = make_command_line()
    names = list(command_line.commands.choices)
    name = arguments[0] if arguments else ""
    if name and not name.startswith("-") and name not in names:
        raise WorkbookError(f"There is no command {name}. {nearest(name, names)}")
    wants_help = "-h" in arguments or "--help" in arguments
    if name == "test" and not wants_help:
        options = command_line.parser.parse_args(["test"])
        options.step, options.rest = testing.split_arguments(arguments[1:])
        return options
    options = command_line.parser.parse_args(arguments)
    if not options.command:
        command_line.parser.print_help()
    return options


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status.

    Ctrl-C, Ctrl-D and a reader who has closed the pipe end it without a traceback.
    """
    open_streams()
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run(arguments)
    except (KeyboardInterrupt, EOFError):
        return INTERRUPTED
    except WorkbookError as error:
        print_error(str(error))
        return 1
    except BrokenPipeError:  # `diff | head`: the reader has seen enough
        return 1
    except OSError as error:
        reason = f"{error.strerror or error}: {error.filename or 'the output'}."
        if isinstance(error, PermissionError):
            reason += " May this folder be written to?"
        print_error(reason)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python says nothing at its end
        close_streams()


def run(arguments: list[str]) -> int:
    """Read the command line and run the command."""
    removed = clean_environment()
    options = parse(arguments)
    if not options.command:
        return 0
    check_steps(options)
    read_paths_from(called_from(), options)
    if options.command in ("run", "break"):
        say_which_settings_are_ignored(removed)
    extras = needed_extras(options)
    if extras is not None:
        bootstrap.ensure(extras, arguments)
    os.chdir(ROOT)
    sys.dont_write_bytecode = True  # no __pycache__ beside the steps
    return options.run_command(options)


def check_steps(options: argparse.Namespace) -> None:
    """Report a misspelled step before any package is installed."""
    others = ("work",) if options.command in ("run", "test", "diff") else ()
    for name in ("step", "a", "b"):
        word = getattr(options, name, None)
        if word == "next" and options.command == "start":
            continue
        if word and is_lesson_name(word):
            find_lesson(word.removesuffix(START))
        elif word and Path(word).name != "work":
            find_step(word, others)


def called_from() -> Path:
    """Return the folder that the command was typed in."""
    # Set by bootstrap.restart(); what we start in turn is not to see it.
    return Path(os.environ.pop(bootstrap.CALLED_FROM, os.getcwd()))


def read_paths_from(folder: Path, options: argparse.Namespace) -> None:
    """Take the paths on the command line as seen from a folder, not from ours.

    Not the paths in an app (`peek auth.py`), nor those of tests, which are pytest's.
    """
    for name in ("dir", "html"):
        path = getattr(options, name, None)
        if path:
            setattr(options, name, seen_from(folder, path))
    if getattr(options, "all", None):
        options.all = [seen_from(folder, name) for name in options.all]
    if options.command == "test":
        options.rest = testing.join_app(options.rest)
        for number, word in enumerate(options.rest):
            if word.startswith("--app="):
                path = seen_from(folder, word.removeprefix("--app="))
                options.rest[number] = f"--app={path}"


def seen_from(folder: Path, path: str) -> str:
    """Return the path of what is called so in a folder; the whole one, unless we
    are there ourselves. PowerShell leaves it to us what `~` means.
    """
    path = os.path.expanduser(path)
    if folder.resolve() == ROOT:
        return path
    return os.path.normpath(folder / path)


def say_which_settings_are_ignored(removed: list[str]) -> None:
    """Name the app's settings that stand in the environment."""
    names = [name for name in removed if name.startswith(SETTINGS)]
    if names:
        print(
            f"Not used from your environment: {', '.join(sorted(names))}. "
            "Write such settings into the .env of the step.",
            file=sys.stderr,
        )


def needed_extras(options: argparse.Namespace) -> tuple[str, ...] | None:
    """Return the extras that a command needs; None if it needs no packages."""
    if options.command == "diff" and options.html:
        return PAGES
    if options.command == "test" and options.step:
        return SUITES
    return options.extras


def open_streams() -> None:
    """Make the output UTF-8 and line by line; it may be closed (`>&-`)."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- open until Python ends
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 -- likewise
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)


def close_streams() -> None:
    """Write what is left; if nobody reads it, Python must not try again at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())


def print_error(reason: str) -> None:
    """Print why a command failed, if anybody reads it."""
    with suppress(OSError):
        print(reason, file=sys.stderr)
