"""`doctor`: what a learner pastes to the teacher."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROWS = [
    "System",
    "Python",
    "git",
    "Workbook",
    "Packages",
    "Offline",
    "Port",
    "work/",
    "Lesson",
    "Check",
    "Fails",
    ".env",
    "Database",
]


def rows_of(text: str) -> dict[str, str]:
    """Return what stands after each name; lines that go on are joined."""
    rows: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if not line.startswith(" "):
            name = line.split()[0]
        rows[name] = " ".join([rows.get(name, ""), *line[10:].split()]).strip()
    return rows


def test_the_answer_is_one_screen_of_plain_text(house: Any) -> None:
    """It is pasted into a message, or read aloud."""
    house.begin("03")
    out = house.pipe("doctor")

    assert list(rows_of(out)) == ROWS
    assert max(len(line) for line in out.splitlines()) <= 80
    assert len(out.splitlines()) <= 24
    assert "\x1b" not in out
    assert "cannot be found out" not in out


def test_it_tells_the_lesson_and_the_last_check(house: Any) -> None:
    """That is what the teacher would ask first."""
    house.begin("04")
    moment = datetime.now(UTC) - timedelta(minutes=12)
    notes = {
        "step": "04_signup",
        "lesson": 1,
        "done": {"04_signup": [3, 9]},
        "failing": ["04_signup::test_somebody_signs_up"],
        "checked_at": moment.isoformat(),
        "app_starts": False,
    }
    (house.work / ".workbook.json").write_text(json.dumps(notes))
    rows = rows_of(house.run("doctor"))

    assert rows["Lesson"].startswith("04.1 ")
    assert "3 of 9" in rows["Check"]
    assert "the app did not start, 12 minutes ago" in rows["Check"]
    assert rows["Fails"] == "1, the first: test_somebody_signs_up"


def test_names_that_env_lacks_are_told_and_no_value_is(house: Any) -> None:
    """The text is pasted where others read it."""
    house.begin("04")
    env = "SECRET_KEY=\nTRUSTED_HOSTS=my-very-secret-host\nOTHER='top secret'\n"
    (house.work / ".env").write_text(env)
    out = house.run("doctor")
    row = rows_of(out)[".env"]

    assert row == "lacks SESSION_COOKIE_SECURE; has no value for SECRET_KEY"
    assert "secret-host" not in out
    assert "top secret" not in out


def test_an_env_file_that_powershell_has_written_is_noticed(house: Any) -> None:
    """`>>` writes UTF-16 there, and Flask says something about a null byte."""
    house.begin("04")
    (house.work / ".env").write_text("SECRET_KEY=x\n", encoding="utf-16")

    assert "UTF-16" in rows_of(house.run("doctor"))[".env"]


def test_the_tables_of_the_database_are_named(house: Any) -> None:
    """A missing table is why every page that asks the database answers 503."""
    house.begin("04")
    (house.work / "instance").mkdir()
    file = house.work / "instance" / "a ? b.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE user (email TEXT)")
    before = file.read_bytes()
    row = rows_of(house.run("doctor"))["Database"]

    assert "a ? b.db" in row
    assert "tables: user" in row
    assert file.read_bytes() == before


def test_a_port_that_is_taken_is_told(house: Any) -> None:
    """On macOS it is AirPlay's."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        code = (
            "from workbook import cli, doctor\n"
            f"doctor.PORT = {port}\n"
            "raise SystemExit(cli.main(['doctor']))"
        )
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=house.path,
            env=house.env,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    assert "busy: `run` takes the next one" in result.stdout, result.stderr


def break_notes(house: Any) -> None:
    """Leave notes that are no JSON."""
    (house.work / ".workbook.json").write_text("{")


def break_database(house: Any) -> None:
    """Leave a file that is no database."""
    (house.work / "instance").mkdir()
    (house.work / "instance" / "app.db").write_text("no database at all" * 100)


def break_project(house: Any) -> None:
    """Leave no list of the packages."""
    (house.path / "pyproject.toml").write_text("][")


def break_chapter(house: Any) -> None:
    """Leave a chapter that cannot be read."""
    for file in house.path.glob("steps/*/LESSONS.md"):
        file.write_text("## 1. Nothing\n")


def break_work(house: Any) -> None:
    """Leave no work/."""
    shutil.rmtree(house.work)


@pytest.mark.parametrize(
    "damage",
    [break_notes, break_database, break_project, break_chapter, break_work],
    ids=lambda damage: damage.__name__,
)
def test_what_is_broken_hides_no_other_line(house: Any, damage: Any) -> None:
    """It is called because something is broken."""
    house.begin("04")
    damage(house)
    rows = rows_of(house.run("doctor"))

    assert list(rows) == ROWS
    assert all(rows.values())
    assert rows["Port"]


def test_it_needs_no_package_and_no_git(house: Any, tmp_path: Path) -> None:
    """`-S` leaves site-packages out, and the PATH has nothing in it."""
    house.begin("04")
    result = subprocess.run(
        [sys.executable, "-S", "-m", "workbook", "doctor"],
        cwd=house.path,
        env={**house.env, "PATH": str(tmp_path / "nothing")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    rows = rows_of(result.stdout)

    assert result.returncode == 0, result.stderr
    assert "not found: install it" in rows["git"]
    assert "missing: " in rows["Packages"]
    assert "cannot be found out" not in result.stdout
    assert not os.path.exists(house.path / ".venv")
