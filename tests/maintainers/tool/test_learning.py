"""The learner's loop: start, check, hint, peek, reset, list."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import ROOT
from workbook.hints import hints
from workbook.lessons import behaviour_names, find_lesson, lessons, start_folder

PATIENCE = 60  # seconds; only to end a test that hangs


def test_start_copies_the_step_before_and_says_what_to_build(house: Any) -> None:
    """The goal, and the behaviours that are not there yet."""
    out = house.run("start", "2")

    assert "Lesson 1 of 7 of step 02" in out
    assert "✗ there is no account from the start" in out
    theirs = (
        house.path / "steps" / "01_config" / "flask_login_tutorial" / "routes.py"
    ).read_bytes()
    assert (house.package / "routes.py").read_bytes() == theirs
    assert not (house.work / "README.md").exists()


def test_the_first_step_starts_from_an_empty_app(house: Any) -> None:
    """There is no step before it."""
    out = house.run("start", "01")

    assert "✗ the start page is open to all and says which step this is" in out
    assert [path.name for path in house.package.glob("*.py")] == ["__init__.py"]


def test_start_never_overwrites_work(house: Any) -> None:
    """An evening's work must not go at a wrong key."""
    house.work.mkdir()
    (house.work / "mine.txt").write_text("mine")

    refused = house.run("start", "01", code=1)
    kept = (house.work / "mine.txt").read_text()
    without_database = house.run("start", "01", "--aside")
    (house.work / "instance").mkdir()
    (house.work / "instance" / "workbook.db").touch()
    with_database = house.run("start", "01", "--aside")

    assert "with our code, yours set aside: start 01 --aside" in refused
    assert kept == "mine"
    told = "Your database is set aside with it: sign up again.\n"
    assert (told in without_database, told in with_database) == (False, True)
    assert not (house.work / "mine.txt").exists()
    assert [path.read_text() for path in house.path.glob("work-2*/mine.txt")] == [
        "mine"
    ]


def test_check_ticks_what_holds_and_shows_one_failure_in_full(house: Any) -> None:
    """Asked, came back, where."""
    house.begin_lesson("01.2")
    out = house.run("check", code=1)

    assert "✓" in out
    assert "✗" in out
    assert "Why" in out
    assert re.search(r"Test   tests/0\d_\w+/test_\w+\.py:\d+ ", out)
    assert re.search(r"lesson \d of \d: \d+ of \d+\n", out)


def test_an_error_in_a_view_is_told_with_its_place(house: Any) -> None:
    """The answer is a 500; what the learner needs is the line."""
    house.begin("02")
    house.edit(
        "routes.py", "    return render", "    raise KeyError('oh')\n    return render"
    )
    out = house.run("check", "01", code=1)

    assert "Asked  GET / -> 500 INTERNAL SERVER ERROR" in out
    assert "Raised work/flask_login_tutorial/routes.py:11: KeyError: 'oh'" in out


def test_a_finished_lesson_is_all_ticks(house: Any) -> None:
    """Status 0 means done, for scripts as well."""
    house.begin_lesson("01.1")
    house.git(house.work, "apply", "-", data=house.pipe("peek"))
    nothing = house.pipe("peek")
    out = house.run("check", code=0)

    done = "Lesson 01.1 is done: A factory and a page."
    assert nothing == ""
    assert done in out
    assert "✗" not in out.partition(done)[0]


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        (
            "routes.py",
            "def index()",
            "def index((",
            "work/flask_login_tutorial/routes.py:{line}: SyntaxError",
        ),
        (
            "routes.py",
            "from flask",
            "import flsk\nfrom flask",
            "routes.py:{line}: the package flsk is not installed here",
        ),
        (
            "__init__.py",
            "    return app",
            "    app.nothing()\n    return app",
            "__init__.py:{line}: AttributeError",
        ),
        (
            "templates/index.html",
            "</h1>",
            "</h1>\n{% if %}",
            "templates/index.html:{line}: TemplateSyntaxError",
        ),
        (
            "config.py",
            "def load_config(",
            "def load(",
            "work/flask_login_tutorial/__init__.py:{line}: ImportError",
        ),
        (
            "routes.py",
            "bp = ",
            "import os; os._exit(3)\nbp = ",
            "ends the whole process",
        ),
        (
            "routes.py",
            "bp = ",
            "raise SystemExit\nbp = ",
            "work/flask_login_tutorial/routes.py:{line}: SystemExit",
        ),
    ],
)
def test_an_app_that_does_not_start_is_one_message(
    house: Any, name: str, old: str, new: str, place: str
) -> None:
    """File and line, not forty failures."""
    house.begin("02")
    house.edit(name, old, new)
    out = house.run("check", code=1)

    assert re.search(re.escape(place).replace(r"\{line\}", r"\d+"), out), out
    assert "✗" not in out


def test_windows_line_ends_in_work_do_no_harm(house: Any) -> None:
    """An editor may write them."""
    house.begin_lesson("01.2")
    before = house.run("check", code=1)
    for path in house.work.rglob("*"):
        if path.suffix in (".py", ".html", ".css"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    out = house.run("check", code=1)

    assert out.count("✗") == before.count("✗")
    assert "+" not in house.run("diff", "01.2-start", "work", "--stat"), (
        "a reader is not shown line ends"
    )


def test_what_holds_is_remembered(house: Any) -> None:
    """Nobody starts over after closing a terminal."""
    house.begin_lesson("01.2")
    house.run("check", code=1)
    good, of = house.notes["done"]["01_config"]
    out = house.run("list")

    assert f"{good} of {of}" in out
    assert "<- you are here" in out
    house.run("reset")
    assert f"{good} of {of}" in house.run("list"), "also after beginning again"


def test_a_hint_goes_deeper_each_time(house: Any) -> None:
    """Three levels, and then the answer is all that is left."""
    house.begin_lesson("01.1")
    house.run("check", code=1)
    told = [house.run("hint") for _ in range(4)]

    assert len({*told[:3]}) == 3
    assert told[3] == told[2]
    assert "Ask again for more." in told[0]


def test_reset_brings_a_file_back_and_keeps_yours(house: Any) -> None:
    """Also a file that was deleted, and one that the start does not have."""
    house.begin("02")
    house.edit("routes.py", "def index", "def start")
    (house.package / "errors.py").unlink()
    (house.package / "models.py").write_text("mine")
    for name in ("routes.py", "errors.py", "work/flask_login_tutorial/models.py"):
        house.run("reset", name)

    first = start_folder(find_lesson("02.1")) / "flask_login_tutorial"
    assert (house.package / "routes.py").read_bytes() == (
        first / "routes.py"
    ).read_bytes()
    assert (house.package / "errors.py").exists()
    assert not (house.package / "models.py").exists()
    assert [
        path.read_text()
        for path in house.path.glob("work-2*/flask_login_tutorial/models.py")
    ] == ["mine"]
    assert "Did you mean routes.py" in house.run("reset", "route.py", code=1)


def test_reset_brings_all_of_work_back(house: Any) -> None:
    """Even where the app itself is gone."""
    house.begin("02")
    (house.package / "__init__.py").unlink()
    assert "`reset` brings the start back" in house.run("check", code=1)
    house.run("reset")

    assert (house.package / "__init__.py").exists()
    assert list(house.path.glob("work-2*/flask_login_tutorial/routes.py"))


def test_ctrl_c_ends_check_and_leaves_nothing_running(
    house: Any, interrupt: Callable
) -> None:
    """Also where the app hangs."""
    house.begin("02")
    hangs = (
        "import os\nopen('began', 'w').write(f'{os.getpid()}')\nwhile True: pass\nbp = "
    )
    house.edit("routes.py", "bp = ", hangs)
    began = house.path / "began"
    process = house.start("check")
    while not (began.exists() and began.read_text()):
        assert process.poll() is None
    status, rest = interrupt(process)

    assert (status, "Traceback" in rest) == (130, False)
    wait_until_ended(int(began.read_text()))


def wait_until_ended(number: int) -> None:
    """Wait for the end of a process that somebody else has started and killed."""
    limit = time.monotonic() + PATIENCE
    stat = Path(f"/proc/{number}/stat")
    with suppress(FileNotFoundError):
        while ") Z " not in stat.read_text():  # a zombie, until its parent looks
            assert time.monotonic() < limit, f"process {number} still runs"


def test_watch_answers_at_every_save(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """A file that does not start the app is told, too, and waited for."""
    house.begin_lesson("01.2")
    process = house.start("check", "--watch")
    first = read_until(process, "Watching work/")
    house.edit("routes.py", "def index()", "def index((")
    second = read_until(process, "Watching work/")
    house.edit("routes.py", "def index((", "def index()")
    third = read_until(process, "Watching work/")
    status, rest = interrupt(process)

    count = r"lesson \d of \d: \d+ of \d+\n"
    assert re.search(count, first)
    assert "SyntaxError" in second
    assert re.findall(count, third) == re.findall(count, first)
    assert (status, "Traceback" in rest) == (130, False)


def test_watch_has_keys(house: Any, terminal: Callable) -> None:
    """Hint, peek, diff, lesson, again, quit; no Enter needed. The whole answer at a key
    press is more than one asked for: peek shows one file, and the others' names.
    """
    house.begin_lesson("01.2")
    house.edit("routes.py", "def index", "def start")
    keys = (
        ("q quit", "h"),
        ("Ask again", "p"),
        ("They are ", "d"),
        ("def start", "l"),
        ("The idea: ", "r"),
        ("lesson 2 of 6", "q"),
    )
    screen = terminal("check", "--watch", keys=keys, NO_COLOR="1")

    answer = screen[screen.index("Ask again") : screen.index("They are ")]
    files = re.findall(r"^flask_login_tutorial/\S+ +\+\d+ -\d+", answer, re.MULTILINE)
    assert len(files) == 1
    assert "more differ" in answer
    assert "Traceback" not in screen


@pytest.mark.parametrize(
    "step", sorted(path.name for path in (ROOT / "steps").glob("0*"))
)
def test_every_behaviour_has_hints(step: str) -> None:
    """Three levels for each; the first does not give the code away."""
    tests = [
        name.partition("::")[2]
        for lesson in lessons(step)
        for name in behaviour_names(lesson)
    ]

    for test in tests:
        levels = hints(step).get(test)
        assert levels, f"{test} has no hints"
        assert len({*levels}) == 3, test
        assert not re.search(r"[`_=()]|\bimport\b", levels[0]), (
            f"{test}: level one shows code"
        )


def test_no_hint_is_given_while_the_app_does_not_start(house: Any) -> None:
    """A hint about log-outs helps nobody whose file cannot be read."""
    house.begin("02")
    house.edit("routes.py", "def index()", "def index((")
    house.run("check", code=1)

    out = house.run("hint")

    assert "the app did not start" in out
