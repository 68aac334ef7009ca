"""Set the learner's files aside, bring them back, and copy a step's files."""

import errno
import os
import shutil
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from workbook.places import ROOT, WORK, lesson_files, shown


def copy_lesson(source: Path, target: Path) -> None:
    """Copy a step as it was handed out: no database, no key."""
    for name in lesson_files(source):
        copy_file(source, target, name)


def copy_file(source: Path, target: Path, name: str) -> None:
    """Copy one file of a step."""
    copy = target / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / name, copy)


def set_aside(names: list[str]) -> str:
    """Move files or folders of work/ to a new folder with today's date.

    Returns a sentence that says where they are. If they cannot all be moved, they all
    stay, and there is no new folder.
    """
    folder = free_dated_folder()
    move_all(WORK, folder, names)
    return kept_sentence(folder, names if len(names) == 1 else [])


def set_work_aside() -> str:
    """Give work/ a name with today's date; return a sentence that says which."""
    folder = free_dated_folder()
    try:
        os.rename(WORK, folder)
    except OSError:  # a disk is mounted there, as in a container: empty it instead
        move_all(WORK, folder, sorted(path.name for path in WORK.iterdir()))
    return kept_sentence(folder, [])


def kept_sentence(folder: Path, names: list[str]) -> str:
    """Return where something is kept, and how to bring it back."""
    return (
        f"Yours is kept: {shown(folder.joinpath(*names))}\n"
        f"To bring it back: python3 -m workbook restore {folder.name}"
    )


def free_dated_folder() -> Path:
    """Return the path of a folder with today's date that is not there yet."""
    date = time.strftime("work-%Y%m%d-%H%M%S")
    folder = ROOT / date
    for number in count(2):
        if not os.path.lexists(folder):
            break
        folder = ROOT / f"{date}-{number}"
    return folder


def move_all(source: Path, target: Path, names: list[str]) -> None:
    """Move files or folders to another folder: all of them or none.

    A plain rename where that is possible. It is not from one disk to another, nor of a
    folder where a disk is mounted: then they are copied, and deleted when all is there.
    """
    check_names_are_free(target, names)
    moved: list[str] = []
    try:
        for name in names:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            os.rename(source / name, target / name)
            moved.append(name)
    except OSError:
        for name in moved:
            os.rename(target / name, source / name)
        copy_and_delete(source, target, names)


def check_names_are_free(target: Path, names: list[str]) -> None:
    """Raise FileExistsError if the folder has one of these names already."""
    for name in names:
        if os.path.lexists(target / name):
            reason = os.strerror(errno.EEXIST)
            raise FileExistsError(errno.EEXIST, reason, str(target / name))


def copy_and_delete(source: Path, target: Path, names: list[str]) -> None:
    """Copy files or folders to another folder; delete them when all are copied.

    If they cannot all be copied, deletes the copies, which were not there before.
    """
    try:
        for name in names:
            copy_any(source / name, target / name)
    except OSError:
        for name in names:
            if os.path.lexists(target / name):
                delete_any(target / name)
        delete_empty_folders(target)
        raise
    for name in names:
        delete_any(source / name)


def delete_empty_folders(folder: Path) -> None:
    """Delete a folder if nothing is in it but empty folders, and those in it."""
    for top, _, _ in os.walk(folder, topdown=False):
        with suppress(OSError):  # it is not empty
            os.rmdir(top)


def copy_any(path: Path, copy: Path) -> None:
    """Copy a file, a link or a folder."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, copy, symlinks=True, ignore=special_files)
    elif path.is_symlink() or path.is_file():
        shutil.copy2(path, copy, follow_symlinks=False)


def special_files(folder: str, names: list[str]) -> list[str]:
    """Return the pipes and sockets among these: they hold nothing to copy."""
    special = []
    for name in names:
        path = Path(folder, name)
        if not (path.is_symlink() or path.is_dir() or path.is_file()):
            special.append(name)
    return special


def delete_any(path: Path) -> None:
    """Delete a file, a link or a folder; a folder that is mounted stays, empty."""
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            delete_any(child)
        try:
            path.rmdir()
        except OSError:
            if any(path.iterdir()):
                raise
    else:
        path.unlink()


def dated_folders() -> list[Path]:
    """Return what was set aside, the newest first."""
    folders = [path for path in ROOT.glob("work-*") if path.is_dir()]
    return sorted(folders, reverse=True)  # the name holds the date and the time
