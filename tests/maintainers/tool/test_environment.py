"""The learner's machine: its variables, its environments, its disks and its editors."""

import errno
import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from workbook.hints import behaviours
from workbook.places import lesson_files
from workbook.variables import ADDED, KEPT, clean_environment

# Variables that somebody has set for something else.
STRANGE = {
    "PYTEST_ADDOPTS": "-k nothing_is_called_this",
    "PYTEST_PLUGINS": "no_such_plugin",
    "FLASK_DEBUG": "1",
    "FLASK_TESTING": "1",
    "SECRET_KEY": "short",
    "SQLALCHEMY_DATABASE_URI": "nonsense",
    "TRUSTED_HOSTS": "elsewhere.example",
}
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)


def make_wheel(folder: Path) -> None:
    """Write a package with nothing in it."""
    info = "tinything-1.0.dist-info"
    with zipfile.ZipFile(folder / "tinything-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tinything.py", "")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def tiny(house: Any, tmp_path: Path) -> Any:
    """The house, where all that the app needs is a package with nothing in it."""
    make_wheel(tmp_path)
    project = (
        '[project]\ndependencies = ["tinything>=1"]\n[project.optional-dependencies]\n'
    )
    (house.path / "pyproject.toml").write_text(project)
    (house.path / "constraints.txt").write_text("tinything==1.0\n")
    house.env |= {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return house


def ensure(house: Any, **env: str) -> subprocess.CompletedProcess[str]:
    """Look for the app's packages as a command does, with a Python that has none; then
    `list`.
    """
    code = (
        "from workbook import bootstrap, variables; variables.clean_environment()\n"
        "try: bootstrap.ensure((), ['list'])\n"
        "except bootstrap.WorkbookError as error: raise SystemExit(str(error))"
    )
    return subprocess.run(
        [BASE_PYTHON, "-c", code],
        cwd=house.path,
        env={**house.env, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_bare_machine_gets_an_environment_whatever_the_variables_say(
    tiny: Any,
) -> None:
    """With nothing but Python: a command makes .venv, installs what it needs, and
    carries on with that. With PIP_USER=1 pip would refuse; with PIP_TARGET the packages
    would be elsewhere.
    """
    target = tiny.path / "elsewhere"
    tiny.env |= {"PIP_USER": "1", "PIP_TARGET": str(target), "PYTHONHOME": ""}
    tiny.env["PIP_REQUIRE_VIRTUALENV"] = "1"

    nothing = ensure(tiny, PIP_FIND_LINKS="")
    first = ensure(tiny)
    second = ensure(tiny, PIP_FIND_LINKS="")

    assert "pip gets none" in nothing.stderr
    assert "$ pip install -c constraints.txt" in first.stderr
    assert "04_signup" in first.stdout, first.stderr
    assert list(tiny.path.glob(".venv/lib/python*/site-packages/tinything.py"))
    assert not target.exists()
    said = second.stdout + second.stderr
    assert "pip install" not in said, "the second time it is all there"
    assert "04_signup" in second.stdout


def test_an_environment_without_pip_that_somebody_made_is_not_cleared(
    tiny: Any,
) -> None:
    """`uv venv` and `venv --without-pip` make such ones; they hold what is not ours."""
    venv.create(tiny.path / ".venv", with_pip=False)
    mine = tiny.path / ".venv" / "mine.txt"
    mine.write_text("mine")
    out = ensure(tiny)

    assert out.returncode == 1
    assert ".venv lacks tinything>=1, and has no pip to install them" in out.stderr
    assert "uv pip install" in out.stderr
    assert mine.read_text() == "mine"


def test_packages_are_looked_for_before_pip_is(tiny: Any, tmp_path: Path) -> None:
    """An environment without pip that holds all that is needed needs no pip."""
    venv.create(tiny.path / ".venv", with_pip=False)
    folder = next(tiny.path.glob(".venv/lib/python*/site-packages"))
    with zipfile.ZipFile(tmp_path / "tinything-1.0-py3-none-any.whl") as archive:
        archive.extractall(folder)
    out = ensure(tiny)

    assert "04_signup" in out.stdout, out.stderr
    assert "pip" not in out.stdout + out.stderr


def test_an_environment_of_ours_that_was_half_made_is_completed(tiny: Any) -> None:
    """Ctrl-C may come while pip is put in; so may the end of the Python that made
    it."""
    venv.create(tiny.path / ".venv", with_pip=False)
    (tiny.path / ".venv" / "workbook.txt").touch()
    python = tiny.path / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    out = ensure(tiny)

    assert "04_signup" in out.stdout, out.stderr


def test_a_folder_that_is_no_environment_stays(tiny: Any) -> None:
    """Somebody may keep anything under that name."""
    (tiny.path / ".venv").mkdir()
    (tiny.path / ".venv" / "mine.txt").write_text("mine")
    out = ensure(tiny)

    assert "holds no Python that works" in out.stderr
    assert [path.name for path in (tiny.path / ".venv").iterdir()] == ["mine.txt"]


def test_check_says_the_same_whatever_stands_in_the_environment(house: Any) -> None:
    """Else "all hold" may be said of a part, and a right app gets crosses."""
    stranger = house.path / "stranger"
    stranger.mkdir()
    for module in ("flask", "harness", "pytest"):
        (stranger / f"{module}.py").write_text("raise SystemExit('a stranger')")
    shutil.copytree(house.path / "steps" / "01_config", house.work)

    out = house.run("check", "01", **STRANGE, PYTHONPATH=str(stranger))

    assert "✗" not in out
    assert f"All {len(behaviours('01_config'))} behaviours hold" in out


def test_what_was_set_for_something_else_is_taken_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each name, and its folders on Python's path; what is removed can be told."""
    elsewhere = os.path.abspath("elsewhere")
    environment = {**STRANGE, "PYTHONPATH": "elsewhere", "HOME": "/home/ada"}
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(sys, "path", [elsewhere, "/usr/lib/python"])

    removed = clean_environment()

    assert set(removed) == {*STRANGE, "PYTHONPATH"}
    assert set(environment) == {"HOME", *ADDED}
    assert sys.path == ["/usr/lib/python"]


@pytest.mark.parametrize(
    "name",
    ["PIP_NO_INDEX", "PIP_FIND_LINKS", "https_proxy", "HTTP_PROXY", "PATH", "LC_ALL"],
)
def test_what_a_network_or_a_system_needs_is_passed_on(name: str) -> None:
    """A class without a network installs from a folder."""
    assert KEPT.fullmatch(name)


LITTER = [
    ".#{name}",
    "{name}~",
    ".{name}.swp",
    ".{name}.swo",
    "#{name}#",
    "4913",
    ".~lock.{name}#",
    "._{name}",
]


@pytest.fixture
def littered(house: Any) -> Any:
    """The house with step 01 in work/, and beside every file what editors leave
    there."""
    shutil.copytree(house.path / "steps" / "01_config", house.work)
    (house.work / ".workbook.json").write_text('{"step": "01_config"}')
    for path in [path for path in house.work.rglob("*") if path.is_file()]:
        for pattern in LITTER:
            litter = path.with_name(pattern.format(name=path.name))
            if pattern.startswith(".#"):
                litter.symlink_to(
                    "ada@laptop.1234:5678"
                )  # a lock of Emacs leads nowhere
            else:
                litter.write_bytes(b"\xff{% if %}\0")
    return house


def test_what_editors_leave_is_no_part_of_the_app(littered: Any) -> None:
    """An open file is enough for a lock: that made four false crosses."""
    difference = littered.pipe("diff", "01", "work")
    out = littered.run("check")

    assert "✗" not in out
    assert difference == ""


def test_every_reader_of_a_step_looks_at_the_same_files(littered: Any) -> None:
    """One way of walking: those are the files that git has."""
    step = littered.path / "steps" / "01_config"
    names = {
        path.relative_to(step).as_posix() for path in step.rglob("*") if path.is_file()
    }

    assert set(lesson_files(littered.work)) == names


ACROSS_DISKS = """
import errno, os, sys
rename = os.rename
def fail(source, target, **_):
    raise OSError({error}, os.strerror({error}), source)
os.rename = fail
from workbook.cli import main
sys.exit(main({words!r}))
"""


def call_across_disks(
    house: Any, words: list[str], error: int = errno.EXDEV
) -> subprocess.CompletedProcess[str]:
    """Run a command where nothing can be renamed, as from one disk to another, or of a
    mounted folder.
    """
    return subprocess.run(
        [sys.executable, "-c", ACROSS_DISKS.format(error=error, words=words)],
        cwd=house.path,
        env=house.env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("error", [errno.EXDEV, errno.EBUSY])
def test_setting_aside_works_where_nothing_can_be_renamed(
    house: Any, error: int
) -> None:
    """In a container work/ may be a mounted disk."""
    house.begin("02")
    (house.package / "mine.py").write_text("mine")
    (house.work / "link").symlink_to("nowhere")
    inode = house.work.stat().st_ino
    out = call_across_disks(house, ["reset"], error)

    assert out.returncode == 0, out.stderr
    (kept,) = house.path.glob("work-2*")
    assert (kept / "flask_login_tutorial" / "mine.py").read_text() == "mine"
    assert (kept / "link").is_symlink()
    assert not (house.package / "mine.py").exists()
    assert (house.package / "routes.py").exists()
    assert house.work.stat().st_ino == inode, (
        "a folder where a disk is mounted cannot be deleted"
    )


def test_one_file_is_set_aside_across_disks_too(house: Any) -> None:
    """And nothing else is moved."""
    house.begin("02")
    (house.package / "routes.py").write_text("mine")
    out = call_across_disks(house, ["reset", "routes.py"])

    assert out.returncode == 0, out.stderr
    assert [path.read_text() for path in house.path.glob("work-2*/*/routes.py")] == [
        "mine"
    ]
    assert "mine" not in (house.package / "routes.py").read_text()


def test_what_cannot_be_brought_back_stays_and_so_does_work(house: Any) -> None:
    """A disk that is full in the middle of it: neither the one nor the other may be
    lost.
    """
    house.begin("02")
    (house.package / "routes.py").write_text("first")
    house.run("reset", "routes.py")
    (kept,) = house.path.glob("work-2*")
    (house.package / "mine.py").write_text("mine")
    out = full_disk(house, ["restore", kept.name])

    assert out.returncode == 1
    assert (kept / "flask_login_tutorial" / "routes.py").read_text() == "first"
    assert (house.package / "mine.py").read_text() == "mine"


def full_disk(house: Any, words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command where nothing can be renamed, and nothing copied either."""
    code = "import shutil; shutil.copyfile = shutil.copy2 = shutil.copytree = fail\n"
    script = ACROSS_DISKS.format(error=errno.ENOSPC, words=words).replace(
        "from workbook", f"{code}from workbook"
    )
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=house.path,
        env=house.env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_cannot_be_set_aside_stays_and_leaves_no_empty_folder(house: Any) -> None:
    """A full disk: half of the work in one place and half in another would be lost
    time.
    """
    house.begin("02")
    before = lesson_files(house.work).keys()
    out = full_disk(house, ["reset"])

    assert out.returncode == 1
    assert "No space left on device" in out.stderr
    assert lesson_files(house.work).keys() == before
    assert (
        json.loads((house.work / ".workbook.json").read_text())["step"] == "02_models"
    )
    assert not list(house.path.glob("work-2*"))
