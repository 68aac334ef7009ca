"""Three-way merge of one file: carry a change into another version of it."""

import tempfile
from pathlib import Path

from workbook.git import git


class MergeConflictError(Exception):
    """The three versions of a file do not fit together."""


def read_or_none(path: Path) -> bytes | None:
    """Return what is in a file; None if there is no such file."""
    return path.read_bytes() if path.is_file() else None


def write_or_delete(path: Path, data: bytes | None) -> None:
    """Write a file; delete it if there is nothing to write."""
    if data is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def carry(
    present: bytes | None,
    before: bytes | None,
    after: bytes | None,
    leave_what_differs: bool = False,
) -> bytes | None:
    """Return the present version with the change from `before` to `after` in it.

    None stands for a file that is not there. Raises MergeConflictError if the change
    does not fit; with `leave_what_differs` these lines stay as they are instead.
    """
    if present == after or before == after:
        return present
    if present == before:
        return after
    if present is None or before is None or after is None:
        if leave_what_differs:
            return present
        raise MergeConflictError
    return merge_texts(present, before, after, leave_what_differs)


def merge_texts(
    present: bytes, before: bytes, after: bytes, leave_what_differs: bool = False
) -> bytes:
    """Merge three versions of a text. Raises MergeConflictError if they do not fit."""
    options = ["-p", "--ours"] if leave_what_differs else ["-p"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "present").write_bytes(present)
        (folder / "before").write_bytes(before)
        (folder / "after").write_bytes(after)
        names = ("present", "before", "after")
        result = git("merge-file", *options, *names, folder=folder)
    if result.returncode != 0:
        raise MergeConflictError
    return result.stdout
