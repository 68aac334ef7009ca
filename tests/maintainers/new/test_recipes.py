"""The recipes of docs/recipes: each fits a new project, alone and with the others.

Their own tests are part of their pages, and run with the project's suite.
"""

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from workbook import git, recipes
from workbook.cli import parse
from workbook.common import WorkbookError
from workbook.new import new_command
from workbook.recipes import FOLDER, NAMES, add_recipes, read_names
from workbook.update import read_options

PARTS = (
    "# ",
    "**Goal:**",
    "**The idea",
    "**Build:**",
    "```diff\n",
    "```diff given\n",
    "```diff tests\n",
    "**Try it:**",
    "**What goes wrong:**",
)
MAX_IDEA = 250  # words


def page(name: str) -> str:
    """Return the text of a recipe's page."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def test_every_page_is_a_recipe() -> None:
    """`new --with` must offer what the site shows."""
    assert {file.stem for file in FOLDER.glob("*.md")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_the_parts_of_a_lesson_in_their_order(name: str) -> None:
    """Who has read the lessons finds everything where it was there."""
    text = page(name)
    places = [text.find(part) for part in PARTS]

    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("name", NAMES)
def test_the_idea_is_read_in_two_minutes(name: str) -> None:
    """Longer than that, and it belongs into a notebook."""
    _, _, idea = page(name).partition("**The idea")

    assert len(idea.partition("**Build")[0].split()) <= MAX_IDEA


@pytest.mark.parametrize("name", NAMES)
def test_no_diff_ends_the_block_it_stands_in(name: str) -> None:
    """Three backticks after up to three blanks close a block of Markdown."""
    lines = page(name).splitlines()
    fences = [line.strip() for line in lines if re.match(" {0,3}```", line)]

    assert fences == ["```diff", "```", "```diff given", "```", "```diff tests", "```"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", [*combinations(NAMES, 2), NAMES], ids=lambda names: "+".join(names)
)
def test_recipes_apply_together(
    new_project: Callable[..., Any], names: tuple[str, ...]
) -> None:
    """Whichever two somebody wants: the code compiles, and one revision of the tables
    follows the other.
    """
    owner = new_project(recipes=names)

    said = owner.python("flask", "init-db")

    assert "The tables are ready" in said
    for path in owner.path.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), path, "exec")
    for name in names:
        tests = f"tests/test_{name.replace('-', '_')}.py"
        assert owner.file(tests).is_file()


def run_tests(owner: Any, *paths: str) -> None:
    """Run tests of a project; they have to pass."""
    owner.python("pytest", "-q", "-p", "no:cacheprovider", *paths)


@pytest.mark.slow
def test_the_whole_suite_passes_with_all_recipes(
    new_project: Callable[..., Any],
) -> None:
    """A recipe that breaks what was there before would be found by its reader."""
    run_tests(new_project("my_shop", recipes=NAMES))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_needs_no_other(new_project: Callable[..., Any], name: str) -> None:
    """Alone, its own tests pass, and those that look at every page. The rest of the
    suite has its turn with all recipes together.
    """
    owner = new_project("my_shop", recipes=(name,))
    tests = sorted(path.name for path in owner.path.glob("tests/test_*.py"))

    run_tests(owner, *(f"tests/{test}" for test in tests))


def test_the_package_is_renamed_in_the_recipes_too(
    new_project: Callable[..., Any],
) -> None:
    """An import of the workbook's package would work here, and nowhere else."""
    owner = new_project("my_shop", recipes=NAMES)

    left = [
        path.name
        for path in owner.path.rglob("*")
        if path.is_file() and b"flask_login_tutorial" in path.read_bytes()
    ]

    assert left == []


def test_update_knows_the_recipes_of_a_project(
    new_project: Callable[..., Any],
) -> None:
    """Otherwise it would take them out again."""
    owner = new_project(recipes=("roles", "json"))

    assert read_options(owner.path).recipes == ("roles", "json")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("reset", ("reset",)),
        ("reset, roles,", ("roles", "reset")),
        ("json,json", ("json",)),
    ],
)
def test_the_names_may_come_in_any_order(text: str, names: tuple[str, ...]) -> None:
    """The order of the revisions does not depend on what was typed."""
    assert read_names(text) == names


def test_new_refuses_a_recipe_that_does_not_exist(
    tmp_path: Path,
) -> None:
    """It says which there are, and makes nothing."""
    folder = tmp_path / "my_site"
    options = parse(["new", str(folder), "--with", "roles,rolls"])

    with pytest.raises(WorkbookError, match=r"no recipe rolls.*delete-account"):
        new_command(options)

    assert not folder.exists()


def test_without_git_a_sentence_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project can be made without git, a recipe cannot be applied."""
    monkeypatch.setattr(git.shutil, "which", lambda _program: None)
    folder = tmp_path / "my_site"
    options = parse(["new", str(folder), "--with", "roles"])

    with pytest.raises(WorkbookError, match=r"[Gg]it is not installed"):
        new_command(options)

    assert not folder.exists()


def add_page(folder: Path, name: str, old: str, new: str) -> None:
    """Write the page of a recipe that exchanges a line."""
    diff = f"--- a/note.txt\n+++ b/note.txt\n@@ -1,3 +1,3 @@\n a\n-{old}\n+{new}\n c\n"
    (folder / f"{name}.md").write_text(f"```diff\n{diff}```\n", encoding="utf-8")


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for pages of recipes, in place of ours."""
    monkeypatch.setattr(recipes, "FOLDER", tmp_path)
    return tmp_path


FILES = {
    "note.txt": "a\nb\nc\n",
    "migrations/versions/1.py": 'revision = "1"\ndown_revision = None\n',
}


def test_a_recipe_that_does_not_fit_names_its_page(pages: Path) -> None:
    """After a change of step 06, a maintainer has to know what to mend."""
    add_page(pages, "roles", "x", "y")

    with pytest.raises(WorkbookError, match=r"docs/recipes/roles\.md does not apply"):
        add_recipes(FILES, ["roles"])


def test_two_recipes_that_clash_are_refused(pages: Path) -> None:
    """Better no project than one with markers of a conflict in it."""
    add_page(pages, "roles", "b", "roles")
    add_page(pages, "reset", "b", "reset")

    with pytest.raises(WorkbookError, match=r"change the same lines of note\.txt"):
        add_recipes(FILES, ["roles", "reset"])


def revision(name: str, before: str) -> str:
    """Return the text of a revision."""
    return f'revision = "{name}"\ndown_revision = "{before}"\n'


def test_a_newer_revision_of_the_project_comes_after_those_of_the_recipes(
    pages: Path,
) -> None:
    """An older project has the recipe's on its database, and gets the newer one by
    `update`: what has run there must stay the beginning of the chain.
    """
    for name, before in {"roles": "1", "json": "2", "reset": "1"}.items():
        lines = revision(name, before).splitlines()
        added = "".join(f"+{line}\n" for line in lines)
        path = f"migrations/versions/{name}.py"
        diff = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,2 @@\n{added}"
        (pages / f"{name}.md").write_text(f"```diff\n{diff}```\n", encoding="utf-8")
    files = {**FILES, "migrations/versions/2.py": revision("2", "1")}

    result = add_recipes(files, ["roles", "json", "reset"])

    chain = {
        path.removeprefix("migrations/versions/").removesuffix(".py"): text.split('"')[
            3
        ]
        for path, text in result.items()
        if text.count('"') == 4
    }
    assert chain == {"roles": "1", "reset": "roles", "2": "reset", "json": "2"}
