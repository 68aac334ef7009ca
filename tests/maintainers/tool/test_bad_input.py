"""What learners type, save and break: one plain sentence each, and nothing of theirs is
lost.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbook.progress import Progress, read_progress

SPOILT = [
    "",
    "{",
    "[]",
    "3",
    '{"step": "02_models", "failing": 3}',
    '{"step": "02_models", "failing": [3]}',
    '{"step": "02_models", "failing": null, "done": "x"}',
    '{"step": "02_models", "done": {"01_config": [1]}}',
    '{"step": "02_models", "hints": []}',
    "[" * 100_000,
]

PRINTED = "a user can be printed and shows nothing personal"


@pytest.mark.parametrize("notes", SPOILT, ids=lambda notes: notes[:60])
def test_spoilt_notes_count_as_none(tmp_path: Path, notes: str) -> None:
    """Every command reads them in this way."""
    (tmp_path / ".workbook.json").write_text(notes)

    assert read_progress(tmp_path) == Progress()


def test_no_hint_has_a_number_below_the_first(tmp_path: Path) -> None:
    """Counted from the end, the answer would come before the nudge."""
    notes = '{"step": "02_models", "hints": {"02_models::test_x": -5}}'
    (tmp_path / ".workbook.json").write_text(notes)

    assert read_progress(tmp_path).hints == {"02_models::test_x": 0}


@pytest.mark.parametrize("notes", ["{", '{"step": 3}'])
def test_spoilt_notes_are_no_harm(house: Any, notes: str) -> None:
    """They say how far one is; whoever loses them loses a few ticks, and gets no
    traceback.
    """
    house.begin_lesson("01.1")
    (house.work / ".workbook.json").write_text(notes)

    for words in (["list"], ["list", "--all", "."], ["diff", "01", "02", "--stat"]):
        house.run(*words)
    house.run("check", "01", code=1)
    house.run("hint")


def test_a_folder_that_is_a_link_is_a_learners_work_too(house: Any) -> None:
    """`start` must not write through it into somebody's own project."""
    project = house.path / "project"
    shutil.copytree(
        house.path / "steps" / "01_config" / "flask_login_tutorial", project
    )
    (project / "routes.py").write_text("mine")
    house.work.mkdir()
    (house.work / "flask_login_tutorial").symlink_to(project)

    house.run("start", "02", code=1)
    house.run("start", "02", "--aside")

    assert (project / "routes.py").read_text() == "mine"


def test_what_was_set_aside_is_never_written_over(house: Any) -> None:
    """Two in one second get two names, whatever else lies there."""
    house.begin("02")
    for number in range(3):
        (house.package / "routes.py").write_text(f"version {number}")
        house.run("reset", "routes.py")

    kept = {
        path.read_text()
        for path in house.path.glob("work-*/flask_login_tutorial/routes.py")
    }
    assert kept == {"version 0", "version 1", "version 2"}


def test_start_finishes_even_if_nobody_hears_it(house: Any) -> None:
    """`start 03 --aside | true`: the old work is set aside, and the new one has to be
    there.
    """
    house.begin("02")
    (house.work / "mine.txt").write_text("mine")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "workbook", "start", "03", "--aside"]
        subprocess.run(
            command,
            cwd=house.path,
            env=house.env,
            stdout=full,
            stderr=full,
            check=False,
        )

    assert next(house.path.glob("work-*/mine.txt")).read_text() == "mine"
    assert (house.package / "models.py").exists()
    assert json.loads((house.work / ".workbook.json").read_text())["step"] == "03_forms"


def test_no_answer_is_no(house: Any, terminal: Callable) -> None:
    """Ctrl-D at the question: nothing happens, and no traceback."""
    house.begin("02")
    screen = terminal("start", "03", keys=(("[y/N]", "\x04"),))

    assert "Traceback" not in screen
    assert (
        json.loads((house.work / ".workbook.json").read_text())["step"] == "02_models"
    )


@pytest.mark.parametrize("words", [["--app", "mine"], ["--app=mine"]])
def test_the_suites_run_on_anybodys_folder(house: Any, words: list[str]) -> None:
    """In one word or in two; pytest itself would take the second for a path."""
    shutil.copytree(house.path / "steps" / "01_config", house.path / "mine")

    out = house.run(
        "test", "01", *words, "-q", "-p", "no:cacheprovider", "-k", "placeholder"
    )

    assert "$ pytest --step 01 --app=mine" in out
    assert " passed" in out


def test_the_suites_run_on_work(house: Any) -> None:
    """`test work`, for the step that it is for."""
    house.begin("02")

    out = house.run("test", "work", "-q", "-p", "no:cacheprovider", "-k", "placeholder")

    assert "$ pytest --step 02.1 --app=work" in out
    assert " passed" in out


@pytest.mark.parametrize(
    "words",
    [["run", "9"], ["test", "99"], ["start", "x"], ["diff", "1", "9", "--html", "a"]],
)
def test_a_slip_is_told_before_anything_is_installed(
    shared_house: Any, words: list[str]
) -> None:
    """Half a minute of pip, and then "There is no step 9": once is enough."""
    code = "import workbook.cli as c; c.bootstrap.ensure = lambda *_: print('INSTALLS'); raise SystemExit(c.main(%r))"
    command = [sys.executable, "-c", code % words]
    out = subprocess.run(
        command,
        cwd=shared_house.path,
        env=shared_house.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (out.returncode, out.stdout) == (1, "")
    assert "There is no step" in out.stderr


def test_another_step_for_the_same_work_is_said(house: Any) -> None:
    """`hint`, `peek` and `reset` go by it from now on."""
    house.begin("02")

    assert "work/ was for 02_models; from now on it is for 01_config." in house.run(
        "check", "01"
    )


@pytest.mark.parametrize(
    ("file", "content", "answer"),
    [
        (
            "__init__.py",
            b"def create_app(config=None):\n    pass\n",
            "Is `return app` missing?",
        ),
        (
            "routes.py",
            "bp = None\n".encode("utf-16"),
            "flask_login_tutorial/routes.py:1: SyntaxError",
        ),
        ("templates/index.html", b"caf\xe9", "templates/index.html: "),
        ("routes.py", b"while True: pass\n", "endless loop?"),
    ],
)
def test_a_file_that_python_cannot_make_sense_of_is_named(
    house: Any, file: str, content: bytes, answer: str
) -> None:
    """Python's own words for these name no file, or do not come at all."""
    house.begin("02")
    (house.package / file).write_bytes(content)

    out = house.run("check", code=1, WORKBOOK_PATIENCE="2")

    assert answer in out
    assert "✗" not in out


def test_an_endless_loop_comes_to_an_end(house: Any) -> None:
    """It is told where the app was, and everything else is judged all the same."""
    shutil.copytree(house.path / "steps" / "01_config", house.work)
    # Where few tests come by: each of them takes its seconds.
    found = "    status = response.status_code\n"
    house.edit("errors.py", found, f"{found}    while status == 405:\n        pass\n")

    out = house.run("check", "01", code=1, WORKBOOK_PATIENCE="2")

    assert "Raised work/flask_login_tutorial/errors.py:" in out
    assert "TimeoutError: nothing came back in 2 seconds: an endless loop?" in out
    assert out.count("TimeoutError") == 1
    assert "Later in this step: " in out


def test_watch_goes_on_in_the_work_that_reset_has_made(
    house: Any, read_until: Callable, interrupt: Callable
) -> None:
    """In another terminal, as one does."""
    house.begin_lesson("01.2")
    house.edit("routes.py", "def index()", "def index((")
    process = house.start("check", "--watch")
    before = read_until(process, "Watching work/")
    house.run("reset")
    after = read_until(process, "Watching work/")
    house.edit("routes.py", "def index()", "def index((")
    saved = read_until(process, "Watching work/")
    status, rest = interrupt(process)

    assert "SyntaxError" in before
    assert "lesson 2 of 6: " in after
    assert "SyntaxError" in saved
    assert (status, "Traceback" in rest) == (130, False)


def test_an_app_that_ends_python_is_a_sentence(house: Any) -> None:
    """`run work`: what it says on its way out is what one has to read."""
    shutil.copytree(house.path / "steps" / "01_config", house.work)
    (house.work / ".workbook.json").write_text('{"step": "01_config"}')
    (house.package / "__init__.py").write_text("import sys\nsys.exit('enough')\n")

    assert "enough" in house.run("run", "work", code=1)


def test_a_lesson_may_have_a_folder_of_any_name(house: Any) -> None:
    """Only at the top of work/ are `instance` and `mistakes` the app's and the
    tool's."""
    house.begin("02")
    for place in (
        "instance/app.db",
        "mistakes/x/wsgi.py",
        "flask_login_tutorial/templates/mistakes/list.html",
    ):
        (house.work / place).parent.mkdir(parents=True)
        (house.work / place).write_text("text")

    out = house.pipe("diff", "01", "work")

    assert "templates/mistakes/list.html" in out
    assert "wsgi.py" not in out
    assert "app.db" not in out


def test_a_pipe_among_the_files_is_left_alone(house: Any) -> None:
    """Reading it would wait for ever for somebody to write."""
    house.begin("02")
    os.mkfifo(house.work / "pipe")

    assert "pipe" not in house.pipe("diff", "01", "work")


def test_a_hint_can_be_asked_for_by_name(house: Any) -> None:
    """What stands first need not be what one is working on."""
    house.begin("02")
    names = ["there_is_no_account_from_the_start", PRINTED.replace(" ", "_")]
    failing = [f"02_models::test_{name}" for name in names]
    house.note(step="02_models", lesson=1, failing=failing)

    assert f"✗ {PRINTED}" in house.run("hint", "can", "be", "printed")
    slip = PRINTED.replace("printed", "prinetd")
    assert "Did you mean" in house.run("hint", slip, code=1)
