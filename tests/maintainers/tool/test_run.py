"""`run` and `test`: what they make, what they leave alone, and how they end."""

import os
import re
import signal
import socket
import sqlite3
import stat
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest


def tables(database: Path) -> set[str]:
    """The names of a database's tables."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def a_port() -> int:
    """A port that is free, with one behind it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_run_makes_what_is_missing_and_serves_until_ctrl_c(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """From a fresh clone to the first page with one command."""
    port = a_port()
    process = house.start("run", "6", "--port", str(port))
    said = read_until(process, "Running on")
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
    status, rest = interrupt(process)

    assert "accounts" in page
    assert f"http://127.0.0.1:{port}/" in said
    assert f"$ flask --app steps/06_protected/wsgi.py run --port {port}" in said
    assert (status, "Traceback" in rest) == (130, False)
    env = house.path / "steps" / "06_protected" / ".env"
    keys = [
        line for line in env.read_text().splitlines() if line.startswith("SECRET_KEY=")
    ]
    assert len(keys) == 1
    assert len(keys[0]) == len("SECRET_KEY=") + 64
    assert stat.S_IMODE(env.stat().st_mode) == 0o600, (
        "others on the machine should not read the key"
    )
    assert (house.path / "steps" / "06_protected" / "instance" / "workbook.db").exists()
    assert not list((house.path / "steps").rglob("__pycache__"))


def test_run_never_touches_a_key_or_a_database_that_is_there(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """They are the learner's own."""
    step = house.path / "steps" / "02_models"
    (step / ".env").write_text("SECRET_KEY=5d1f0c6b9a7e43825d1f0c6b9a7e4382\n")
    database = step / "instance" / "workbook.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE mine (id INTEGER)")
    before = tables(database)

    process = house.start("run", "02", "--port", str(a_port()))
    read_until(process, "Running on")
    interrupt(process)

    assert before == {"mine"}
    assert tables(database) > {"mine", "users"}, (
        "what is missing is made beside what is there"
    )
    assert (
        step / ".env"
    ).read_text() == "SECRET_KEY=5d1f0c6b9a7e43825d1f0c6b9a7e4382\n"


def test_a_database_that_lacks_a_column_is_named_with_the_way_out(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """Every page would be an error, and `flask init-db` adds no column."""
    house.begin("03")
    database = house.work / "instance" / "workbook.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")
    old = database.read_bytes()

    refused = house.run("run", "work", "--port", str(a_port()), code=1)
    process = house.start("run", "work", "--new-database", "--port", str(a_port()))
    said = read_until(process, "Running on")
    interrupt(process)

    assert "lacks the column users." in refused
    assert "python3 -m workbook run work --new-database" in refused
    assert "Yours is kept: work/instance/workbook.db." in said
    assert [path.read_bytes() for path in database.parent.glob("workbook.db.2*")] == [
        old
    ]
    assert "users" in tables(database)


def test_a_database_that_is_not_there_cannot_be_set_aside(house: Any) -> None:
    """It may be one on a server, which is not ours to rename."""
    out = house.run("run", "02", "--new-database", "--port", str(a_port()), code=1)

    assert "There is no SQLite database in steps/02_models/instance" in out


def test_an_env_file_of_somebody_else_changes_nothing(
    house: Any, read_until: Callable, interrupt: Callable, tmp_path: Path
) -> None:
    """Flask looks for one in every folder above; its settings would win over the step's
    own.
    """
    foreign = tmp_path / "foreign.db"
    settings = f"SECRET_KEY=short\nSQLALCHEMY_DATABASE_URI=sqlite:///{foreign}\n"
    for folder in (house.path, house.path.parent):
        (folder / ".env").write_text(settings)
        (folder / ".flaskenv").write_text("FLASK_DEBUG=1\n")
    house.env |= {"TRUSTED_HOSTS": "elsewhere.example", "FLASK_RUN_CERT": "adhoc"}

    port = a_port()
    process = house.start("run", "02", "--port", str(port))
    said = read_until(process, "Running on")
    status = urllib.request.urlopen(f"http://127.0.0.1:{port}/").status
    interrupt(process)

    assert status == 200
    assert "Not used from your environment: TRUSTED_HOSTS." in said
    assert not foreign.exists()


def test_no_address_is_printed_that_the_app_refuses(house: Any) -> None:
    """Flask compares no address in brackets with TRUSTED_HOSTS, so each page would be a
    400.
    """
    out = house.run("run", "01", "--host", "::1", "--port", str(a_port()), code=1)

    assert "At [::1] every page would be the status 400" in out
    assert "http://" not in out


def test_the_address_for_all_machines_is_one_that_this_machine_can_open(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """No browser opens http://0.0.0.0/ on every system, and the app refuses that
    name."""
    port = a_port()
    process = house.start("run", "01", "--host", "0.0.0.0", "--port", str(port))  # noqa: S104 -- for a moment
    said = read_until(process, "until you press Ctrl-C")
    read_until(process, "Running on")
    status = urllib.request.urlopen(f"http://127.0.0.1:{port}/").status
    interrupt(process)

    assert status == 200
    assert f"steps/01_config is at http://127.0.0.1:{port}/" in said
    assert "Other machines get the status 400 until" in said


def test_two_apps_in_one_browser_do_not_log_each_other_out(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """Cookies ignore ports, and `run` beside `break --run` is a lesson of the
    README."""
    names = []
    processes = []
    for words in (["run", "03"], ["break", "hard-coded-action", "--run"]):
        port = a_port()
        processes.append(house.start(*words, "--port", str(port)))
        read_until(processes[-1], "Running on")
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/signup")
        names.append(page.headers["Set-Cookie"].partition("=")[0])
    for process in processes:
        interrupt(process)

    assert names[0] != names[1]


def test_a_busy_port_costs_one_sentence(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """On many machines something else has port 5000."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        busy = server.getsockname()[1]
        process = house.start("run", "01", "--port", str(busy))
        said = read_until(process, "Running on")
        interrupt(process)

    assert f"Port {busy} is busy, so this one takes" in said


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--port", "70000"], "No port from 70000 to 70049 is free"),
        (
            ["--host", "no-such-host.invalid"],
            "There is no address no-such-host.invalid",
        ),
    ],
)
def test_an_address_that_cannot_be_is_refused(
    house: Any, words: list[str], answer: str
) -> None:
    """In words, not with an exception from the socket module."""
    assert answer in house.run("run", "01", *words, code=1)


def test_another_host_is_told_about_trusted_hosts(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """Else a phone in the same room gets a 400 and nobody knows why."""
    process = house.start("run", "01", "--host", "127.0.0.2", "--port", str(a_port()))
    said = read_until(process, "Running on")
    interrupt(process)

    assert "TRUSTED_HOSTS in steps/01_config/.env" in said


def test_an_app_without_its_key_says_what_to_do(house: Any) -> None:
    """The app's own sentence, not a traceback."""
    (house.path / "steps" / "01_config" / ".env").write_text("SECRET_KEY=\n")

    assert "is missing. Make a key with" in house.run(
        "run", "01", "--port", str(a_port()), code=1
    )


def test_test_hands_the_rest_to_pytest(house: Any) -> None:
    """The tool is thin: whatever pytest can do, it can do here."""
    out = house.run("test", "01", "-q", "-p", "no:cacheprovider", "-k", "without_a_key")

    assert "$ pytest --step 01 -q -p no:cacheprovider -k without_a_key" in out
    assert " passed" in out


def test_test_refuses_a_folder_that_is_no_step(house: Any) -> None:
    """One sentence instead of forty failures."""
    assert "is no step" in house.run("test", "04", "--app", "tests", code=4)


def test_an_environment_of_ones_own_is_used_as_it_is(house: Any) -> None:
    """Whoever made one with pip is not given another."""
    house.run("test", "01", "--collect-only", "-q", "-p", "no:cacheprovider")

    assert not (house.path / ".venv").exists()


def test_an_app_that_cannot_be_read_is_a_sentence(house: Any) -> None:
    """File and line, and not the way that Flask has gone to it."""
    house.begin("02")
    house.edit("routes.py", "def index()", "def index((")

    out = house.run("run", "work", "--port", str(a_port()), code=1)

    assert "The app does not start." in out
    assert re.search(r"\nwork/flask_login_tutorial/routes\.py:\d+: SyntaxError", out)


def test_work_is_served_as_it_was_saved_last(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """One looks at the page, and not at the terminal, after a save."""
    house.begin("02")
    port = a_port()
    process = house.start("run", "work", "--port", str(port))
    said = read_until(process, "Running on")
    house.edit("templates/index.html", "<h1>", "<h1>Saved: ")
    page = ""
    until = time.monotonic() + 60
    while "Saved: " not in page and time.monotonic() < until:
        with suppress(OSError):
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
    status, rest = interrupt(process)

    assert "Saved: " in page
    assert "--reload --no-debugger" in said
    assert (status, "Traceback" in rest) == (130, False)


def test_a_server_that_is_ended_from_elsewhere_leaves_its_port(
    house: Any, read_until: Callable
) -> None:
    """`kill`, or an editor's stop button: the next `run` would find the port busy, and
    the browser an old app.
    """
    house.begin("02")
    process = house.start("run", "work", "--port", str(a_port()))
    read_until(process, "Running on")

    process.terminate()
    process.communicate(timeout=60)

    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody of its group is left
    assert process.returncode == 128 + signal.SIGTERM
