"""Compare two folders with git, and read git's answer into dataclasses."""

import re
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from workbook.common import WorkbookError, nearest
from workbook.git import check_git, environment
from workbook.places import ROOT, is_document, lesson_files

# The order of the lesson: settings, models, forms, views, pages. Git takes the first
# pattern that fits a file, or the folder it is in; files that fit none come last.
ORDER = """\
*/.env.example
*/wsgi.py
*/config.py
*/__init__.py
*/cookies.py
*/errors.py
*/database.py
*/models.py
*/passwords.py
*/commands.py
*/csrf.py
*/forms.py
*/sessions.py
*/network.py
*/rate_limits.py
*/auth.py
*/account.py
*/routes.py
*/headers.py
*.py
*/templates
*/static
*.md
"""
# Git finds the function around a change if it knows that the file is Python.
ATTRIBUTES = "*.py diff=python\n"

DATA = ("*/common_passwords.txt",)  # a reader never sees their lines

MOVED = "\x1b[2m"  # the colour, dim, that we tell git to give to lines that only moved
GIT_FOR_READERS = (
    *("-c", "color.diff.oldMoved=dim", "-c", "color.diff.newMoved=dim"),
    *("diff", "--color=always", "--color-moved=blocks"),
)
GIT_FOR_PIPES = ("diff", "--binary")

COLOUR = re.compile(r"\x1b\[[\d;]*m")
HUNK_HEADER = re.compile(r"@@ -(\d+)\S* \+(\d+)\S* @@ ?(.*)")
# Escape sequences in a file must not reach the terminal: ␛ for the code 27, and so on.
PICTURES = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}


@dataclass
class Line:
    """One line of a hunk, with its number before and after, where it has one."""

    sign: str  # "+", "-" or a blank
    text: str
    old: int | None
    new: int | None
    moved: bool = False
    ends_without_newline: bool = False

    @property
    def kind(self) -> str:
        """Return "added", "removed" or "moved"; nothing for a line that stayed."""
        if self.moved:
            return "moved"
        return {"+": "added", "-": "removed", " ": ""}[self.sign]


@dataclass
class Hunk:
    """Lines that changed and those around them."""

    function: str  # the first line of the function or class that the hunk is in
    next_old: int
    next_new: int
    lines: list[Line] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Return where the hunk begins."""
        number = self.lines[0].new or self.lines[0].old
        if self.function:
            return f"Line {number}, in {self.function}"
        return f"Line {number}"

    def add(self, sign: str, text: str, moved: bool) -> None:
        """Add the next line, and count it on the sides that have it."""
        line = Line(sign, text.expandtabs(4), None, None, moved)
        if sign != "+":
            line.old = self.next_old
            self.next_old += 1
        if sign != "-":
            line.new = self.next_new
            self.next_new += 1
        self.lines.append(line)


@dataclass
class FileChange:
    """What changed in one file."""

    name: str
    before: str = ""  # the whole text
    after: str = ""
    is_new: bool = False
    is_deleted: bool = False
    is_binary: bool = False
    hunks: list[Hunk] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return what the counts of lines do not say: "new", "deleted binary", ..."""
        is_empty = not self.hunks and not self.is_binary
        words = {
            "new": self.is_new,
            "deleted": self.is_deleted,
            "empty": is_empty,
            "binary": self.is_binary,
        }
        return " ".join(word for word, applies in words.items() if applies)

    @property
    def lines(self) -> list[Line]:
        """Return the lines of all hunks."""
        lines: list[Line] = []
        for hunk in self.hunks:
            lines += hunk.lines
        return lines

    @property
    def has_moved_lines(self) -> bool:
        """Return whether any line only moved."""
        return any(line.moved for line in self.lines)

    @property
    def added(self) -> int:
        """Return the number of added lines."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Return the number of removed lines."""
        return self._count("-")

    def begin_hunk(self, old: str, new: str, function: str) -> None:
        """Add a hunk from its header. Git knows the functions of Python alone."""
        if not self.name.endswith(".py"):
            function = ""
        self.hunks.append(Hunk(function.strip(), int(old), int(new)))

    def _count(self, sign: str) -> int:
        return [line.sign for line in self.lines].count(sign)


@dataclass
class Comparison:
    """What differs between two folders, in the order of the lesson."""

    changes: list[FileChange]
    left_out: list[str]  # names of files that differ and are not shown
    same: list[str]  # names of files that do not differ

    @property
    def has_moved_lines(self) -> bool:
        """Return whether any line only moved."""
        return any(change.has_moved_lines for change in self.changes)


def compare(a: Path, b: Path, path: str | None = None) -> Comparison:
    """Compare two folders, or one path in them, for a reader.

    Line ends and trailing blanks do not count.
    Raises WorkbookError if neither folder has the path, or if there is no git.
    """
    files_of_a, files_of_b = read_both(a, b)
    before = {name: clean(content) for name, content in files_of_a.items()}
    after = {name: clean(content) for name, content in files_of_b.items()}
    same: list[str] = []
    left_out: list[str] = []
    shown: list[str] = []
    for name in choose_names({*before, *after}, path):
        if before.get(name) == after.get(name):
            same.append(name)
        elif is_left_out(name, asked_for=path is not None):
            left_out.append(name)
        else:
            shown.append(name)
    output = compare_copies(GIT_FOR_READERS, before, after, shown)
    changes = parse(decode(output))
    for change in changes:
        change.before = decode(before.get(change.name, b""))
        change.after = decode(after.get(change.name, b""))
    return Comparison(changes, left_out, same)


def patch(a: Path, b: Path, path: str | None = None) -> bytes:
    """Return the exact difference of all files, as `git apply` takes it."""
    before, after = read_both(a, b)
    names = choose_names({*before, *after}, path)
    return compare_copies(GIT_FOR_PIPES, before, after, names)


def read_both(a: Path, b: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Read the files of two folders.

    Lessons build no documents, so those of a step are no difference from an app that
    has none.
    """
    before = read_files(a)
    after = read_files(b)
    if is_step(a) and not is_step(b):
        before = without_own_documents(before, after)
    if is_step(b) and not is_step(a):
        after = without_own_documents(after, before)
    return before, after


def without_own_documents(
    files: dict[str, bytes], others: dict[str, bytes]
) -> dict[str, bytes]:
    """Return these files without the documents that the other folder lacks."""
    kept = {}
    for name, content in files.items():
        if name in others or not is_document(name):
            kept[name] = content
    return kept


def is_step(folder: Path) -> bool:
    """Return whether a folder is a step as it is handed out, with its documents."""
    return folder.parent == ROOT / "steps"


def read_files(folder: Path) -> dict[str, bytes]:
    """Read the files of the lesson."""
    files = lesson_files(folder)
    return {name: file.read_bytes() for name, file in files.items()}


def clean(content: bytes) -> bytes:
    """Remove what a reader does not look for: line ends of Windows, trailing blanks."""
    if b"\0" in content[:8000]:  # what git calls a binary file
        return content
    lines = decode(content).split("\n")
    cleaned = [line.rstrip(" \t\r").translate(PICTURES) for line in lines]
    return "\n".join(cleaned).encode("utf-8", "surrogateescape")


def decode(content: bytes) -> str:
    """Return text that can be encoded back, even if it is not UTF-8."""
    return content.decode("utf-8", "surrogateescape")


def choose_names(names: set[str], path: str | None) -> list[str]:
    """Return the names that a path such as `auth.py` means; all of them without one."""
    if path is None:
        return sorted(names)
    wanted = Path(path).as_posix().removeprefix("work/")
    chosen = [name for name in sorted(names) if f"/{wanted}/" in f"/{name}/"]
    if not chosen:
        known = [Path(name).name for name in sorted(names)]
        suggestion = nearest(Path(path).name, known)
        raise WorkbookError(f"Neither side has {path}. {suggestion}")
    return chosen


def is_left_out(name: str, asked_for: bool = False) -> bool:
    """Return whether a reader sees the file's name only.

    Of a document the lines are shown if it is asked for by its name.
    """
    if any(fnmatch(name, pattern) for pattern in DATA):
        return True
    return is_document(name) and not asked_for


def compare_copies(
    words: tuple[str, ...],
    before: dict[str, bytes],
    after: dict[str, bytes],
    names: list[str],
) -> bytes:
    """Run git on copies of the named files, and return what it prints."""
    check_git()
    with TemporaryDirectory(prefix="workbook-") as temporary:
        folder = Path(temporary).resolve()
        write_files(folder / "a", before, names)
        write_files(folder / "b", after, names)
        (folder / "order").write_text(ORDER, encoding="utf-8")
        (folder / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
        settings = ["core.quotePath=false", f"core.attributesFile={folder}/attributes"]
        command = ["git", "-c", settings[0], "-c", settings[1], *words]
        command += ["--no-index", "--no-renames", "--histogram", f"-O{folder}/order"]
        command += ["--no-prefix", "a", "b"]  # the folders are called as the prefixes
        # The user's git settings are kept out, for one known output.
        variables = environment(
            GIT_CONFIG_NOSYSTEM="1",
            GIT_CEILING_DIRECTORIES=str(folder.parent),
            HOME=str(folder),
            XDG_CONFIG_HOME=str(folder),
        )
        result = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, check=False
        )
    # 0: nothing differs, 1: something differs. A Mac without git has a program of this
    # name that ends with 1 and says how to install git.
    if result.returncode > 1 or (result.stderr and not result.stdout):
        raise WorkbookError(f"git diff failed: {decode(result.stderr).strip()}")
    return result.stdout


def write_files(folder: Path, files: dict[str, bytes], names: list[str]) -> None:
    """Write those of the named files that there are."""
    folder.mkdir()
    for name in names:
        if name in files:
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(files[name])


def parse(output: str) -> list[FileChange]:
    """Read a coloured unified diff."""
    changes: list[FileChange] = []
    for coloured in output.split("\n")[:-1]:
        row = COLOUR.sub("", coloured)
        hunk_header = HUNK_HEADER.match(row)
        if row.startswith("diff --git "):
            changes.append(FileChange(name_in_header(row)))
        elif hunk_header:
            changes[-1].begin_hunk(*hunk_header.groups())
        elif not changes[-1].hunks:
            read_file_header(changes[-1], row)
        elif row.startswith("\\"):
            changes[-1].hunks[-1].lines[-1].ends_without_newline = True
        else:
            moved = coloured.startswith(MOVED)
            changes[-1].hunks[-1].add(row[0], row[1:], moved)
    return changes


def name_in_header(row: str) -> str:
    """Return the name in `diff --git a/NAME b/NAME`, two halves of the same length."""
    names = row.removeprefix("diff --git ")
    second = names[len(names) // 2 + 1 :]
    return second.strip('"')[len("b/") :]


def read_file_header(change: FileChange, row: str) -> None:
    """Read one of the rows between a file's name and its first hunk."""
    if row.startswith("new file"):
        change.is_new = True
    elif row.startswith("deleted file"):
        change.is_deleted = True
    elif row.startswith("Binary files"):
        change.is_binary = True
