"""The commands that hand over to other programs: flask, pytest and JupyterLab."""

import argparse
import os
import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path

from workbook.common import STEPS, WORK, WorkbookError, find_folder, find_step, say_command, shown


def run_command(options: argparse.Namespace) -> int:
    """Serve a step until Ctrl-C."""
    return serve(find_folder(options.step)[1], options.host, options.port)


def serve(folder: Path, host: str = "127.0.0.1", port: int = 5000) -> int:
    """Make the key and the database where they are missing, and run `flask run`."""
    app = ["--app", f"{shown(folder)}/wsgi.py"]
    example, env = folder / ".env.example", folder / ".env"
    if example.exists() and not env.exists():
        text = example.read_text(encoding="utf-8")
        with open(os.open(env, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(re.sub("(?m)^SECRET_KEY=$", f"SECRET_KEY={secrets.token_hex(32)}", text))
        print(f"Made {shown(env)} with a key of its own.")
    # Safe to repeat, but slow: only where the step has the command, and its own database is not there yet.
    sources = (path.read_text(encoding="utf-8", errors="replace") for path in folder.glob("*/*.py"))
    if not any((folder / "instance").glob("*.db")) and any('"init-db"' in source for source in sources):
        say_command("flask", *app, "init-db")
        if status := subprocess.call([sys.executable, "-m", "flask", *app, "init-db"], start_new_session=True):
            return status
    free = next((number for number in range(port, min(port + 50, 65536)) if is_free(host, number)), None)
    if free is None:
        raise WorkbookError(f"No port from {port} to {port + 49} is free. Name another with --port: 1024 to 65535.")
    if free != port:
        print(f"Port {port} is busy, so this one takes {free}.")
    if host not in ("127.0.0.1", "localhost", "::1"):
        print(f"The app answers other machines with 400 until TRUSTED_HOSTS in {shown(folder)}/.env names this one.")
    address = f"http://{f'[{host}]' if ':' in host else host}:{free}/"
    print(f"{shown(folder)} is at {address} until you press Ctrl-C. After a change, start it again.")
    words = [*app, "run", *(["--host", host] if host != "127.0.0.1" else []), "--port", str(free)]
    say_command("flask", *words)
    from flask.cli import main  # in this process: no second Python to wait for, and no traceback on Ctrl-C

    sys.argv = ["flask", *words]
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise WorkbookError(end.code) from end
        return end.code or 130  # without a complaint of its own it ends by Ctrl-C alone
    return 130


def is_free(host: str, port: int) -> bool:
    """Whether nobody answers there. Not by binding it: some systems let two programs bind the same port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
        return False
    except socket.gaierror as error:
        raise WorkbookError(f"There is no address {host} on this machine.") from error
    except OSError:
        return True


def test_command(options: argparse.Namespace) -> int:
    """Run pytest: one step's suites, or all there is."""
    words = options.rest
    if options.step:
        step, folder = find_folder(options.step)
        words = ["--step", step[:2], *(["--app=work"] if folder == WORK else []), *words]
    if "--app" in words[:-1]:  # pytest reads a folder that stands alone as a path, before it knows our option
        words[words.index("--app") : words.index("--app") + 2] = [f"--app={words[words.index('--app') + 1]}"]
    words = words or ["-n", "auto"]
    say_command("pytest", *words)
    import pytest

    return 130 if (status := pytest.main(words)) == pytest.ExitCode.INTERRUPTED else int(status)


def notebook_command(options: argparse.Namespace) -> int:
    """Open a step's notebook in JupyterLab."""
    path = Path("notebooks", f"{find_step(options.step or STEPS[0])}.ipynb")
    say_command("jupyter", "lab", path)
    return subprocess.call([sys.executable, "-m", "jupyterlab", path])
