"""The commands that hand over to other programs: flask, pytest and JupyterLab."""

import argparse
import os
import secrets
import socket
import sys
from pathlib import Path

from workbook.common import ROOT, STEPS, WORK, WorkbookError, find_folder, find_step, hand_over, say, say_command


def run_command(options: argparse.Namespace) -> int:
    """Serve a step until Ctrl-C."""
    _, folder = find_folder(options.step)
    return serve(folder, options.host, options.port)


def serve(folder: Path, host: str = "127.0.0.1", port: int = 5000) -> int:
    """Make the key and the database where they are missing, and run `flask run`."""
    shown = folder.relative_to(ROOT)
    app = ["--app", str(shown / "wsgi.py")]
    os.chdir(ROOT)
    make_env(folder)
    status = make_database(folder, app)
    if status:
        return status
    free = next((number for number in range(port, min(port + 50, 65536)) if is_free(host, number)), None)
    if free is None:
        raise WorkbookError(f"Ports {port} to {port + 49} are all busy. Name another with --port.")
    if free != port:
        say(f"Port {port} is busy, so this one takes {free}.")
    if host not in ("127.0.0.1", "localhost", "::1"):
        say(f"The app answers other machines with 400 until TRUSTED_HOSTS in {shown / '.env'} has the name they use.")
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{free}/"  # noqa: S104 -- compared, not bound
    say(f"{shown} is at {url} until you press Ctrl-C.")
    words = [*app, "run", *(["--host", host] if host != "127.0.0.1" else []), "--port", str(free)]
    say_command("flask", *words)
    from flask.cli import main as flask  # in this process: no second Python to wait for, and no traceback on Ctrl-C

    sys.argv = ["flask", *words]
    try:
        flask()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def make_env(folder: Path) -> None:
    """Make .env from the example, with a key of its own. One that is there is the reader's, and stays."""
    example, env = folder / ".env.example", folder / ".env"
    if example.exists() and not env.exists():
        text = example.read_text(encoding="utf-8")
        with open(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text.replace("SECRET_KEY=\n", f"SECRET_KEY={secrets.token_hex(32)}\n"))
        say(f"Made {env.relative_to(ROOT)} with a key of its own.")


def make_database(folder: Path, app: list[str]) -> int:
    """Run `flask init-db` where the step has it and its database may be missing. It is safe to repeat."""
    sources = folder.glob("*/*.py")
    if any((folder / "instance").glob("*.db")) or not any('"init-db"' in p.read_text("utf-8") for p in sources):
        return 0
    say_command("flask", *app, "init-db")
    return hand_over(sys.executable, "-m", "flask", *app, "init-db")


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there. Asks by knocking too: some systems let two programs bind the same port."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.create_server(address[:2], family=family):
            pass
        with socket.socket(family) as knock:
            knock.settimeout(0.2)
            return knock.connect_ex(address) != 0
    except socket.gaierror as error:
        raise WorkbookError(f"There is no address {host} on this machine.") from error
    except PermissionError as error:
        raise WorkbookError(f"Port {port} is kept for the system. Take one from 1024 up.") from error
    except OSError:
        return False


def test_command(options: argparse.Namespace) -> int:
    """Run pytest: one step's suites, or all there is."""
    words = list(options.rest)
    os.chdir(ROOT)
    if options.step:
        step, folder = find_folder(options.step)
        words = ["--step", step[:2], *(["--app", "work"] if folder == WORK else []), *words]
    elif not words:
        words = ["-n", "auto"]
    say_command("pytest", *words)
    import pytest

    status = pytest.main(words)
    return 130 if status == pytest.ExitCode.INTERRUPTED else int(status)


def notebook_command(options: argparse.Namespace) -> int:
    """Open a step's notebook in JupyterLab."""
    path = Path("notebooks", f"{find_step(options.step or STEPS[0])}.ipynb")
    if not (ROOT / path).exists():
        raise WorkbookError(f"There is no {path}.")
    say_command("jupyter", "lab", path)
    return hand_over(sys.executable, "-m", "jupyterlab", path, cwd=ROOT)
