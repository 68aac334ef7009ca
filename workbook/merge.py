"""Three-way merge of one file: carry a change into another version of it."""

import tempfile
from pathlib import Path

from workbook.git import git


class MergeConflictError(Exception):
    """The three versions of a file do not fit together."""


def read_or_none(path: Path) -> bytes | None:
    """Return what is in a file; None if there is no such file."""
    return path.read_bytes() if path.is_file() else None


def carry(
    present: bytes | None, before: bytes | None, after: bytes | None
) -> bytes | None:
    """Return the present version with the change from `before` to `after` in it.

    None stands for a file that is not there. Raises MergeConflictError if the change
    does not fit.
    """
    if present == after or before == after:
        return present
    if present == before:
        return after
    if present is None or before is None or after is None:
        raise MergeConflictError
    return merge_texts(present, before, after)


def merge_texts(present: bytes, before: bytes, after: bytes) -> bytes:
    """Merge three versions of a text. Raises MergeConflictError if they do not fit."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "present").write_bytes(present)
        (folder / "before").write_bytes(before)
        (folder / "after").write_bytes(after)
        result = git("merge-file", "-p", "present", "before", "after", folder=folder)
    if result.returncode != 0:
        raise MergeConflictError
    return result.stdout
