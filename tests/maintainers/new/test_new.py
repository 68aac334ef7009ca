"""`new` makes a project, or says in a sentence why not."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, render_template

from tests.support.harness import CONFIG, ROOT
from workbook import cli, new
from workbook.common import WorkbookError
from workbook.packages import normal_name, read_pins
from workbook.skeleton import OPTIONS_FILE

TITLES = [
    "My site",
    'Zoë\'s "Café"',
    "<script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} {# #}",
    "back\\slash & 'ampersand'",
    "李さんの店 ☕",
    "*bold* [link](https://evil.example) `code`",
]


def run_new(*words: str) -> int:
    """Run `new` in this process."""
    line = cli.make_command_line()
    return new.new_command(line.parser.parse_args(["new", *words]))


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_shown_as_it_was_given_and_never_run(
    new_project: Callable[..., Any], title: str
) -> None:
    """It stands in Python, in templates, in TOML and in Markdown: each has other signs
    that end a text, or begin a program.
    """
    owner = new_project("my_app", title)

    templates = owner.path / "my_app" / "templates"
    app = Flask("my_app", template_folder=templates)
    app.config.update(CONFIG)
    app.jinja_env.globals["site_name"] = title
    with app.test_request_context():
        page = BeautifulSoup(render_template("error.html", code=404), "html.parser")
    assert page.title.get_text() == f"Error 404 · {title}"
    assert page.find("script") is None
    options = tomllib.loads(owner.file(OPTIONS_FILE).read_text())
    project = tomllib.loads(owner.file("pyproject.toml").read_text())["project"]
    assert options["title"] == project["description"] == title
    texts = []
    for path in owner.file("my_app").glob("*.py"):
        tree = ast.parse(path.read_text())
        texts += [node.value for node in ast.walk(tree) if type(node) is ast.Constant]
    assert title in texts


def test_no_word_of_the_workbook_is_left_in_a_project(
    new_project: Callable[..., Any],
) -> None:
    """A stranger's name in one's own log, cookie or database."""
    owner = new_project("corner_shop", "The corner shop")
    may_speak_of_it = {"README.md", "DEPLOY.md", OPTIONS_FILE}

    found = []
    for path in owner.path.rglob("*"):
        name = path.relative_to(owner.path).as_posix()
        if not path.is_file() or name.startswith(".git/") or name in may_speak_of_it:
            continue
        assert "flask_login_tutorial" not in name
        words = r"workbook|flask_login_tutorial|\bsteps?\b|Suite \d"
        if re.search(words, path.read_text(), re.IGNORECASE):
            found.append(name)

    assert [name for name in found if not name.endswith("common_passwords.txt")] == []


def test_a_project_has_a_key_that_git_does_not_take(
    new_project: Callable[..., Any],
) -> None:
    """A key in a repository is everybody's key."""
    owner = new_project()
    other = owner.file(".env").read_text()

    assert re.search("^SECRET_KEY=[0-9a-f]{64}$", other, re.MULTILINE)
    assert stat.S_IMODE(owner.file(".env").stat().st_mode) == 0o600
    assert ".env" not in owner.git("ls-files").split()
    assert owner.git("status", "--porcelain") == ""
    assert owner.git("rev-parse", "main") == owner.git("rev-parse", "workbook")


def test_every_package_that_a_project_needs_is_pinned(
    new_project: Callable[..., Any],
) -> None:
    """A year from now the newest ones may not fit each other."""
    owner = new_project()
    project = tomllib.loads(owner.file("pyproject.toml").read_text())["project"]
    direct = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    lines = owner.file("constraints.txt").read_text().splitlines()[1:]

    assert all("==" in line for line in [*direct, *lines])
    pinned = {normal_name(line.partition("==")[0]) for line in [*direct, *lines]}
    missing = everything_needed(pinned) - pinned
    assert missing == set()
    assert pinned <= set(read_pins())


def everything_needed(names: set[str]) -> set[str]:
    """The packages that these need, as far as they are installed here."""
    needed = set()
    for name in names:
        try:
            requirements = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for requirement in requirements:
            if "extra ==" not in requirement and "python_version" not in requirement:
                word = re.match(r"[\w.-]+", requirement)[0]
                needed.add(normal_name(word))
    return needed


def test_the_command_makes_a_project_and_says_what_to_type_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line it is installed and runs, in another its tests do."""
    folder = tmp_path / "My Shop"

    assert run_new(str(folder)) == 0

    said = capsys.readouterr().out
    assert (folder / "my_shop" / "__init__.py").is_file()
    assert f"cd '{folder}' && python3 -m venv .venv && " in said
    assert ".venv/bin/flask init-db && .venv/bin/flask run\n" in said
    assert ".venv/bin/python -m pytest" in said
    readme = (folder / "README.md").read_text()
    assert readme.startswith("# My shop\n")
    assert len(readme.splitlines()) <= 50, "more than one screen"


def test_it_runs_without_any_package(tmp_path: Path) -> None:
    """One makes a project before one installs anything."""
    command = [sys.executable, "-S", "-m", "workbook", "new", str(tmp_path / "shop")]

    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "shop" / ".git").is_dir()


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    """What is in it is somebody's."""
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(WorkbookError, match="not empty"):
        run_new(str(tmp_path), "--name", "shop")

    assert os.listdir(tmp_path) == ["mine.txt"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Nor is it overwritten."""
    (tmp_path / "shop").write_text("mine")

    with pytest.raises(WorkbookError, match="is a file"):
        run_new(str(tmp_path / "shop"))


def test_the_workbook_itself_is_no_place_for_a_project() -> None:
    """Its own repository would take the project's files for its own."""
    with pytest.raises(WorkbookError, match="lies in the workbook"):
        run_new(str(ROOT / "my_site"))

    assert not (ROOT / "my_site").exists()


@pytest.mark.parametrize(
    "name",
    ["my-app", "1app", "My", "class", "a b", "café", "_x", "x" * 41, "../x", "a.b"],
)
def test_a_name_that_no_package_can_have_is_refused(tmp_path: Path, name: str) -> None:
    """The project could not be imported."""
    with pytest.raises(WorkbookError, match="not a name for a Python package"):
        run_new(str(tmp_path / "shop"), "--name", name)

    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize(
    "name", ["flask", "test", "tests", "flask_login", "email", "wsgi", "bs4", "limits"]
)
def test_a_name_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    """It would hide the module of that name, from Flask itself, too."""
    with pytest.raises(WorkbookError, match="already"):
        run_new(str(tmp_path / "shop"), "--name", name)

    assert not (tmp_path / "shop").exists()


def test_a_folder_whose_name_is_no_package_asks_for_a_name(tmp_path: Path) -> None:
    """The message says where the name comes from."""
    with pytest.raises(WorkbookError, match=r"after the folder.*--name"):
        run_new(str(tmp_path / "2026"))


@pytest.mark.parametrize("title", ["", "  ", "!?", "a\nb", "a\x1b[2J", "x" * 61])
def test_a_title_that_cannot_be_shown_is_refused(tmp_path: Path, title: str) -> None:
    """It stands on every page, and in the terminal."""
    with pytest.raises(WorkbookError, match="title"):
        run_new(str(tmp_path / "shop"), "--title", title)

    assert not (tmp_path / "shop").exists()


def test_without_git_there_is_a_project_and_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not everybody has it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert run_new(str(tmp_path / "shop")) == 0

    assert "git is not installed" in capsys.readouterr().out
    assert (tmp_path / "shop" / "wsgi.py").is_file()


def test_inside_another_repository_there_is_no_second_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """git would take the inner one for a single entry, and lose what is in it."""
    subprocess.run([shutil.which("git"), "init", "-q", tmp_path], check=True)

    assert run_new(str(tmp_path / "shop")) == 0

    assert f"lies in the repository {tmp_path}" in capsys.readouterr().out
    assert not (tmp_path / "shop" / ".git").exists()
