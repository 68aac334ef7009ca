"""Recipes: the pages in docs/recipes, whose diffs `new --with` applies to a project."""

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from workbook.common import WorkbookError
from workbook.git import git
from workbook.merge import MergeConflictError, merge_texts
from workbook.places import ROOT

FOLDER = ROOT / "docs" / "recipes"
# In this order their changes of the tables follow one another.
NAMES = ("roles", "json", "delete-account", "reset")
BLOCK = re.compile(r"^```diff(?: given| tests)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OLD_FILE = re.compile(r"^--- a/(.+)$", re.MULTILINE)
NEW_FILE = re.compile(r"^\+\+\+ b/(.+)$", re.MULTILINE)
REVISIONS = "migrations/versions/"
REVISION = re.compile(r'^revision = "(.+)"$', re.MULTILINE)
REVISION_BEFORE = re.compile(r'^down_revision = "(.+)"$', re.MULTILINE)


def read_names(text: str) -> tuple[str, ...]:
    """Read names with commas between them; return each once, in the order of NAMES.

    Raises WorkbookError for a recipe that does not exist.
    """
    words = [word.strip() for word in text.split(",")]
    wanted = {word for word in words if word}
    check_names(wanted)
    return tuple(name for name in NAMES if name in wanted)


def check_names(names: Iterable[str]) -> None:
    """Raise WorkbookError if one of these is no recipe."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise WorkbookError(
            f"There is no recipe {', '.join(unknown)}. There are: {', '.join(NAMES)}. "
            "Several: --with roles,reset"
        )


def read_diff(name: str) -> str:
    """Return the diffs of a recipe's page as one."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return "".join(BLOCK.findall(text))


def add_recipes(files: dict[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the files of a project with these recipes in them.

    Each recipe is applied to the project as it is without any; what several of them
    change is merged. Raises WorkbookError if a recipe does not fit.
    """
    names = tuple(names)
    check_names(names)
    result = dict(files)
    followers: dict[str, str] = {}
    for name in names:
        for path, text in apply_recipe(files, name).items():
            if path.startswith(REVISIONS):
                text = insert_revision(result, text, followers)
            if result.get(path) != files.get(path):
                text = merge(path, result[path], files.get(path, ""), text)
            result[path] = text
    return result


def insert_revision(files: dict[str, str], text: str, followers: dict[str, str]) -> str:
    """Put a recipe's revision of the tables between two others; return its new text.

    It comes after the one that its page names, and after earlier recipes that follow
    the same one. `followers`: for each revision the recipe's one after it. Revisions of
    the project that are newer than the recipe come later, so that what has run on a
    database of an older project stays the beginning of the chain.
    """
    before = REVISION_BEFORE.search(text)[1]
    while before in followers:
        before = followers[before]
    own = REVISION.search(text)[1]
    followers[before] = own
    for path, other in files.items():
        if path.startswith(REVISIONS):
            files[path] = follow(other, before, own)
    return REVISION_BEFORE.sub(f'down_revision = "{before}"', text)


def follow(text: str, old: str, new: str) -> str:
    """Return a revision that follows the new one, if it followed the old one."""
    return text.replace(f'\ndown_revision = "{old}"\n', f'\ndown_revision = "{new}"\n')


def apply_recipe(files: dict[str, str], name: str) -> dict[str, str]:
    """Return the files that a recipe changes or adds, changed.

    Raises WorkbookError if its diffs do not apply.
    """
    diff = read_diff(name)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for path in OLD_FILE.findall(diff):
            write(folder / path, files.get(path, ""))
        result = git("apply", "--whitespace=nowarn", "-", folder=folder, data=diff)
        if result.returncode != 0:
            reason = result.stderr.decode(errors="replace").strip()
            raise WorkbookError(
                f"The recipe {name} is stale: a diff in docs/recipes/{name}.md does "
                f"not apply. {reason}"
            )
        changed = set(NEW_FILE.findall(diff))
        return {path: read(folder / path) for path in sorted(changed)}


def merge(path: str, ours: str, base: str, theirs: str) -> str:
    """Return a file with the changes of both; raises WorkbookError if they clash."""
    try:
        return merge_texts(ours.encode(), base.encode(), theirs.encode()).decode()
    except MergeConflictError:
        raise WorkbookError(f"Two recipes change the same lines of {path}.") from None


def write(path: Path, text: str) -> None:
    """Write a text with the line ends that it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def read(path: Path) -> str:
    """Read a text with the line ends that it has."""
    return path.read_bytes().decode()
