"""Lessons: read a step's chapter, LESSONS.md, and make the app after each lesson."""

import atexit
import hashlib
import os
import re
import shutil
import tempfile
import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workbook.common import WorkbookError, find_step, step_before, work_step
from workbook.git import git
from workbook.places import ROOT, STEPS, WORK, code_files
from workbook.progress import read_progress

CACHE = ROOT / ".lessons"  # may be deleted at any time: all of it can be made again
HEADING = re.compile(r"^## (\d+)\. (.+)$", re.MULTILINE)
ABOUT = re.compile(r"^\*(essential|hardening) · (\d+) minutes\*$", re.MULTILINE)
BLOCK = re.compile(
    r"^```(diff given|given|diff)\n(.*?)^```\n?", re.MULTILINE | re.DOTALL
)
PLACE = re.compile(r"(?P<step>.+)\.(?P<lesson>\d+)")
UNUSED_SECONDS = 24 * 60 * 60  # states that nobody used for so long are deleted
START = "-start"  # 05.3-start: what the work on lesson 3 begins with


@dataclass(frozen=True)
class Lesson:
    """One lesson of a step's chapter."""

    step: str  # such as 05_login
    number: int
    title: str
    essential: bool
    minutes: int
    task: str  # Markdown: the goal, the idea, what to build
    afterwards: str  # Markdown: what to try, what goes wrong
    given_files: tuple[str, ...]  # copied from the step as they are
    given: str  # a diff that `start` puts in place; may be empty
    diff: str  # what the learner writes

    @property
    def name(self) -> str:
        """Return its name, such as 05.3."""
        return f"{self.step[:2]}.{self.number}"

    @property
    def added(self) -> int:
        """Return how many lines a learner writes."""
        return len(re.findall(r"^\+(?!\+\+ )", self.diff, re.MULTILINE))

    @property
    def words(self) -> int:
        """Return how many words the idea has: what a learner reads to understand."""
        _, _, idea = self.task.partition("**The idea")
        return len(idea.partition("**Build")[0].split())


@dataclass(frozen=True)
class State:
    """The app after some lessons of a step: after none of them, or after the last."""

    step: str
    lesson: int  # how many lessons are done

    @property
    def name(self) -> str:
        """Return its name, such as 05.3; the step's number where all are done."""
        if self.lesson == len(lessons(self.step)):
            return self.step[:2]
        return f"{self.step[:2]}.{self.lesson}"


@dataclass(frozen=True)
class Place:
    """An app that commands can look at: a step, the app after a lesson, or work/."""

    step: str  # whose suites judge it
    lesson: int  # whose behaviours judge it, and those before; 0: the whole step's
    folder: Path
    is_start: bool = False  # what the work on that lesson begins with

    @property
    def is_step(self) -> bool:
        """Return whether this is one of the steps, as it is handed out."""
        return self.folder == ROOT / "steps" / self.step

    @property
    def position(self) -> tuple[str, int]:
        """Return the step, and the lesson that was done last in it."""
        if self.is_start:
            return self.step, self.lesson - 1
        return self.step, self.lesson or len(lessons(self.step))

    @property
    def name(self) -> str:
        """Return what `pytest --step` takes: 05 or 05.3."""
        return f"{self.step[:2]}.{self.lesson}" if self.lesson else self.step[:2]


def chapter_file(step: str) -> Path:
    """Return the file that holds a step's lessons."""
    return ROOT / "steps" / step / "LESSONS.md"


@cache
def lessons(step: str) -> tuple[Lesson, ...]:
    """Return a step's lessons. Raises WorkbookError if one cannot be read."""
    file = chapter_file(step)
    if not file.exists():
        return ()
    return read_chapter(step, file.read_text(encoding="utf-8"))


def read_chapter(step: str, text: str) -> tuple[Lesson, ...]:
    """Read the lessons in a chapter. Raises WorkbookError if one cannot be read."""
    headings = list(HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    found = []
    for heading, end in zip(headings, ends, strict=True):
        found.append(read_lesson(step, heading, text[heading.end() : end]))
    numbers = [lesson.number for lesson in found]
    if numbers != list(range(1, len(found) + 1)):
        raise WorkbookError(f"{step}/LESSONS.md: its lessons are numbered {numbers}.")
    return tuple(found)


def step_title(step: str) -> str:
    """Return what a step is about: the text of its chapter's heading."""
    first = chapter_file(step).read_text(encoding="utf-8").partition("\n")[0]
    return first.partition(": ")[2].strip()


def introduction(step: str) -> str:
    """Return what stands in a chapter before its first lesson, without the heading."""
    text = chapter_file(step).read_text(encoding="utf-8")
    first_lesson = HEADING.search(text)
    text = text[: first_lesson.start()] if first_lesson else text
    return text.partition("\n")[2].strip()


def read_lesson(step: str, heading: re.Match[str], body: str) -> Lesson:
    """Read the section below a heading."""
    number = int(heading[1])
    about = ABOUT.search(body)
    blocks = read_blocks(body, f"{step}/LESSONS.md, lesson {number}")
    if not about or "diff" not in blocks:
        raise WorkbookError(
            f"{step}/LESSONS.md, lesson {number}: a line such as "
            "*essential · 12 minutes* and a block that begins with ```diff are needed."
        )
    text = BLOCK.sub("", body[about.end() :])
    task, try_it, rest = text.partition("**Try it")
    return Lesson(
        step=step,
        number=number,
        title=heading[2].strip(),
        essential=about[1] == "essential",
        minutes=int(about[2]),
        task=task.strip(),
        afterwards=(try_it + rest).strip(),
        given_files=tuple(blocks.get("given", "").split()),
        given=blocks.get("diff given", ""),
        diff=blocks["diff"],
    )


def read_blocks(body: str, where: str) -> dict[str, str]:
    """Return the text of a lesson's blocks by their kind: given, diff given, diff.

    Raises WorkbookError if there are two of a kind: one of them would be lost.
    """
    blocks: dict[str, str] = {}
    for kind, text in BLOCK.findall(body):
        if kind in blocks:
            raise WorkbookError(
                f"{where}: there are two blocks that begin with ```{kind}. "
                "Make one block of them."
            )
        blocks[kind] = text
    return blocks


def find_lesson(word: str) -> Lesson:
    """Return the lesson called 05.3, 5.3, login.3 or 05_login.3.

    Raises WorkbookError if there is none.
    """
    place = PLACE.fullmatch(word)
    if not place:
        raise WorkbookError(
            f"{word} is not a lesson. A lesson is written like this: 05.3"
        )
    step = find_step(place["step"])
    number = int(place["lesson"])
    known = lessons(step)
    if not known:
        raise WorkbookError(f"Step {step} has no lessons: there is no {word}.")
    if not 1 <= number <= len(known):
        names = ", ".join(f"{lesson.name} {lesson.title}" for lesson in known)
        raise WorkbookError(f"There is no lesson {word}. There is: {names}.")
    return known[number - 1]


def is_lesson_name(word: str) -> bool:
    """Return whether a word is written as lessons are: 05.3, 05.3-start, login.3."""
    return PLACE.fullmatch(word.removesuffix(START)) is not None


def find_place(word: str) -> Place:
    """Return the app meant by a step's name, by a lesson's, or by `work`.

    Raises WorkbookError if there is none.
    """
    if is_lesson_name(word):
        lesson = find_lesson(word.removesuffix(START))
        if word.endswith(START):
            folder = start_folder(lesson)
        else:
            folder = state_folder(State(lesson.step, lesson.number))
        return Place(lesson.step, lesson.number, folder, word.endswith(START))
    if Path(word).name == WORK.name:
        return place_of_work()
    step = find_step(word, others=("work",))
    return Place(step, 0, ROOT / "steps" / step)


def place_of_work() -> Place:
    """Return work/ as a place: it is judged by the lesson that it is for.

    Raises WorkbookError if there is no work/, or no app in it.
    """
    step = work_step()
    number = read_progress(WORK).lesson
    return Place(step, number if number <= len(lessons(step)) else 0, WORK)


def behaviours_of(step: str) -> dict[int, list[str]]:
    """Return the tests of each lesson, from tests/STEP/lessons.toml."""
    file = ROOT / "tests" / step / "lessons.toml"
    if not file.exists():
        return {}
    tests = tomllib.loads(file.read_text(encoding="utf-8"))
    return {int(number): names for number, names in tests.items()}


def state_folder(state: State) -> Path:
    """Return the folder with the app after some lessons; makes it if need be.

    Raises WorkbookError if a diff of the chapter does not fit, with lesson and file.
    """
    if state.lesson == 0:
        return step_before(state.step)
    if state.name == state.step[:2]:
        return ROOT / "steps" / state.step
    lesson = lessons(state.step)[state.lesson - 1]
    return make_folder(lesson.name, start_folder(lesson), lesson, lesson.diff)


def start_folder(lesson: Lesson) -> Path:
    """Return the folder that the work on a lesson begins with: what is given is there.

    Raises WorkbookError if a diff of the chapter does not fit, with lesson and file.
    """
    before = state_folder(State(lesson.step, lesson.number - 1))
    if not lesson.given and not lesson.given_files:
        return before
    name = f"{lesson.name}-start"
    return make_folder(name, before, lesson, lesson.given, lesson.given_files)


def make_folder(
    name: str,
    before: Path,
    lesson: Lesson,
    diff: str,
    files: tuple[str, ...] = (),
) -> Path:
    """Make a folder in the cache: a copy of another one, changed by a diff."""
    folder = cache_folder(lesson.step) / name
    if folder.exists():
        return folder
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        draft = Path(temporary, name)
        copy_code(before, draft)
        for file in files:
            copy_one(ROOT / "steps" / lesson.step / file, draft / file)
        apply_diff(diff, draft, lesson)
        try:
            draft.rename(folder)
        except OSError:
            # Somebody else has made the same in the meantime; or nothing can be renamed
            # here, as on some mounted disks.
            if not folder.exists():
                shutil.copytree(draft, folder)
    return folder


def copy_code(source: Path, target: Path) -> None:
    """Copy the files that lessons build, with line ends as patches expect them."""
    target.mkdir(parents=True)
    for name, path in code_files(source).items():
        copy_one(path, target / name)


def copy_one(path: Path, copy: Path) -> None:
    """Copy one file; a checkout on Windows may have ended its lines with CR LF."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(path.read_bytes().replace(b"\r\n", b"\n"))


def apply_diff(diff: str, folder: Path, lesson: Lesson) -> None:
    """Change a folder by a diff: all of it or, with WorkbookError, nothing."""
    if not diff:
        return
    result = git("apply", "--whitespace=nowarn", "-", folder=folder, data=diff)
    if result.returncode != 0:
        reason = result.stderr.decode(errors="replace").strip()
        raise WorkbookError(
            f"Lesson {lesson.name} is stale: a diff in steps/{lesson.step}/LESSONS.md "
            f"does not apply. {reason}"
        )


def cache_folder(step: str) -> Path:
    """Return the folder for a step's states; another if chapter or steps change."""
    digest = hashlib.sha256(chapter_file(step).read_bytes())
    for folder in (step_before(step), ROOT / "steps" / step):
        for name, path in code_files(folder).items():
            digest.update(name.encode())
            digest.update(path.read_bytes())
    folder = CACHE / f"{step}-{digest.hexdigest()[:12]}"
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a checkout that cannot be written to
        folder = temporary_cache() / folder.name
        folder.mkdir(exist_ok=True)
    with suppress(OSError):  # likewise
        os.utime(folder)  # its time says when it was used last
    if is_new:
        delete_unused_states(step)
    return folder


def delete_unused_states(step: str) -> None:
    """Delete the states of a step that was changed since, if nobody uses them."""
    for folder in CACHE.glob(f"{step}-*"):
        with suppress(OSError):  # somebody else deletes it, too
            if time.time() - folder.stat().st_mtime > UNUSED_SECONDS:
                shutil.rmtree(folder)


@cache
def temporary_cache() -> Path:
    """Return a folder for states that is deleted when this process ends."""
    folder = tempfile.mkdtemp(prefix="workbook-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def all_lessons() -> list[Lesson]:
    """Return the lessons of every step, in their order."""
    found: list[Lesson] = []
    for step in STEPS:
        found += lessons(step)
    return found


def lessons_between(a: Place, b: Place) -> list[Lesson]:
    """Return the lessons that lead from one place to another; none lead back."""
    found = []
    for lesson in all_lessons():
        if a.position < (lesson.step, lesson.number) <= b.position:
            found.append(lesson)
    return found


def current_lesson() -> Lesson | None:
    """Return the lesson that work/ is for; None if it is not known, or there is none.

    Raises WorkbookError if there is no work/, or no app in it.
    """
    place = place_of_work()
    return lessons(place.step)[place.lesson - 1] if place.lesson else None


def next_lesson(lesson: Lesson) -> Lesson | None:
    """Return the lesson after this one, which may be the first of the next step."""
    known = lessons(lesson.step)
    if lesson.number < len(known):
        return known[lesson.number]
    following = STEPS[STEPS.index(lesson.step) + 1 :]
    first = lessons(following[0])[:1] if following else ()
    return first[0] if first else None


def behaviour_names(lesson: Lesson) -> list[str]:
    """Return a lesson's behaviours, such as 05_login::test_name, in their order."""
    tests = behaviours_of(lesson.step).get(lesson.number, [])
    return [f"{lesson.step}::{test}" for test in tests]


def later_behaviours(lesson: Lesson) -> list[str]:
    """Return the behaviours of the later lessons of a lesson's step."""
    names = []
    for other in lessons(lesson.step)[lesson.number :]:
        names += behaviour_names(other)
    return names


def first_open_lesson(step: str, failing: list[str]) -> Lesson:
    """Return the first lesson of a step with a behaviour that fails; else the last."""
    for lesson in lessons(step):
        if not set(behaviour_names(lesson)).isdisjoint(failing):
            return lesson
    return lessons(step)[-1]
