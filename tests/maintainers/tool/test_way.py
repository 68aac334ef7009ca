"""A learner's way through a step: the task, the failures, the help, and back again."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from workbook.lessons import (
    behaviour_names,
    find_lesson,
    start_folder,
)
from workbook.report import next_step

START_PAGE = "01_config::test_the_start_page_is_open_to_all_and_says_which_step_this_is"


@pytest.fixture
def started(house: Any) -> Any:
    """Step 01 in work/ with a fault, and with what a check of it has noted."""
    shutil.copytree(house.path / "steps" / "01_config", house.work)
    house.edit("templates/index.html", "</h1>", "</h2>")
    house.note(step="01_config", lesson=1, failing=[START_PAGE])
    return house


def title(name: str) -> str:
    """A behaviour's name as words."""
    return name.partition("::test_")[2].replace("_", " ")


def test_no_arguments_list_the_commands(shared_house: Any) -> None:
    """The first thing that one types."""
    out = shared_house.run()

    assert "Begin a lesson" in out
    assert "restore" in out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["strat", "03"], "There is no command strat. Did you mean start"),
        (["chekc"], "Did you mean check"),
        (["run", "wrok"], "There is no step wrok. Did you mean work"),
        (["diff", "01", "wrok"], "Did you mean work"),
        (["check", "99"], "There is no step 99."),
        (["restore", "work-1"], "There is no work-1. Nothing was set aside."),
    ],
)
def test_a_slip_gets_the_nearest_name(
    shared_house: Any, words: list[str], answer: str
) -> None:
    """A slip of the finger should cost one look."""
    assert answer in shared_house.run(*words, code=1)


def test_check_explains_the_failure_that_is_asked_for(house: Any) -> None:
    """The first one need not be the one that somebody is working on."""
    house.begin_lesson("01.2")
    first = house.run("check", code=1)
    own = behaviour_names(find_lesson("01.2"))
    wanted = [name for name in own if name in house.notes["failing"]][1]
    second = house.run("check", *title(wanted).upper().split(), code=1)

    assert explained(second) == title(wanted)
    assert explained(first) == title(own[0]) != title(wanted)
    assert "No behaviour is called 'nonsense at all'." in house.run(
        "check", "nonsense", "at", "all", code=1
    )


def explained(out: str) -> str:
    """The behaviour above the "Why"."""
    lines = out.splitlines()
    number = next(
        number for number, line in enumerate(lines) if line.startswith("  Why")
    )
    return lines[number - 1].removeprefix("✗ ")


def test_check_says_so_if_what_is_asked_for_holds(started: Any) -> None:
    """And explains no other, which nobody has asked for."""
    out = started.run("check", "without a key the app does not start")

    assert "✓ without a key the app does not start: this one holds." in out
    assert "Why" not in out


def test_a_hint_for_what_holds_says_so(started: Any) -> None:
    """And not "nothing that fails is called so", as if the name were wrong."""
    out = started.run("hint", "without a key the app does not start")

    assert "✓ without a key the app does not start" in out
    assert "This one holds." in out


def test_start_without_a_step_tells_the_task_again(started: Any) -> None:
    """It was on the screen an hour ago. Nothing is run, and nothing changes."""
    before = (started.package / "routes.py").read_bytes()
    out = started.run("start")

    assert "of step 01, " in out
    assert f"✗ {title(START_PAGE)}" in out
    assert (started.package / "routes.py").read_bytes() == before


def test_start_without_a_step_and_without_work_says_how_to_begin(
    shared_house: Any,
) -> None:
    """There is no task yet."""
    assert "Begin a step with: python3 -m workbook start 01" in shared_house.run(
        "start", code=1
    )


def test_reset_takes_a_folder_as_peek_does(started: Any) -> None:
    """With all that is in it; nothing else is touched."""
    (started.package / "templates" / "mine.html").write_text("mine")
    routes = (started.package / "routes.py").read_bytes()
    step = start_folder(find_lesson("01.1"))
    started.run("reset", "templates")

    templates = started.package / "templates"
    (kept,) = started.path.glob("work-2*")
    assert (
        kept / "flask_login_tutorial" / "templates" / "mine.html"
    ).read_text() == "mine"
    theirs = step / "flask_login_tutorial" / "templates"
    assert sorted(path.name for path in templates.rglob("*.html")) == sorted(
        path.name for path in theirs.rglob("*.html")
    )
    assert (started.package / "routes.py").read_bytes() == routes


def test_what_was_set_aside_comes_back(house: Any) -> None:
    """All of it, with the notes; what is in its place is set aside in its turn."""
    house.begin("02")
    (house.package / "mine.py").write_text("mine")
    house.run("reset")
    (kept,) = house.path.glob("work-2*")
    (house.package / "second.py").write_text("second")
    listed = house.run("restore")
    out = house.run("restore", kept.name)

    assert f"{kept.name}   02_models" in listed
    assert f"{kept.name} is back in work/." in out
    assert (house.package / "mine.py").read_text() == "mine"
    assert not (house.package / "second.py").exists()
    assert [path.read_text() for path in house.path.glob("work-2*/*/second.py")] == [
        "second"
    ]
    assert not kept.exists()


def test_what_comes_back_overwrites_nothing(house: Any) -> None:
    """Not even a database, which is no part of the lesson."""
    house.begin("02")
    (house.work / "instance").mkdir()
    (house.work / "instance" / "workbook.db").write_text("first")
    house.run("reset")
    (kept,) = house.path.glob("work-2*")
    shutil.rmtree(house.package)
    (house.work / ".workbook.json").unlink()
    (house.work / "instance").mkdir()
    (house.work / "instance" / "workbook.db").write_text("second")
    house.run("restore", kept.name)

    assert (house.work / "instance" / "workbook.db").read_text() == "first"
    assert [path.read_text() for path in house.path.glob("work-2*/instance/*.db")] == [
        "second"
    ]


def test_one_file_that_was_set_aside_comes_back(house: Any) -> None:
    """Beside everything else that is in work/ now."""
    house.begin("02")
    (house.package / "routes.py").write_text("mine")
    house.run("reset", "routes.py")
    first = (house.package / "routes.py").read_text()
    (kept,) = house.path.glob("work-2*")
    (house.package / "second.py").write_text("second")
    house.run("restore", f"{kept.name}/")

    assert (house.package / "routes.py").read_text() == "mine"
    assert (house.package / "second.py").read_text() == "second"
    assert [path.read_text() for path in house.path.glob("work-2*/*/routes.py")] == [
        first
    ]


def test_another_step_by_mistake_is_asked_about(house: Any, terminal: Callable) -> None:
    """`check 01` for a moment's look, and `hint`, `peek` and `reset` would go by it
    from then on.
    """
    house.begin("02")
    screen = terminal("check", "01", keys=(("[y/N]", "n\n"),))

    assert "work/ is for 02_models." in screen
    assert (
        json.loads((house.work / ".workbook.json").read_text())["step"] == "02_models"
    )


def test_the_step_after_one_that_holds_is_not_asked_about(
    house: Any, terminal: Callable
) -> None:
    """That is how one goes on with one's own code."""
    house.begin("02")
    house.note(step="01_config", done={"01_config": [9, 9]}, failing=[])
    house.edit("routes.py", "def index()", "def index((")
    screen = terminal("check", "02")

    assert "[y/N]" not in screen
    assert "from now on it is for 02_models" in screen


def test_the_last_step_says_what_comes_next() -> None:
    """There is no step 07."""
    assert "start 02" in next_step("01_config")
    assert "list --mistakes" in next_step("06_protected")


def test_break_takes_a_port(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """Beside a `run` on the first one."""
    process = house.start("break", "01_config-weak-key", "--run", "--port", "5877")
    said = read_until(process, "Running on")
    interrupt(process)

    assert ":58" in said[said.index("work/mistakes/01_config-weak-key is at") :]
