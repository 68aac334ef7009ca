"""`run`: serve a step or work/ with Flask's development server."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.support.tracebacks import describe_traceback
from workbook.common import WorkbookError, say_command
from workbook.env_file import make_env_file
from workbook.lessons import find_place
from workbook.places import ROOT, WORK, shown

PORTS_TO_TRY = 50
LAST_PORT = 65535
TRACEBACK = "Traceback (most recent call last)"
NO_SUCH_COMMAND = 2  # the status of `flask` then
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- only what somebody may ask for


def run_command(options: argparse.Namespace) -> int:
    """Serve a step until Ctrl-C."""
    place = find_place(options.step)
    again = f"run {options.step}"
    return serve(place.folder, options.host, options.port, again, options.new_database)


def serve(folder: Path, host: str, port: int, again: str, new_database: bool) -> int:
    """Make the key and the tables that are missing, and run `flask run`.

    `again` are the words of this command, for a message that names it.
    """
    app = f"{shown(folder)}/wsgi.py"
    make_missing_env_file(folder)
    if new_database:
        print(set_database_aside(folder))
    status = make_tables(app, again)
    if status != 0:
        return status
    free_port = find_free_port(host, port)
    if free_port != port:
        print(f"Port {port} is busy, so this one takes {free_port}.")
    name = name_in_address(folder, host)
    is_learners_own = folder.is_relative_to(WORK)
    after_a_change = (
        "it starts again by itself" if is_learners_own else "start it again"
    )
    print(
        f"{shown(folder)} is at http://{name}:{free_port}/ until you press Ctrl-C. "
        f"After a change, {after_a_change}."
    )
    words = ["--app", app, "run", "--port", str(free_port)]
    if host != "127.0.0.1":
        words += ["--host", host]
    if is_learners_own:
        return run_flask_again_and_again(words, folder)
    return run_flask(words)


def make_missing_env_file(folder: Path) -> None:
    """Make .env from .env.example; a .env that is there stays as it is."""
    env = folder / ".env"
    if env.exists() or not (folder / ".env.example").exists():
        return
    make_env_file(folder)
    print(f"Made {shown(env)} with a key of its own.")


def make_tables(app: str, again: str) -> int:
    """Run `flask init-db` if the app has it: it makes missing tables, and no others.

    Returns its status. If it names a column that the database lacks, says what to do.
    """
    command = [sys.executable, "-m", "flask", "--app", app, "init-db"]
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C is ours alone to answer
        check=False,
    )
    if result.returncode == NO_SUCH_COMMAND and "No such command" in result.stderr:
        return 0  # step 01 has no database
    if result.returncode != 0 and TRACEBACK in result.stderr:
        raise WorkbookError(explain_no_start(result.stderr, Path(app).parent))
    say_command("flask", "--app", app, "init-db")
    print(result.stdout, end="")
    print(result.stderr, end="", file=sys.stderr)
    if result.returncode != 0 and "lacks" in result.stderr:
        print(
            "\nTo keep that database under another name, and make a new one:\n"
            f"  python3 -m workbook {again} --new-database",
            file=sys.stderr,
        )
    return result.returncode


def explain_no_start(text: str, folder: Path) -> str:
    """Say where an app does not start; with the whole traceback if it names no file."""
    place = describe_traceback(text, (ROOT / folder).resolve())
    reason = f"{folder}/{place}" if place else text
    return f"The app does not start.\n{reason}"


def set_database_aside(folder: Path) -> str:
    """Give the app's SQLite database another name; return a sentence about it."""
    instance = folder / "instance"
    date = time.strftime("%Y%m%d-%H%M%S")
    kept = []
    for database in sorted(instance.glob("*.db")):
        for path in sorted(instance.glob(f"{database.name}*")):
            # SQLite's own files beside it: x.db-wal, x.db-shm, x.db-journal
            if path == database or path.name.startswith(f"{database.name}-"):
                copy = path.with_name(f"{path.name}.{date}")
                path.rename(copy)
                kept.append(shown(copy))
    if not kept:
        raise WorkbookError(
            f"There is no SQLite database in {shown(instance)}. If .env names another "
            "one, it stays as it is: change its tables yourself."
        )
    return f"Yours is kept: {', '.join(kept)}"


def find_free_port(host: str, port: int) -> int:
    """Return this port, or the next one that is free."""
    last = min(port + PORTS_TO_TRY - 1, LAST_PORT)
    for candidate in range(port, last + 1):
        if is_free(host, candidate):
            return candidate
    raise WorkbookError(
        f"No port from {port} to {port + PORTS_TO_TRY - 1} is free. "
        "Name another with --port: 1024 to 65535."
    )


def is_free(host: str, port: int) -> bool:
    """Return whether nobody answers there.

    Not whether we can bind the port: some systems let two programs do that.
    """
    try:
        socket.create_connection((host, port), timeout=1).close()
        return False
    except socket.gaierror as error:
        raise WorkbookError(f"There is no address {host} on this machine.") from error
    except OSError:
        return True


def name_in_address(folder: Path, host: str) -> str:
    """Return what to write for the host in the address that we print.

    Says so if the app does not answer to that name, because of TRUSTED_HOSTS; raises
    WorkbookError if no setting can help.
    """
    trusted = trusted_hosts(folder)
    setting = f"TRUSTED_HOSTS in {shown(folder)}/.env"
    if host in EVERYWHERE:
        if trusted:
            print(
                "Other machines get the status 400 until this machine's name or "
                f"address is in {setting}."
            )
        return "127.0.0.1" if host == EVERYWHERE[0] else "localhost"
    if trusted and ":" in host:
        raise WorkbookError(
            f"At [{host}] every page would be the status 400: Flask finds no address "
            f"in brackets in {setting}. Listen at 127.0.0.1, or at a name that "
            "leads to your address, such as localhost."
        )
    if trusted and host not in trusted:
        print(f"The app answers with the status 400 until {host} is in {setting}.")
    return f"[{host}]" if ":" in host else host


def trusted_hosts(folder: Path) -> list[str]:
    """Return the names that the app answers to; an empty list means: to any."""
    from dotenv import dotenv_values  # one of the app's packages

    value = dotenv_values(folder / ".env").get("TRUSTED_HOSTS") or ""
    return [name.strip() for name in value.split(",") if name.strip()]


def run_flask(words: list[str]) -> int:
    """Run the `flask` command in this process until Ctrl-C.

    In this process: no second Python to wait for, and no traceback on Ctrl-C.
    """
    from flask.cli import main

    say_command("flask", *words)
    sys.argv = ["flask", *words]
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise WorkbookError(end.code) from end
        # Without a complaint of its own it ends by Ctrl-C alone.
        return end.code or 130
    return 130


def run_flask_again_and_again(words: list[str], folder: Path) -> int:
    """Run the `flask` command until Ctrl-C; Flask starts it again after every save.

    In a process of its own, because Flask's reloader starts the program that it is in
    a second time. Returns its status.
    """
    templates = [str(path) for path in sorted(folder.rglob("templates/**/*.html"))]
    words = [*words, "--reload", "--no-debugger"]
    say_command("flask", *words)
    if templates:
        words += ["--extra-files", os.pathsep.join(templates)]
    # Ctrl-C is ours alone to answer: Python would print a traceback for each process.
    answer = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen([sys.executable, "-m", "flask", *words])
    signal.signal(signal.SIGINT, answer)
    # Else `kill` ends this process alone, and Flask's own keep the port busy.
    signal.signal(signal.SIGTERM, end_by_signal)
    try:
        return process.wait()
    finally:
        process.terminate()
        process.wait()


def end_by_signal(number: int, _: object) -> None:
    """Raise SystemExit with a shell's status for this signal: `finally` runs then."""
    sys.exit(128 + number)
