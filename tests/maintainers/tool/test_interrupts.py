"""Ctrl-C and a closed pipe end every command without a traceback, from its first moment
on.
"""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from workbook.cli import make_command_line

COMMANDS = list(make_command_line().commands.choices)
QUIET = {130, -signal.SIGINT}  # both are 130 for a shell

# Stops itself in the middle of an import, and so at one and the same moment each time.
INTERRUPTED_IMPORT = """
import importlib.abc, os, runpy, signal, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.argv[0] = "-m"  # what Python itself does while it looks for the module
sys.meta_path.insert(0, Finder())
import workbook
sys.argv = ["workbook", "list"]
runpy.run_module("workbook", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["workbook.cli", "argparse", "workbook.diff", "workbook.variables"]
)
def test_ctrl_c_while_our_modules_are_read_is_quiet(
    shared_house: Any, module: str
) -> None:
    """A traceback through half-read modules is what a beginner would see."""
    out = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT.format(module=module)],
        cwd=shared_house.path,
        env=shared_house.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert out.returncode in QUIET, out.stderr
    assert (out.stdout, out.stderr) == ("", "")


def test_ctrl_c_between_two_pythons_waits_for_the_second(shared_house: Any) -> None:
    """The command starts again in .venv: a signal meanwhile is neither lost nor a
    traceback.
    """
    code = (
        "import os, signal, sys; from workbook import bootstrap; from pathlib import Path\n"
        f"bootstrap.PYTHON = Path({sys.executable!r})\n"
        "execv = os.execv\n"
        "os.execv = lambda *words: (os.kill(os.getpid(), signal.SIGINT), execv(*words))\n"
        "bootstrap.restart(['list'])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shared_house.path,
        env=shared_house.env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert out.returncode in QUIET
    assert (out.stdout, out.stderr) == ("", "")


def test_an_import_by_another_program_leaves_ctrl_c_as_it_is(shared_house: Any) -> None:
    """The notebooks' kernel is interrupted with it."""
    code = "import signal, workbook.patches; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shared_house.path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert out.stdout == "True\n"


@pytest.mark.parametrize(
    "words",
    [[], ["list"], ["diff", "01", "02"], *([name, "--help"] for name in COMMANDS)],
)
@pytest.mark.parametrize("closed", ["stdout", "both"])
def test_a_reader_who_is_gone_before_the_first_word_is_no_traceback(
    shared_house: Any, words: list[str], closed: str
) -> None:
    """`python3 -m workbook list | true`; also where nobody hears the complaint."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(
        [sys.executable, "-m", "workbook", *words],
        cwd=shared_house.path,
        env=shared_house.env,
        stdout=writing,
        stderr=writing if closed == "both" else subprocess.PIPE,
        encoding="utf-8",
    )
    os.close(writing)
    said = process.communicate()[1] or ""

    assert process.returncode in (0, 1)
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_an_output_that_is_closed_is_no_traceback(shared_house: Any) -> None:
    """`list >&-`, as some programs start others."""
    command = f'exec "{sys.executable}" -m workbook list >&-'
    out = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=shared_house.path,
        env=shared_house.env,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert (out.returncode, out.stderr) == (0, "")


def test_a_background_command_that_ignores_ctrl_c_goes_on(shared_house: Any) -> None:
    """A shell script starts `... &` with SIGINT ignored; that is not ours to change."""
    code = (
        "import os, signal\nfrom workbook import cli\n"
        "cli.run = lambda words: os.kill(os.getpid(), signal.SIGINT) or 7\nraise SystemExit(cli.main([]))"
    )
    start = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    code = f"{start}os.execv(sys.executable, [sys.executable, '-c', {code!r}])"
    out = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shared_house.path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (out.returncode, out.stderr) == (7, "")
