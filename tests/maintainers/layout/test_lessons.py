"""The rules of lessons: a chapter builds its step, in pieces that a learner can do."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.support.harness import Step, close, init_db
from tests.support.messages import behaviour_of
from tests.support.suites import SuiteRunner, suites
from workbook.compare import compare
from workbook.hints import behaviours, find_behaviours
from workbook.lessons import (
    Lesson,
    State,
    all_lessons,
    apply_diff,
    behaviour_names,
    chapter_file,
    copy_code,
    find_lesson,
    introduction,
    later_behaviours,
    lessons,
    start_folder,
    state_folder,
    step_title,
)
from workbook.patches import all_mistakes
from workbook.places import ROOT, STEPS, code_files

MOST_LINES = 60
MOST_BEHAVIOURS = 10
MOST_WORDS = 200
MOST_MINUTES = 15
MOST_TYPED = 60  # characters of code within a paragraph
WORKSHOP = 150  # minutes, for the essential lessons of all steps
CHAPTERS = [step for step in STEPS if lessons(step)]
ALL = all_lessons()
# The state after a step's last lesson is the step, which has the suites' own runs.
BEFORE_THE_LAST = [
    lesson for lesson in ALL if lesson.number < len(lessons(lesson.step))
]


def name_of(lesson: Lesson) -> str:
    """Return what a lesson's test is called."""
    return lesson.name


@pytest.fixture(scope="session")
def runner() -> Iterator[SuiteRunner]:
    """What runs suites, each in a process of its own."""
    with SuiteRunner(warm=True) as runner:
        yield runner


def files(folder: Path) -> dict[str, bytes]:
    """Return the app in a folder, its lines ended as in the repository."""
    found = {}
    for name, path in code_files(folder).items():
        found[name] = path.read_bytes().replace(b"\r\n", b"\n")
    return found


@pytest.mark.parametrize("step", CHAPTERS)
def test_the_diffs_of_a_chapter_end_in_its_step(step: str, tmp_path: Path) -> None:
    """Who types along has the step at the end, to the byte."""
    last = lessons(step)[-1]
    made = tmp_path / "made"
    copy_code(start_folder(last), made)

    apply_diff(last.diff, made, last)

    assert files(made) == files(ROOT / "steps" / step)


@pytest.mark.parametrize("lesson", ALL, ids=name_of)
def test_the_app_starts_after_each_lesson(lesson: Lesson) -> None:
    """Every lesson ends with something that one can run, and look at."""
    folder = state_folder(State(lesson.step, lesson.number))
    step = Step(int(lesson.step[:2]), folder)

    app = step.create_app()
    if step.number > 1:
        init_db(app)

    assert app.test_client().get("/", base_url="https://workbook.example").status_code
    close(app)


@pytest.mark.parametrize("lesson", BEFORE_THE_LAST, ids=name_of)
def test_a_lesson_turns_its_own_behaviours_green(
    lesson: Lesson, runner: SuiteRunner
) -> None:
    """After it, its own hold and those of all before; those of the next still fail."""
    following = lessons(lesson.step)[lesson.number]
    later = {*later_behaviours(lesson)}
    # What belongs to a lesson after the next one may pass or fail.
    chosen = []
    for each in lessons(lesson.step)[: following.number]:
        chosen += behaviour_names(each)
    # The earlier suites take longest: where most is new, and at a workshop's end.
    # `python3 -m maintenance.lessons verify` runs them after every lesson.
    if lesson.number == 1 or lesson.essential != following.essential:
        chosen += suites(lesson.step)[:-1]
    folder = state_folder(State(lesson.step, lesson.number))

    outcomes = runner.judge(lesson.step, folder, chosen)
    failed = {behaviour_of(test) if "::" in test else test for test in outcomes.failed}
    passed = {behaviour_of(test) for test in outcomes.passed} - failed

    assert failed <= later, f"these have to hold after {lesson.name}"
    assert passed >= {*behaviour_names(lesson)}
    assert passed.isdisjoint(behaviour_names(following)), (
        f"{following.name} asks for what holds after {lesson.name} already: run "
        f"python3 -m maintenance.lessons judge {lesson.step[:2]}"
    )


@pytest.mark.parametrize("step", CHAPTERS)
def test_each_behaviour_belongs_to_one_lesson(step: str) -> None:
    """A behaviour without a lesson is never asked for; one with two, twice."""
    listed = []
    for lesson in lessons(step):
        listed += behaviour_names(lesson)

    suite = [name for name in behaviours(step) if name.startswith(f"{step}::")]
    assert sorted(listed) == sorted(suite)


@pytest.mark.parametrize("lesson", ALL, ids=name_of)
def test_a_lesson_is_short(lesson: Lesson) -> None:
    """Fifteen minutes; a first lesson, without which nothing starts, may ask for more
    behaviours.
    """
    assert 0 < lesson.added <= MOST_LINES
    assert lesson.number == 1 or 0 < len(behaviour_names(lesson)) <= MOST_BEHAVIOURS
    assert 0 < lesson.words <= MOST_WORDS
    assert lesson.minutes <= MOST_MINUTES


def test_most_lessons_are_shorter_still() -> None:
    """The limits are for the odd one."""
    later = [lesson for lesson in ALL if lesson.number > 1]

    assert median(lesson.added for lesson in ALL) <= 35
    assert median(len(behaviour_names(lesson)) for lesson in later) <= 5


def test_the_essential_lessons_are_a_workshop() -> None:
    """Three hours with breaks; what is essential comes first in each step."""
    essential = [lesson for lesson in ALL if lesson.essential]

    assert sum(lesson.minutes for lesson in essential) <= WORKSHOP
    for step in CHAPTERS:
        order = [lesson.essential for lesson in lessons(step)]
        assert order == sorted(order, reverse=True), step


@pytest.mark.parametrize("lesson", ALL, ids=name_of)
def test_a_lesson_has_all_its_parts(lesson: Lesson) -> None:
    """Goal, idea with a link, what to build, what to try, what goes wrong."""
    assert lesson.task.startswith("**Goal")
    assert "**The idea: " in lesson.task
    assert re.search(r"\]\(https://", lesson.task), "no link to read on"
    assert "**Build" in lesson.task
    assert lesson.afterwards.startswith("**Try it")
    assert "**What goes wrong" in lesson.afterwards


@pytest.mark.parametrize("lesson", ALL, ids=name_of)
def test_what_is_to_be_typed_is_not_broken_into_lines(lesson: Lesson) -> None:
    """A terminal wraps a paragraph: what is long stands in a block of its own."""
    text = re.sub(r"^```.*?^```", "", lesson.afterwards, flags=re.MULTILINE | re.DOTALL)

    long = [code for code in re.findall(r"`([^`]+)`", text) if len(code) > MOST_TYPED]
    assert long == []


@pytest.mark.parametrize("step", CHAPTERS)
def test_a_chapter_says_where_one_is(step: str) -> None:
    """Its title, and what works at its end."""
    first_line = chapter_file(step).read_text(encoding="utf-8").partition("\n")[0]

    assert first_line.startswith(f"# Step {step[:2]}: ")
    assert step_title(step)
    assert len(introduction(step).split()) > 15


@pytest.mark.parametrize("step", CHAPTERS)
def test_a_chapter_names_mistakes_that_there_are(step: str) -> None:
    """`break` with a wrong name is a dead end."""
    known = {mistake.id for mistake in all_mistakes()}
    text = chapter_file(step).read_text(encoding="utf-8")

    named = set(re.findall(r"`(?:python3 -m workbook )?break ([a-z0-9-]+)", text))

    assert named <= known


def test_the_readme_shows_the_real_counts_of_a_lesson() -> None:
    """What it shows below a command is that command's output."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    a = state_folder(State("05_login", 1))
    b = state_folder(State("05_login", 2))

    for change in compare(a, b).changes:
        row = f"{change.name:46} +{change.added} -{change.removed}"
        assert row in readme


def test_the_readme_asks_for_a_behaviour_of_the_lesson_that_it_shows() -> None:
    """Whoever types what stands there gets an answer about that lesson."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lesson = re.search(r"^\$ python3 -m workbook start (\S+)", readme, re.MULTILINE)[1]
    word = re.search(r"^python3 -m workbook check (\w+)", readme, re.MULTILINE)[1]

    found = find_behaviours(word, behaviours(find_lesson(lesson).step))

    assert found
    assert set(found) <= set(behaviour_names(find_lesson(lesson)))


def test_the_readme_shows_how_many_tests_a_step_passes() -> None:
    """A learner compares the numbers, and looks for what went wrong."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "--step", "04"]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )

    found = re.search(r"(\d+)/\d+ tests collected \((\d+) des", result.stdout)
    assert found, result.stdout[-500:]
    assert f"{found[1]} passed, {found[2]} deselected" in readme
