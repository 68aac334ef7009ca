"""Lessons on the command line: begin one, check it, go on, and what can go wrong."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.messages import Problem
from workbook import given, lesson_check
from workbook.given import put_into_work
from workbook.lessons import State, copy_code, find_lesson, start_folder, state_folder
from workbook.places import PROGRESS_FILE
from workbook.progress import Progress, read_progress, write_progress
from workbook.runner import Outcome

RACE = "04_signup::test_eight_sign_ups_at_once_make_one_account"
SCREEN = 24  # lines of a small terminal
CLICK = "04_signup::test_a_second_click_on_the_button_is_no_second_sign_up"


def without_power() -> None:
    """Give up root's power to write anywhere, in a child that is about to start."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, but for the notes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != PROGRESS_FILE:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def test_start_makes_the_app_before_a_lesson_and_prints_the_lesson(house: Any) -> None:
    """What to build, and why; not the answer."""
    out = house.run("start", "04.2")

    assert "Lesson 2 of 3 of step 04, signing up: essential, 10 minutes." in out
    assert "The idea: a race condition." in out
    assert "(https://docs.sqlalchemy.org/" in out, "a link is shown as text"
    assert "✗ eight sign ups at once make one account" in out
    assert "Type these commands in " in out
    assert "Try it" not in out, "that is for later"
    assert "+    except IntegrityError" not in out
    assert files(house.work) == files(start_folder(find_lesson("04.2")))
    assert house.notes["lesson"] == 2


def test_a_step_is_begun_with_its_first_lesson(house: Any) -> None:
    """And says which files are given."""
    out = house.run("start", "04")

    assert "Lesson 1 of 3 of step 04" in out
    assert "Given, and in work/ already: flask_login_tutorial/__init__.py" in out
    assert "python3 -m workbook diff 03 04.1-start" in out
    assert house.pipe("diff", "04.1-start", "work") == ""


@pytest.mark.parametrize("command", ["start", "check", "run", "test"])
def test_a_lesson_that_is_not_there_names_those_that_are(
    shared_house: Any, command: str
) -> None:
    """One look, and one knows what to type."""
    out = shared_house.run(command, "04.9", code=1)

    assert "There is no lesson 04.9. There is: 04.1 Store the account, 04.2" in out


def test_start_next_takes_the_official_state(house: Any) -> None:
    """For somebody who was left behind; what they have is kept."""
    house.begin_lesson("04.1")
    (house.package / "auth.py").write_text("mine")

    out = house.run("start", "next")

    assert "Lesson 2 of 3 of step 04" in out
    assert files(house.work) == files(start_folder(find_lesson("04.2")))
    kept = house.path.glob("work-2*/flask_login_tutorial/auth.py")
    assert [path.read_text() for path in kept] == ["mine"]
    assert re.search(r"To bring it back: python3 -m workbook restore work-2\S+\n", out)


def test_a_lesson_that_is_done_leads_to_the_next(house: Any) -> None:
    """The verdict on the lesson, what to try, and what the next lesson is about."""
    house.begin_lesson("04.2")
    house.note(step="04_signup", lesson=2, failing=[RACE, CLICK])
    house.git(house.work, "apply", "-", data=house.pipe("peek"))

    out = house.run("check")

    parts = [
        "$ pytest --step 04.2 --app=work",
        "  ✓ eight sign ups at once make one account\nlesson 2 of 3: 1 of 1\n",
        "✓ Nothing before it is broken: ",
        "Later in this step: 1 behaviour; 0 of them hold already.",
        "Since the last check, now green: eight sign ups at once make one account.",
        "Lesson 04.2 is done: Two sign-ups at the same moment.",
        "Try it: ",
        "Lesson 3 of 3 of step 04",
        "Goal: an impatient visitor clicks twice",
        "To read this lesson: python3 -m workbook start",
    ]
    said = out[out.index("$ pytest") :]
    assert [part for part in parts if part not in said] == []
    assert sorted(parts, key=said.index) == parts
    end = out[out.index("Lesson 04.2 is done") :]
    assert len(end.splitlines()) < SCREEN, "what to try has scrolled away"
    assert house.notes["lesson"] == 3
    assert house.notes["finished"] == ["04.2"]


def test_a_title_that_ends_with_a_question_mark_gets_no_full_stop() -> None:
    """Two marks at the end of a sentence look like a slip."""
    assert lesson_check.done_line(find_lesson("03.3")).endswith(
        "is done: Whose form was it?"
    )


def test_a_first_check_names_nothing_as_broken_that_never_held(house: Any) -> None:
    """Without `flask init-db` no earlier behaviour can be tried: that is one reason,
    and nothing that the learner has done.
    """
    house.run("start", "02")

    out = house.run("check", code=1)

    assert "Said   flask init-db failed: Error: No such command 'init-db'.\n" in out
    count = r"✗ \d+ behaviours of what came before fail, too, for the same reason\.\n"
    assert re.search(count, out)
    assert "Broken" not in out
    assert "Since the last check" not in out


def test_start_tells_which_lessons_were_skipped(house: Any) -> None:
    """In a workshop one goes from 02.2 to 03.1; the code of the others is there."""
    house.begin_lesson("02.3")
    finished = ["02.1", "02.2", "02.5"]
    house.note(step="02_models", lesson=3, finished=finished)

    out = house.run("start", "04.2", "--aside", COLUMNS="200")

    told = (
        "Skipped, and in work/ with our code: 02.3 One spelling; 02.4 An account for "
        "an operator; 02.6 Commands that say what is missing; 02.7 Rows from an old "
        "app; step 03, forms; 04.1 Store the account."
    )
    assert told in out.replace("\n  ", " ").replace("\n", " ")
    assert "To see it: python3 -m workbook diff 02.2 04.1\n" in out
    assert "Skipped" not in house.run("start", "03", "--aside"), "that is a way back"


def test_what_is_broken_is_told_and_what_comes_later_is_counted(house: Any) -> None:
    """A lesson is done when nothing before it has gone. Notes from before lessons
    existed name none: the tests find it.
    """
    copy_code(state_folder(State("02_models", 1)), house.work)
    house.note(step="02_models")
    house.edit("templates/index.html", "Step 2: ", "")

    out = house.run("check", code=1)

    assert "By its behaviours work/ is at lesson 02.2." in out
    assert "✗ Broken: " in out
    assert "  ✗ 01: the start page" in out
    assert house.notes["lesson"] == 2


def test_a_refused_request_is_shown_with_what_the_log_says(house: Any) -> None:
    """A form without its CSRF token is a bare "400 == 302": only the log has the
    reason.
    """
    copy_code(state_folder(State("05_login", 1)), house.work)
    house.note(step="05_login", lesson=1)
    base = house.package / "templates" / "base.html"
    lines = base.read_text().splitlines(keepends=True)
    base.write_text("".join(line for line in lines if "csrf_token" not in line))

    out = house.run("check", "logging out logs out", code=1)

    assert "  Asked  POST /logout -> 400 BAD REQUEST\n  Log    '/logout' from " in out
    assert "got a 400 (The CSRF token is missing.)\n" in out


def outcome_of(problems: dict[str, Problem]) -> Outcome:
    """What became of tests that have all failed."""
    outcome = Outcome(ran=list(problems))
    outcome.reasons = dict.fromkeys(problems, "It matters.")
    outcome.problems = {name: [problem] for name, problem in problems.items()}
    return outcome


def test_what_broke_before_the_lesson_is_explained_last(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The last lines are what one sees. Where nobody can log in any more, "the copied
    cookie is still alive" is no help; nor is it below a list of sixty behaviours.
    """
    lesson = find_lesson("05.3")
    own = "05_login::test_a_copied_cookie_is_dead_after_the_log_out"
    earlier = [f"01_config::test_number_{number}" for number in range(7)]
    problems = {own: Problem("t", ["no button"])}
    problems |= {name: Problem("t", ["nobody is in"]) for name in earlier}
    failing = outcome_of(problems)

    lesson_check.judge_the_rest(lesson, failing, [own], Progress())

    out = capsys.readouterr().out
    assert "Broken: 7 behaviours" in out
    assert out.count("✗ 01: number") == 5
    assert "  and 2 more\n" in out
    explained = out[out.index("Mend this one first") :]
    assert "✗ number 0\n" in explained
    assert "Said   nobody is in\n" in explained
    assert "number 1" not in explained


def test_one_exception_is_one_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """One missing line of code breaks sixty behaviours, each with a message of its
    own.
    """
    lesson = find_lesson("05.1")
    own = "05_login::test_logging_out_logs_out"
    raised = "base.html:17: 'current_user' is undefined"
    problems = {own: Problem("t", ["500 == 200"], raised=raised)}
    for number in range(3):
        problem = Problem("t", [f"message {number}"], raised=raised)
        problems[f"01_config::test_number_{number}"] = problem

    broken = lesson_check.judge_the_rest(
        lesson, outcome_of(problems), [own], Progress()
    )

    out = capsys.readouterr().out
    assert len(broken) == 3
    assert "3 behaviours of what came before fail, too, for the same reason." in out
    assert "Broken" not in out
    assert "Said" not in out, "that one was explained above"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work/ of its own for what is called in this process."""
    work = tmp_path / "work"
    for module in (given, lesson_check):
        monkeypatch.setattr(module, "WORK", work)
    return work


def test_what_is_given_goes_beside_what_one_has_written(work: Path) -> None:
    """By three-way merge; line ends stay as the editor has written them."""
    lesson = find_lesson("03.1")
    copy_code(state_folder(State("03_forms", 0)), work)
    module = work / "flask_login_tutorial" / "__init__.py"
    mine = module.read_bytes() + b"\n# mine\n"
    module.write_bytes(mine.replace(b"\n", b"\r\n"))

    result = put_into_work(lesson)

    merged = module.read_bytes()
    assert "flask_login_tutorial/__init__.py" in result.placed
    assert result.refused == []
    assert merged.startswith(b'"""Step 03')
    assert merged.endswith(b"# mine\r\n")
    assert merged.count(b"\r\n") == merged.count(b"\n")
    assert (work / "flask_login_tutorial" / "templates" / "signup.html").exists()


def test_what_is_given_and_does_not_fit_stays_as_it_is(work: Path) -> None:
    """Never forced: the file is named, and all others are put in place."""
    lesson = find_lesson("03.1")
    copy_code(state_folder(State("03_forms", 0)), work)
    index = work / "flask_login_tutorial" / "templates" / "index.html"
    index.write_text("Mine, from top to bottom\n")

    result = put_into_work(lesson)

    assert result.refused == ["flask_login_tutorial/templates/index.html"]
    assert index.read_text() == "Mine, from top to bottom\n"
    assert (work / "flask_login_tutorial" / "templates" / "signup.html").exists()
    assert put_into_work(lesson) == result, "a second time changes nothing"


def test_of_two_terminals_one_goes_on(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one must not give the lesson after the next."""
    work.mkdir()
    write_progress(work, Progress(step="04_signup", lesson=3))

    lesson_check.finish(find_lesson("04.2"), Outcome())

    assert "Another terminal has gone on" in capsys.readouterr().out
    assert read_progress(work).lesson == 3


def test_a_hint_is_for_the_lesson(house: Any) -> None:
    """Its first failure, or one by its words; the lesson's own words do, too."""
    house.begin_lesson("04.3")
    house.note(step="04_signup", lesson=3, failing=[RACE, CLICK])

    assert "✗ a second click on the button" in house.run("hint")
    assert "✗ eight sign ups at once" in house.run("hint", "one account eight")
    assert "✗ eight sign ups at once" in house.run("hint", "04.2")
    house.run("reset")
    assert "First see what holds" in house.run("hint"), "`reset` forgets the last check"


def test_reset_goes_back_to_the_start_of_the_lesson(house: Any) -> None:
    """Not to that of the step; and says how to come back."""
    house.begin_lesson("04.3")
    (house.package / "auth.py").write_text("mine")

    out = house.run("reset")

    assert "work/ is at the start of lesson 04.3, Two clicks on the button." in out
    assert "python3 -m workbook restore work-2" in out
    assert files(house.work) == files(start_folder(find_lesson("04.3")))


def test_the_list_shows_the_lessons_and_where_one_is(house: Any) -> None:
    """With a line that says what the signs mean."""
    house.begin_lesson("04.2")
    house.note(step="04_signup", lesson=2, finished=["04.1"])

    out = house.run("list")

    assert "  ✓ 04.1  * 10 min   Store the account\n" in out
    assert "Two sign-ups at the same moment  <- you are here\n" in out
    assert out.count("<- you are here") == 1
    assert "* essential" in out


def test_a_stale_chapter_names_lesson_file_and_line(house: Any) -> None:
    """A maintainer has changed the step, and not its chapter."""
    chapter = house.path / "steps" / "04_signup" / "LESSONS.md"
    text = chapter.read_text(encoding="utf-8")
    assert " bp = Blueprint(" in text
    chapter.write_text(text.replace(" bp = Blueprint(", " pages = Blueprint(", 1))

    for words in (["start", "04.2"], ["diff", "04.1", "04.2"], ["test", "04.2"]):
        out = house.run(*words, code=1)
        assert "Lesson 04.1 is stale: a diff in steps/04_signup/LESSONS.md" in out
        assert re.search(r"patch failed: flask_login_tutorial/auth\.py:\d+", out)
    assert "Lesson 04.1 is stale" in house.run("propagate", "--check", code=1)
    assert not house.work.exists()


def test_a_checkout_with_windows_line_ends_has_the_same_lessons(house: Any) -> None:
    """Git may write them there."""
    before = house.pipe("diff", "04.1", "04.2")
    for path in (house.path / "steps").rglob("*"):
        if path.suffix in (".py", ".html", ".css", ".md", ".example"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    assert house.pipe("diff", "04.1", "04.2") == before


def test_a_read_only_checkout_can_show_lessons(house: Any, lot: Path) -> None:
    """They are made where one can write, and nothing of it is left."""
    house.path.chmod(0o555)
    before = set(lot.iterdir())

    out = subprocess.run(
        [sys.executable, "-m", "workbook", "diff", "04.1", "04.2"],
        cwd=house.path,
        env=house.env,
        capture_output=True,
        text=True,
        preexec_fn=without_power,
        check=False,
    )
    house.path.chmod(0o755)

    assert "IntegrityError" in out.stdout, out.stderr
    assert set(lot.iterdir()) == before


def test_without_git_a_lesson_is_a_sentence(house: Any) -> None:
    """States are made with it."""
    out = house.run("start", "04.2", code=1, PATH="/nonexistent")

    assert "Git is not installed, and this command needs it." in out
    assert not house.work.exists()


def test_a_folder_between_two_lessons_is_judged(house: Any) -> None:
    """By the behaviours of the lessons up to the one that was named."""
    shutil.copytree(state_folder(State("04_signup", 1)), house.path / "mine")
    words = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=no",
        "-k",
        "at_once or click or signing",
    ]

    out = house.run("test", "04.2", "--app", "mine", *words, code=1)

    assert "$ pytest --step 04.2 --app=mine" in out
    assert re.search(r"\n1 failed, \d+ passed", out)


@pytest.mark.parametrize(
    ("folder", "tool"),
    [
        ("work", "../workbook"),
        ("notebooks", "../workbook"),
        ("steps/05_login", "../../workbook"),
        ("work/flask_login_tutorial", "../../workbook"),
    ],
)
def test_the_tool_is_found_from_a_folder_below(
    house: Any, folder: str, tool: str
) -> None:
    """One has changed to it to run `flask`, or to look at a file."""
    house.begin_lesson("04.2")
    (house.path / "notebooks").mkdir()

    out = subprocess.run(
        [sys.executable, tool, "diff", "04.1-start", "work", "auth.py"],
        cwd=house.path / folder,
        env=house.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (out.returncode, "+++ b/flask_login" in out.stdout) == (0, True), out.stderr


def test_git_is_named_only_where_it_shows_the_same(house: Any) -> None:
    """It would show the key in .env, too."""
    house.begin_lesson("04.2")
    (house.work / ".env").write_text("SECRET_KEY=hunter2")

    assert "$ git" not in house.run("peek")
    one_file = "work/flask_login_tutorial/auth.py"
    assert f"$ git diff --no-index {one_file} " in house.run("peek", "auth.py")
    assert "$ git diff --no-index " in house.run("diff", "04.1", "04.2")


def test_watch_leaves_the_next_lesson_on_the_screen(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """What is given for it is written into work/, and is no save of the learner's."""
    house.begin_lesson("01.1")
    answer = house.pipe("peek")
    process = house.start("check", "--watch")
    first = read_until(process, "Watching work/")
    house.git(house.work, "apply", "-", data=answer)
    second = read_until(process, "Watching work/")
    status, rest = interrupt(process)

    assert "lesson 1 of 6: " in first
    assert "Lesson 01.1 is done" in second
    assert "Lesson 2 of 6 of step 01" in second
    assert (status, "lesson 2 of 6: " in rest) == (130, False)


def test_a_save_during_the_long_run_is_judged_at_once(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """Who has seen the first verdict goes on: nobody waits for all other tests."""
    house.begin_lesson("04.2")
    process = house.start("check", "--watch")
    read_until(process, "lesson 2 of 3: 0 of 1")
    house.edit("auth.py", "def signup()", "def signup((")
    second = read_until(process, "SyntaxError")
    status, _ = interrupt(process)

    assert "Watching work/" not in second
    assert status == 130
