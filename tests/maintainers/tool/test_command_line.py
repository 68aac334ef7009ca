"""What every command owes its reader: help at once, and one plain sentence for what
cannot be done.
"""

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
from typing import Any

import pytest

from workbook.cli import make_command_line

COMMANDS = {
    choice.dest: choice.help for choice in make_command_line().commands._choices_actions
}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_a_line_and_an_example(shared_house: Any, name: str) -> None:
    """Nobody reads a page to learn one command."""
    text = shared_house.run(name, "--help")

    assert COMMANDS[name] in " ".join(text.split())
    assert f"Example: python3 -m workbook {name}" in text


def test_help_needs_nothing_installed(shared_house: Any) -> None:
    """It answers before the first install, and at once: nothing heavy is read for
    it."""
    code = (
        "import sys; from workbook.cli import main\n"
        "try: main(['diff', '--help'])\n"
        "except SystemExit: print(sorted({'flask', 'pytest', 'rich', 'pygments', 'asyncio'} & set(sys.modules)))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shared_house.path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert out.stdout.endswith("[]\n")
    assert not (shared_house.path / ".venv").exists()


def test_an_older_python_is_told_so(shared_house: Any) -> None:
    """A syntax error in our own code would tell a beginner nothing."""
    code = "import runpy, sys; sys.version_info = (3, 10, 4); runpy.run_module('workbook', run_name='__main__')"
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shared_house.path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (
        out.stderr == "The workbook needs Python 3.11 or newer; this is Python 3.10.\n"
    )


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["run", "04_singup"], "There is no step 04_singup. Did you mean 04_signup?"),
        (["test", "7"], "There is no step 7."),
        (["start", "99"], "There is no step 99."),
        (["diff", "04", "logn"], "Did you mean 05_login?"),
        (["propagate", "0"], "There is no step 0."),
        (["notebook", "modles"], "Did you mean 02_models?"),
    ],
)
def test_an_unknown_step_gets_the_nearest_name(
    shared_house: Any, words: list[str], answer: str
) -> None:
    """A slip of the finger should cost one look."""
    assert answer in shared_house.run(*words, code=1)


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "--watch"],
        ["hint"],
        ["peek"],
        ["reset"],
        ["diff", "work", "04"],
    ],
)
def test_without_work_it_says_how_to_begin(shared_house: Any, words: list[str]) -> None:
    """The first thing that many will type."""
    assert (
        "There is no work/ yet. Begin a step with: python3 -m workbook start 01"
        in shared_house.run(*words, code=1)
    )


@pytest.mark.parametrize("words", [["check"], ["hint"], ["peek"], ["run", "work"]])
def test_work_without_an_app_is_said(house: Any, words: list[str]) -> None:
    """A package that was renamed or moved, or another folder that happens to have this
    name.
    """
    house.work.mkdir()
    (house.work / "notes.txt").write_text("mine")

    assert (
        "work/ holds no app: flask_login_tutorial/__init__.py is missing"
        in house.run(*words, code=1)
    )


def test_work_that_was_filled_by_hand_is_asked_for_its_step(house: Any) -> None:
    """The tool is thin: somebody may have copied the folder themselves."""
    shutil.copytree(house.path / "steps" / "01_config", house.work)

    assert "work/ does not say which step it is for" in house.run("check", code=1)
    assert "behaviours hold (" in house.run("check", "01")


def test_a_read_only_checkout_is_said(house: Any) -> None:
    """What only reads goes on; what must write says so in a sentence."""
    for path in (house.path, house.path / "steps" / "06_protected"):
        path.chmod(0o555)

    def without_power() -> None:  # root writes anywhere, so it gives that up first
        if os.geteuid() == 0:
            ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE

    for words, code, answer in (
        (["start", "03"], 1, "May this folder be written to?"),
        (["run", "06"], 1, "May this folder be written to?"),
        (["list"], 0, "04_signup"),
        (["diff", "04", "05"], 0, "diff --git"),
    ):
        out = subprocess.run(
            [sys.executable, "-m", "workbook", *words],
            cwd=house.path,
            env=house.env,
            capture_output=True,
            text=True,
            preexec_fn=without_power,
            check=False,
        )
        assert (out.returncode, "Traceback" in out.stderr) == (code, False), out.stderr
        assert answer in out.stdout + out.stderr
    house.path.chmod(0o755)


def test_new_makes_the_folder_where_the_command_is_typed(house: Any) -> None:
    """And `cd`, as it is printed, leads there. PowerShell does not replace the `~`."""
    said = house.run_in_steps("new", "../../my_site")
    at_home = house.run_in_steps("new", "~/other_site", HOME=str(house.path.parent))

    made = house.path.parent / "my_site"
    assert (made / "my_site" / "__init__.py").is_file(), said
    assert f"cd {shlex.quote(str(made))} && " in said
    assert (house.path.parent / "other_site" / "wsgi.py").is_file(), at_home
    assert "~" not in at_home


@pytest.mark.parametrize(
    ("words", "code", "answer"),
    [
        (["update", "here"], 1, "{here}"),
        (["site", "here"], 1, "{here}"),
        (["pack", "here"], 1, "{here}"),
        (["list", "--all", "here"], 0, "has not begun"),
        (["diff", "01", "02", "--html", "here/page.html"], 1, "{here}"),
        (["test", "01", "--app", "here"], 4, "{here}"),
    ],
)
def test_a_folder_is_looked_for_where_the_command_is_typed(
    house: Any, words: list[str], code: int, answer: str
) -> None:
    """The same words mean the same folder for every command."""
    here = house.path / "steps" / "here"
    (here / "workbook").mkdir(parents=True)
    (here / "page.html").write_text("mine")

    said = house.run_in_steps(*words, code=code)

    assert answer.format(here=here) in said
