"""`list --all`: who in a room needs the teacher now.

It reads the notes that `check` leaves, and runs nobody's code.
"""

import argparse
import glob
import json
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbook.common import CLEAR_SCREEN, RED, behaviour_title, paint
from workbook.lessons import Lesson, behaviour_names, later_behaviours, lessons
from workbook.places import PROGRESS_FILE, STEPS, WORK
from workbook.progress import Progress, load_progress, minutes_since

WIDTH = 80
NAME_WIDTH = 18
SECONDS_BETWEEN = 3  # two looks of --watch
LONG = 15  # minutes without progress: somebody to visit
MOST_COMMON = 5
DEEPEST_HINT = 3
HEADING = (
    f"  {'participant':{NAME_WIDTH}} lesson  built  hint  check  stuck  fails first"
)
LEGEND = (
    "built: behaviours of the lesson that they have made pass. hint: how deep, of 3. "
    "check: since the last one. stuck: since one more behaviour passed. !: the app "
    "does not start."
)
DONE = "done: all of it holds"
NO_START = "the app does not start"


@dataclass
class Participant:
    """One person of the room, as the notes describe it."""

    name: str
    path: str
    problem: str = ""  # why nothing else is known; then all that follows is empty
    step: str = ""
    lesson: str = ""  # such as 05.3; empty if it is not known
    title: str = ""  # the lesson's
    built: int = 0
    to_build: int = 0  # behaviours of the lesson that did not hold when it began
    failing: list[str] = field(default_factory=list)  # of the lesson, or broken
    hint: int = 0
    app_starts: bool = True
    checked_at: str = ""
    progressed_at: str = ""
    minutes_since_check: int | None = None
    minutes_stuck: int | None = None

    @property
    def is_done(self) -> bool:
        """Return whether the lesson holds, and none follows that it could go on to."""
        return bool(self.lesson) and self.app_starts and not self.failing

    @property
    def rank(self) -> tuple[int, int, str]:
        """Return what the rows are sorted by: who is stuck longest comes first."""
        stuck = -1 if self.minutes_stuck is None else self.minutes_stuck
        group = 0
        if self.problem:
            group = 2
        elif self.is_done:
            group = 1
        return group, -stuck, self.name


def list_room(options: argparse.Namespace) -> int:
    """Print the room, once or again and again until Ctrl-C."""
    show: Callable[[list[Participant]], None] = print_room
    if options.json:
        show = print_json
    if not options.watch:
        show(read_room(options.all))
        return 0
    while True:
        room = read_room(options.all)
        if sys.stdout.isatty():
            print(CLEAR_SCREEN, end="")
        show(room)
        sys.stdout.flush()
        time.sleep(SECONDS_BETWEEN)


def read_room(words: list[str]) -> list[Participant]:
    """Return the people that these folders and files are of; who is stuck comes first.

    A word may be somebody's workbook, their work/, their notes, or a folder with those
    of many; `*` means what it means in a shell.
    """
    paths: list[Path] = []
    for word in words:
        paths += find_people(word)
    paths = list(dict.fromkeys(paths))
    names = distinct_names(paths)
    room = []
    for path, name in zip(paths, names, strict=True):
        room.append(read_participant(path, name))
    return sorted(room, key=lambda participant: participant.rank)


def find_people(word: str) -> list[Path]:
    """Return a path for each person that a word of the command line means."""
    if glob.has_magic(word) and not Path(word).exists():
        # PowerShell and cmd hand the * on as it is.
        found = [Path(name) for name in sorted(glob.glob(word))]
        return found or [Path(word)]
    folder = Path(word)
    if not folder.is_dir() or find_notes(folder) or (folder / "workbook").is_dir():
        return [folder]
    inside = sorted(path for path in folder.iterdir() if find_notes(path))
    if not inside:
        return [folder]
    # Those beside them have not begun yet.
    others = [path for path in folder.iterdir() if (path / "workbook").is_dir()]
    return sorted({*inside, *others})


def find_notes(path: Path) -> Path | None:
    """Return the file with somebody's notes; None if there is none."""
    if path.suffix == ".json":
        return path if path.is_file() else None
    # The last is the folder that `pack` has made.
    for folder in (path / WORK.name, path, path / "workbook" / WORK.name):
        file = folder / PROGRESS_FILE
        if file.exists():
            return file
    return None


def distinct_names(paths: list[Path]) -> list[str]:
    """Return a name for each path: as short as possible, and no two alike."""
    names = [name_of(path, 1) for path in paths]
    for depth in range(2, 10):
        counts = Counter(names)
        if max(counts.values(), default=1) == 1:
            break
        for number, path in enumerate(paths):
            if counts[names[number]] > 1:
                names[number] = name_of(path, depth)
    return names


def name_of(path: Path, depth: int) -> str:
    """Return the last parts of a path, without those that all have in common."""
    parts = list(path.absolute().parts)
    while len(parts) > 1 and parts[-1] in (WORK.name, PROGRESS_FILE):
        parts.pop()
    last = parts[-1].removesuffix(".json").removesuffix(".workbook")
    return printable("/".join([*parts[-depth:-1], last]))


def printable(text: str) -> str:
    """Return a text without what could move the cursor of a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def read_participant(path: Path, name: str) -> Participant:
    """Return what somebody's notes say, or why they say nothing."""
    participant = Participant(name, str(path))
    file = find_notes(path)
    if not path.exists():
        participant.problem = "there is no such folder"
    elif file is None:
        participant.problem = "has not begun: there are no notes"
    else:
        try:
            fill_in(participant, load_progress(file))
        except ValueError:
            participant.problem = "the notes are damaged"
        except OSError as error:
            participant.problem = f"the notes cannot be read: {error.strerror}"
    return participant


def fill_in(participant: Participant, progress: Progress) -> None:
    """Fill in what the notes say."""
    if progress.step not in STEPS:
        participant.problem = "the notes name no step"
        return
    participant.step = progress.step
    participant.app_starts = progress.app_starts
    participant.checked_at = progress.checked_at
    participant.progressed_at = progress.progressed_at
    participant.minutes_since_check = minutes_since(progress.checked_at)
    participant.minutes_stuck = minutes_since(progress.progressed_at)
    known = lessons(progress.step)
    if 1 <= progress.lesson <= len(known):
        fill_in_lesson(participant, progress, known[progress.lesson - 1])


def fill_in_lesson(
    participant: Participant, progress: Progress, lesson: Lesson
) -> None:
    """Fill in what the notes say about the current lesson."""
    own = behaviour_names(lesson)
    failing = progress.failing or []
    later = set(later_behaviours(lesson))
    broken = [name for name in failing if name not in later and name not in own]
    inherited = progress.started_with.get(lesson.name, [])
    to_build = [name for name in own if name not in inherited]
    participant.lesson = lesson.name
    participant.title = lesson.title
    participant.to_build = len(to_build)
    if progress.failing is not None:
        built = [name for name in to_build if name not in failing]
        participant.built = len(built)
        participant.failing = [name for name in own if name in failing] + broken
    else:
        participant.failing = to_build
    levels = [progress.hints.get(name, 0) for name in participant.failing]
    participant.hint = min(DEEPEST_HINT, max(levels, default=0))


def print_room(room: list[Participant]) -> None:
    """Print a row for each person, and what most are stuck on; 80 columns wide."""
    print(paint(HEADING, "1"))
    for participant in room:
        print(row(participant))
    print_common(room)
    print()
    print(textwrap.fill(LEGEND, WIDTH))


def row(participant: Participant) -> str:
    """Return somebody's row."""
    name = shorten(participant.name, NAME_WIDTH)
    if participant.problem:
        return paint(f"? {name:{NAME_WIDTH}} {participant.problem}"[:WIDTH], "2")
    sign = " " if participant.app_starts else "!"
    lesson = participant.lesson or participant.step[:2]
    built = "-"
    if participant.to_build:
        built = f"{participant.built}/{participant.to_build}"
    hint = participant.hint or "-"
    checked = duration(participant.minutes_since_check)
    stuck = "" if participant.is_done else duration(participant.minutes_stuck)
    text = (
        f"{sign} {name:{NAME_WIDTH}} {lesson:6} {built:>6} {hint:>5} "
        f"{checked:>6} {stuck:>6}  "
    )
    line = text + shorten_end(what_fails(participant), WIDTH - len(text))
    is_long = (participant.minutes_stuck or 0) >= LONG
    if not participant.is_done and (is_long or not participant.app_starts):
        return paint(line, RED)
    return line


def what_fails(participant: Participant) -> str:
    """Return what fails first, in words."""
    if not participant.app_starts:
        return NO_START
    if participant.failing:
        return printable(behaviour_title(participant.failing[0]))
    return DONE if participant.is_done else "which lesson? has not checked"


def duration(minutes: int | None) -> str:
    """Return some minutes, or the hours or days that they are."""
    if minutes is None:
        return "-"
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} d"


def shorten(text: str, width: int) -> str:
    """Return a text of at most this width; its ends stay, because names begin alike."""
    if len(text) <= width:
        return text
    tail = width // 2
    return f"{text[: width - tail - 1]}…{text[-tail:]}"


def shorten_end(text: str, width: int) -> str:
    """Return a text of at most this width; its end is cut."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def count_common(room: list[Participant]) -> list[tuple[str, int]]:
    """Return the behaviours that fail first for most people, and for how many."""
    counts: Counter[str] = Counter()
    for participant in room:
        if participant.failing and participant.app_starts:
            counts[participant.failing[0]] += 1
    return counts.most_common(MOST_COMMON)


def print_common(room: list[Participant]) -> None:
    """Print what most people are stuck on."""
    common = count_common(room)
    if not common:
        return
    print(paint("\nMost are stuck on", "1"))
    for name, count in common:
        line = f"{count:3}  {name[:2]}: {printable(behaviour_title(name))}"
        print(textwrap.fill(line, WIDTH, subsequent_indent=" " * 9))


def print_json(room: list[Participant]) -> None:
    """Print the same for other programs: one line of JSON."""
    people = [asdict(participant) for participant in room]
    common = [{"behaviour": name, "people": n} for name, n in count_common(room)]
    print(json.dumps({"participants": people, "stuck_on": common}))
