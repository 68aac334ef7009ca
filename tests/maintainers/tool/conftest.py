"""A copy of the workbook to run the real command in, under a path with blanks and other
letters.
"""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import ROOT
from workbook.lessons import copy_code, find_lesson, start_folder
from workbook.places import code_files

PATIENCE = 120  # seconds; only to end a test that hangs


class House:
    """The workbook, copied for one test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"
        self.package = self.work / "flask_login_tutorial"
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "COV_"))
        }
        self.env |= {"PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "ignore"}
        self.env["TMPDIR"] = str(
            path.parent
        )  # two runs of pytest that clean up the same folder trip each other
        self.running: list[subprocess.Popen[str]] = []

    def run(self, *words: str, code: int = 0, **env: str) -> str:
        """Run `python3 -m workbook` to its end, expect this status, and give what it
        says.
        """
        return self.run_in(self.path, ["-m", "workbook", *words], code, env)

    def run_in_steps(self, *words: str, code: int = 0, **env: str) -> str:
        """Do the same in the folder steps, where it is called `python3 ../workbook`."""
        return self.run_in(self.path / "steps", ["../workbook", *words], code, env)

    def run_in(
        self, folder: Path, words: list[str], code: int, env: dict[str, str]
    ) -> str:
        """Run Python in a folder, expect this status, and give what it says."""
        result = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env={**self.env, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert "Traceback" not in result.stdout, result.stdout
        assert result.returncode == code, result.stdout
        return result.stdout

    def pipe(self, *words: str, code: int = 0, **env: str) -> str:
        """Run it with its output in a pipe, and give what went there: no byte more."""
        command = [sys.executable, "-m", "workbook", *words]
        result = subprocess.run(
            command,
            cwd=self.path,
            env={**self.env, **env},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert result.returncode == code, result.stderr.decode()
        return result.stdout.decode()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command that goes on until it is stopped, in a process group of its
        own, as a shell would.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "workbook", *words],
            cwd=self.path,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def begin(self, step: str) -> None:
        """Put the step before into work/, at the first lesson of the step."""
        steps = sorted(path.name for path in (self.path / "steps").glob("0*"))
        before = [name for name in steps if name < step][-1]
        name = next(name for name in steps if name.startswith(step))
        for file, source in code_files(self.path / "steps" / before).items():
            copy = self.work / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        self.note(step=name, lesson=1)

    def begin_lesson(self, name: str) -> None:
        """Put the start of a lesson into work/, without running the suites on it."""
        lesson = find_lesson(name)
        copy_code(start_folder(lesson), self.work)
        self.note(step=lesson.step, lesson=lesson.number)

    def note(self, **notes: object) -> None:
        """Write the notes beside work/."""
        (self.work / ".workbook.json").write_text(json.dumps(notes))

    @property
    def notes(self) -> dict[str, Any]:
        """Read the notes beside work/."""
        return json.loads((self.work / ".workbook.json").read_text())

    def git(self, folder: Path, *words: str, data: str | None = None) -> None:
        """Run git in a folder, as if it were in no repository."""
        env = {
            **self.env,
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            "HOME": str(self.path),
        }
        command = [shutil.which("git"), "-c", "core.autocrlf=false", *words]
        subprocess.run(
            command, cwd=folder, env=env, input=data and data.encode(), check=True
        )

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a line of a file in the package of work/."""
        path = self.package / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def build_house(place: Path) -> House:
    """Copy the workbook as somebody has just cloned it, without its history."""
    path = place / "Übung eins ☕"
    for name in ("steps", "tests", "workbook"):
        ignored = shutil.ignore_patterns("__pycache__", ".env", "instance", "proof")
        shutil.copytree(ROOT / name, path / name, ignore=ignored)
    for name in ("pyproject.toml", "constraints.txt"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, path)
    return House(path)


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house for tests whose commands change nothing in it."""
    return build_house(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def lot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the houses of this process stand, one after the other: pytest need not
    compile the suites again, which it keeps by their path.
    """
    return tmp_path_factory.mktemp("lot")


@pytest.fixture
def house(lot: Path) -> Iterator[House]:
    """A house for one test."""
    for left in lot.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
    found = build_house(lot)
    yield found
    for process in found.running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


@pytest.fixture
def read_until() -> Callable[[subprocess.Popen[str], str], str]:
    """Read what a command prints until a line holds these words."""

    def read(process: subprocess.Popen[str], words: str) -> str:
        seen = ""
        for line in process.stdout:
            seen += line
            if words in line:
                return seen
        raise AssertionError(f"it ended without saying {words!r}:\n{seen}")

    return read


@pytest.fixture
def interrupt() -> Callable[[subprocess.Popen[str]], tuple[int, str]]:
    """Press Ctrl-C: everything in the terminal's group gets it.

    Gives the status and the last words.
    """

    def press(process: subprocess.Popen[str]) -> tuple[int, str]:
        os.killpg(process.pid, signal.SIGINT)
        try:
            rest = process.communicate(timeout=PATIENCE / 4)[0]
        except subprocess.TimeoutExpired:
            # Flask's server says "Running on" before it listens for Ctrl-C: once in a
            # while the first one is lost, and people press again.
            os.killpg(process.pid, signal.SIGINT)
            rest = process.communicate(timeout=PATIENCE)[0]
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nobody of the group is left
        return process.returncode, rest

    return press


@pytest.fixture
def terminal(house: House) -> Callable[..., str]:
    """Run the command in a terminal this wide, press these keys at these words, and
    give what was on the screen.
    """

    def run(
        *words: str,
        columns: int = 80,
        keys: tuple[tuple[str, str], ...] = (),
        **env: str,
    ) -> str:
        main, other = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "workbook", *words],
            cwd=house.path,
            env={
                **house.env,
                "TERM": "xterm",
                "COLUMNS": str(columns),
                "LINES": "40",
                **env,
            },
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        waiting = list(keys)
        seen = b""
        since = 0
        while select.select([main], [], [], PATIENCE)[0]:
            try:
                seen += os.read(main, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if waiting and waiting[0][0].encode() in seen[since:]:
                since = len(seen)
                os.write(main, waiting.pop(0)[1].encode())
        process.wait(timeout=PATIENCE)
        os.close(main)
        assert not waiting, f"never saw {waiting[0][0]!r}: {seen.decode()}"
        return seen.decode()

    return run
