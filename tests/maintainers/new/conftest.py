"""A project made by `new`, to change and to test as its owner would."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from workbook.env_file import make_env_file
from workbook.skeleton import Options, version, write_project
from workbook.vendor import make_repository

PATIENCE = 600  # seconds; only to end a test that hangs
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PYTEST_", "GIT_", "FLASK_"))
}


class Owner:
    """A project, and what its owner does in it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name

    def python(self, *words: str) -> str:
        """Run `python -m ...` in the project; return what it says."""
        return self.run(sys.executable, "-m", *words)

    def git(self, *words: str) -> str:
        """Run git in the project; return what it says."""
        owner = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        return self.run("git", *owner, *words)

    def run(self, *command: str) -> str:
        """Run a command that has to succeed."""
        result = subprocess.run(
            command,
            cwd=self.path,
            env={**CLEAN, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert result.returncode == 0, f"{command} failed:\n{result.stdout[-6000:]}"
        return result.stdout

    def file(self, name: str) -> Path:
        """Return a file of the project; `package/` stands for the package."""
        return self.path / name.replace("package/", f"{self.name}/")

    def write(self, name: str, text: str) -> None:
        """Write a new file, or a file anew."""
        self.file(name).write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Put a text in place of another one, which stands there once."""
        text = self.file(name).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} does not hold this once: {old}"
        self.file(name).write_text(text.replace(old, new), encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Put a text at the end of a file."""
        old = self.file(name).read_text(encoding="utf-8")
        self.file(name).write_text(f"{old}\n\n{text}", encoding="utf-8")


@pytest.fixture
def new_project(tmp_path: Path) -> Callable[..., Owner]:
    """Make a project, as `new` does."""

    def make(
        name: str = "my_app", title: str = "My app", recipes: tuple[str, ...] = ()
    ) -> Owner:
        path = tmp_path / "their project"
        write_project(path, Options(version(), name, title, recipes))
        make_env_file(path)
        make_repository(path)
        return Owner(path, name)

    return make
