"""The states of a step as folders, and back: write the diffs of a chapter from folders.

The folders are called 0 (the step before), and for each lesson N: N, the app after it,
and N-start, what the work on it begins with, if anything is given.
"""

import re
import tempfile
from pathlib import Path

from workbook.git import git
from workbook.lessons import BLOCK, HEADING, Lesson, apply_diff, copy_code, copy_one

INDEX_LINES = re.compile(
    r"^(diff --git|index|(new|deleted) file mode) .*\n", re.MULTILINE
)


def make_states(
    chapter: tuple[Lesson, ...], before: Path, goal: Path, folder: Path
) -> None:
    """Make the folder of every state, from the step before and the chapter's diffs.

    Files that are given as they are come from the step, `goal`. Raises WorkbookError,
    with lesson and file, if a diff does not apply.
    """
    copy_code(before, folder / "0")
    for lesson in chapter:
        state = folder / str(lesson.number - 1)
        if lesson.given or lesson.given_files:
            start = folder / f"{lesson.number}-start"
            copy_code(state, start)
            for file in lesson.given_files:
                copy_one(goal / file, start / file)
            apply_diff(lesson.given, start, lesson)
            state = start
        after = folder / str(lesson.number)
        copy_code(state, after)
        apply_diff(lesson.diff, after, lesson)


def chapter_with_diffs(text: str, folder: Path) -> str:
    """Return a chapter with its diffs as they follow from the folders."""
    headings = list(HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    parts = [text[: headings[0].start()]]
    for heading, end in zip(headings, ends, strict=True):
        body = text[heading.end() : end]
        parts.append(heading[0] + with_diffs(body, int(heading[1]), folder))
    return "".join(parts)


def with_diffs(body: str, number: int, folder: Path) -> str:
    """Return a lesson's section with its diffs as they follow from the folders."""
    before = folder / str(number - 1)
    start = folder / f"{number}-start"
    after = folder / str(number)
    listed = [block[2] for block in BLOCK.finditer(body) if block[1] == "given"]
    blocks = []
    if listed:
        blocks.append(f"```given\n{listed[0]}```\n")
    if start.exists():
        given = difference(before, start, left_out=" ".join(listed).split())
        if given:
            blocks.append(f"```diff given\n{given}```\n")
    else:
        start = before
    blocks.append(f"```diff\n{difference(start, after)}```\n")
    text, after_text = around_the_blocks(body)
    return text.rstrip() + "\n\n" + "\n".join(blocks) + "\n" + after_text.lstrip()


def around_the_blocks(body: str) -> tuple[str, str]:
    """Return the text before a section's diffs, and the text after them.

    A section that has none yet gets them before **Try it**.
    """
    parts = BLOCK.split(body)
    if len(parts) > 1:
        return parts[0], parts[-1]
    text, found, rest = body.partition("**Try it")
    return text, found + rest


def difference(before: Path, after: Path, left_out: list[str] | None = None) -> str:
    """Return the diff from one folder to another, without git's own lines in it."""
    left_out = left_out or []
    with tempfile.TemporaryDirectory() as temporary:
        for name, source in (("a", before), ("b", after)):
            copy_code(source, Path(temporary, name))
            for file in left_out:
                Path(temporary, name, file).unlink(missing_ok=True)
        result = git(
            "diff", "--no-index", "--no-prefix", "--no-renames", "a", "b",
            folder=Path(temporary),
        )  # fmt: skip
    return INDEX_LINES.sub("", result.stdout.decode())
