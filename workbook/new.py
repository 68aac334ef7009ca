"""`new`: make a project of one's own from step 06."""

import argparse
import importlib.util
import keyword
import os
import re
import shlex
import sys
from pathlib import Path

from workbook.common import WorkbookError
from workbook.env_file import make_env_file
from workbook.git import has_git
from workbook.packages import read_pins
from workbook.places import ROOT
from workbook.recipes import read_names
from workbook.skeleton import Options, version, write_project
from workbook.vendor import make_repository, repository_above

NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_NAME = 40
MAX_TITLE = 60
# The folders and modules of a project, and packages that are not called as they are
# imported.
TAKEN = {
    "alembic",
    "app",
    "bs4",
    "deploy",
    "dotenv",
    "instance",
    "migrations",
    "pip",
    "setuptools",
    "test",
    "tests",
    "wsgi",
}


def new_command(options: argparse.Namespace) -> int:
    """Make a project, and say what to type next."""
    folder = Path(options.dir).absolute()
    name = options.name or name_from(folder)
    check_name(name, given=bool(options.name))
    title = options.title
    if title is None:
        title = name.replace("_", " ").capitalize()
    check_title(title)
    check_folder(folder)
    recipes = read_names(options.recipes)
    write_project(folder, Options(version(), name, title.strip(), recipes))
    make_env_file(folder)
    print(f"Made {folder}: the package {name}, its tests, and a key in .env.")
    for recipe in recipes:
        print(f"With the recipe {recipe}: docs/recipes/{recipe}.md explains it.")
    print(start_repository(folder))
    print(next_commands(options.dir))
    return 0


def name_from(folder: Path) -> str:
    """Return a package's name made of the folder's."""
    return re.sub(r"[^a-z0-9]+", "_", folder.name.lower()).strip("_")


def check_name(name: str, given: bool) -> None:
    """Raise WorkbookError if no package can have this name, or another one has it."""
    if not NAME.fullmatch(name) or len(name) > MAX_NAME or keyword.iskeyword(name):
        problem = (
            f"{name!r} is not a name for a Python package. Use small letters, digits "
            f"and underscores, a letter first, {MAX_NAME} characters at most"
        )
    elif is_taken(name):
        problem = f"There is a module called {name} already: it would hide this one"
    else:
        return
    if not given:
        problem = f"The package is called after the folder. {problem}"
    raise WorkbookError(f"{problem}. For example: --name my_site")


def is_taken(name: str) -> bool:
    """Return whether Python or a package that the project needs has this module."""
    packages = {package.replace("-", "_") for package in read_pins()}
    if name in TAKEN or name in sys.stdlib_module_names or name in packages:
        return True
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    # The folders of the workbook can be imported from here, and from nowhere else.
    return found is not None and found.origin is not None


def check_title(title: str) -> None:
    """Raise WorkbookError if a page cannot be called so."""
    if not any(character.isalnum() for character in title):
        raise WorkbookError("The title needs a letter or a digit: --title 'My site'")
    if len(title) > MAX_TITLE:
        raise WorkbookError(f"The title is longer than {MAX_TITLE} characters.")
    if not title.isprintable():
        raise WorkbookError("The title has a line break or another invisible sign.")


def check_folder(folder: Path) -> None:
    """Raise WorkbookError if a project cannot be made there."""
    if folder.resolve().is_relative_to(ROOT):
        raise WorkbookError(
            f"{folder} lies in the workbook. Choose a folder outside, such as "
            f"{ROOT.parent / 'my_site'}"
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise WorkbookError(
            f"{folder} is not empty, and nothing in it is overwritten. Choose a new "
            "folder. A project that is there already: python3 -m workbook update DIR"
        )
    if os.path.lexists(folder) and not folder.is_dir():
        raise WorkbookError(f"{folder} is a file. Choose a new folder.")


def start_repository(folder: Path) -> str:
    """Make the git repository if that is possible; return a sentence about it."""
    if not has_git():
        return (
            "git is not installed, so there is no repository, and `update` cannot "
            "bring later changes."
        )
    above = repository_above(folder)
    if above is not None:
        return (
            f"The folder lies in the repository {above}, so it got none of its own, "
            "and `update` cannot bring later changes."
        )
    make_repository(folder)
    return (
        "The first commit is on the branch main. The branch workbook is for `update`: "
        "leave it as it is."
    )


def next_commands(folder: str) -> str:
    """Return what to type next."""
    programs = Path(".venv", "Scripts" if os.name == "nt" else "bin")
    python = "python" if os.name == "nt" else "python3"
    install = (
        f"{python} -m venv .venv && {programs / 'pip'} install -q -c constraints.txt "
        "'.[test]'"
    )
    flask = programs / "flask"
    if os.name == "nt":
        install = install.replace("'", '"')
    return (
        "\nInstall and run it:\n"
        f"  cd {shlex.quote(folder)} && {install} && {flask} init-db && {flask} run\n"
        "\nTest it, in that folder:\n"
        f"  {programs / 'python'} -m pytest -q -n auto\n"
        "\nIts README.md says what to change where."
    )
