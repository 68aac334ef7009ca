"""Change a recipe, or mend one that no longer fits: its page from a project, and back.

    python3 -m maintenance.recipes unpack reset DIR   a project with the recipe in it
    python3 -m maintenance.recipes pack reset DIR     its changes, as diffs in the page

DIR is a git repository: its commit is the project without the recipe, so `git diff`
shows the recipe. What does not fit any more lies beside its file in NAME.rej.
"""

import argparse
import re
import sys
from pathlib import Path

from workbook.common import WorkbookError
from workbook.env_file import make_env_file
from workbook.git import git
from workbook.places import PACKAGE
from workbook.recipes import BLOCK, FOLDER, NAMES, read_diff, write
from workbook.skeleton import plain_files
from workbook.vendor import git_or_fail, make_repository, run_git

# What a block holds, by the word after ```diff. The second one is the rest.
BLOCKS = {
    "": (f":(glob){PACKAGE}/**/*.py",),
    " given": (".", f":(exclude,glob){PACKAGE}/**/*.py", ":(exclude)tests"),
    " tests": ("tests",),
}
GIT_LINES = re.compile(r"^(diff --git|index|new file mode) .*\n", re.MULTILINE)


def unpack(name: str, folder: Path) -> None:
    """Make a project in a new folder, and put a recipe's changes into its files."""
    if folder.exists():
        raise WorkbookError(f"{folder} is there already.")
    for path, text in plain_files().items():
        write(folder / path, text)
    make_env_file(folder)
    make_repository(folder)
    words = ("apply", "--reject", "--whitespace=nowarn", "-")
    result = git(*words, folder=folder, data=read_diff(name))
    if result.returncode != 0:
        print(result.stderr.decode(errors="replace"), end="")
    print(f"{folder} has the recipe {name}. `git diff` there shows it.")


def pack(name: str, folder: Path) -> None:
    """Write the changes of a project into the blocks of a recipe's page."""
    rejected = [str(path) for path in folder.rglob("*.rej")]
    if rejected:
        raise WorkbookError(f"Mend and delete first: {', '.join(rejected)}")
    page = FOLDER / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    git_or_fail(folder, "add", "--all", "--intent-to-add")
    for word, paths in BLOCKS.items():
        # Not git_or_fail: it cuts off blanks, and a diff may end with an empty line.
        diff = run_git(folder, "diff", "--no-renames", "--", *paths).stdout
        block = f"```diff{word}\n{GIT_LINES.sub('', diff)}```"
        text = replace_block(text, word, block)
    page.write_text(text, encoding="utf-8", newline="\n")
    print(f"{page} has what {folder} has.")


def replace_block(text: str, word: str, new: str) -> str:
    """Put a block in place of the one with the same word."""
    for match in BLOCK.finditer(text):
        if match[0].startswith(f"```diff{word}\n"):
            return text[: match.start()] + new + text[match.end() :]
    raise WorkbookError(f"The page has no block ```diff{word}")


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["unpack", "pack"])
    parser.add_argument("recipe", choices=NAMES)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    command = {"unpack": unpack, "pack": pack}[options.command]
    try:
        command(options.recipe, options.folder.absolute())
    except WorkbookError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
