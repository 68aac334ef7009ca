"""The folder for a room without a network, and installing from it."""

import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workbook import wheels
from workbook.pack import read_targets
from workbook.wheels import find_wheels

BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
PACK = """
import sys
from workbook import bootstrap, cli
bootstrap.ensure = lambda *_: None  # what `pack` needs is here: the suites need it, too
sys.exit(cli.main(["pack", *sys.argv[1:]]))
"""
ENSURE = """
from workbook import bootstrap, variables
variables.clean_environment()
try:
    bootstrap.ensure((), ["list"])
except bootstrap.WorkbookError as error:
    raise SystemExit(str(error))
"""


def make_wheel(
    folder: Path, name: str, *needs: str, tag: str = "py3-none-any", extra: str = ""
) -> None:
    """Write a package with nothing in it but what it needs."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    if extra:
        metadata += f"Provides-Extra: {extra}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    wheel = f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-{tag}.whl", "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", wheel)
        archive.writestr(f"{info}/RECORD", "")


def write_project(house: Any, needs: list[str], pins: str) -> None:
    """Give the house a project that needs these packages, and nothing else."""
    project = f"[project]\ndependencies = {needs}\n[project.optional-dependencies]\n"
    (house.path / "pyproject.toml").write_text(project)
    (house.path / "constraints.txt").write_text(pins)


@pytest.fixture
def shop(house: Any, tmp_path: Path) -> Any:
    """The house, with a folder of packages for pip instead of an index."""
    folder = tmp_path / "shop"
    folder.mkdir()
    make_wheel(
        folder,
        "alpha",
        'on_windows; sys_platform == "win32"',
        'before_3; python_full_version < "3.12.3"',
        'since_3; python_full_version >= "3.12.3"',
        'old_python; python_version < "3.12"',
        "beta[more]>=1",
    )
    make_wheel(folder, "beta", 'gamma; extra == "more"', "alpha", extra="more")
    make_wheel(folder, "on_windows", tag="cp312-cp312-win_amd64")
    for name in ("before_3", "since_3", "old_python", "gamma"):
        make_wheel(folder, name)
    write_project(house, ["alpha>=1"], "alpha==1.0\n")
    house.env |= {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
    }
    return house


def pack(house: Any, *words: str, code: int = 0) -> str:
    """Run `pack` where its own packages are there already; give what it says."""
    result = subprocess.run(
        [sys.executable, "-c", PACK, *words],
        cwd=house.path,
        env=house.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in result.stdout, result.stdout
    assert result.returncode == code, result.stdout
    return result.stdout


def wheels_in(folder: Path) -> set[str]:
    """Return the names of the packages in a folder."""
    return {path.name.partition("-")[0] for path in folder.glob("*.whl")}


def test_wheels_are_those_that_the_room_needs(shop: Any, tmp_path: Path) -> None:
    """pip takes a condition such as "on Windows" for one about the teacher's machine,
    and the third number of a learner's Python is not known.
    """
    room = tmp_path / "a room"
    words = ["--python", "3.12", "--system", "windows", "--no-site"]
    out = pack(shop, str(room), *words)

    expected = {"alpha", "beta", "gamma", "on_windows", "before_3", "since_3"}
    assert wheels_in(room / "wheels") == expected
    read_me = (room / "READ-ME-FIRST.txt").read_text(encoding="utf-8")
    assert "Python 3.12 on Windows" in read_me
    assert " MB" in out


def test_each_system_that_is_named_gets_its_wheels(shop: Any, tmp_path: Path) -> None:
    """In one room there are several."""
    words = ["--python", "3.11", "--system", "mac", "--system", "linux", "--no-site"]
    out = pack(shop, str(tmp_path / "room"), *words)

    found = wheels_in(tmp_path / "room" / "wheels")
    assert "old_python" in found
    assert "on_windows" not in found
    for title in ("Python 3.11 on macOS", "Python 3.11 on Linux"):
        assert f"Fetching wheels for {title}" in out


def test_each_python_is_fetched_for_each_system() -> None:
    """Who has which is not known before."""
    targets = read_targets(["3.11", "3.12"], ["mac", "linux"])

    assert {str(target) for target in targets} == {
        "Python 3.11 on macOS on Apple silicon",
        "Python 3.11 on Linux",
        "Python 3.12 on macOS on Apple silicon",
        "Python 3.12 on Linux",
    }


def test_wheels_that_are_missing_are_told_and_the_next_call_carries_on(
    shop: Any, tmp_path: Path
) -> None:
    """A network breaks; what was fetched stays, and nothing looks complete."""
    gamma = tmp_path / "shop" / "gamma-1.0-py3-none-any.whl"
    hidden = gamma.rename(tmp_path / "hidden")
    room = tmp_path / "room"
    out = pack(shop, str(room), "--no-site", code=1)
    left = sorted(path.name for path in room.iterdir())
    hidden.rename(gamma)
    pack(shop, str(room), "--no-site")

    assert "are not complete" in out
    assert left == ["wheels"]
    assert "gamma" in wheels_in(room / "wheels")


@pytest.mark.parametrize("with_git", [True, False])
def test_nothing_of_the_teachers_own_is_handed_out(
    shop: Any, tmp_path: Path, with_git: bool
) -> None:
    """A key in .env, accounts in instance/ and the teacher's answers in work/."""
    write_project(shop, [], "")  # to fetch none is enough here
    private = ["steps/01_config/.env", "steps/01_config/instance/a.db", "work/a.py"]
    private += ["work-20260101-101010/b.py", ".venv/c.py", "mine.html", "notes/d.txt"]
    (shop.path / ".gitignore").write_text(
        "# left behind\n.venv/\n.env\ninstance/\nwork/\nwork-*/\n/*.html\nnotes/\n"
        "__pycache__/\n"
    )
    for name in private:
        (shop.path / name).parent.mkdir(parents=True, exist_ok=True)
        (shop.path / name).write_text("secret")
    if with_git:
        shop.git(shop.path, "init", "-q")
        shop.git(shop.path, "add", "-A")
        (shop.path / "todo.txt").write_text("not in git yet")
    room = shop.path / "room"  # as one may well name it
    out = pack(shop, "room", "--no-site")

    copied = {
        path.relative_to(room / "workbook").as_posix()
        for path in room.rglob("workbook/**/*")
    }
    assert "steps/01_config/.env.example" in copied
    assert "workbook/workbook" not in copied
    assert copied.isdisjoint(private)
    assert not [name for name in copied if name.startswith("room")]
    assert ("git does not have them: todo.txt" in out) == with_git
    assert ("todo.txt" in copied) is False


def test_a_folder_that_is_there_is_not_overwritten(shop: Any, tmp_path: Path) -> None:
    """Somebody may have worked in it."""
    work = tmp_path / "room" / "workbook" / "work"
    work.mkdir(parents=True)
    out = pack(shop, str(tmp_path / "room"), "--no-site", code=1)

    assert "is there already, and stays as it is" in out
    assert [path.name for path in (tmp_path / "room").iterdir()] == ["workbook"]


@pytest.mark.parametrize("version", ["3.10", "2.7", "three", "3.12; rm -rf /"])
def test_a_python_that_the_workbook_does_not_run_with_is_named(
    shop: Any, tmp_path: Path, version: str
) -> None:
    """Before anything is downloaded."""
    out = pack(shop, str(tmp_path / "room"), "--python", version, code=1)

    assert f"{version} is no Python that the workbook runs with" in out
    assert not (tmp_path / "room").exists()


class DeadIndex(BaseHTTPRequestHandler):
    """An index that has no package; pip would ask again and again."""

    asked: list[str] = []

    def do_GET(self) -> None:
        """Answer that the service is not available, and note what was asked for."""
        self.asked.append(self.path)
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def offline(house: Any) -> Iterator[Any]:
    """The house, where pip's index does not answer; it needs one package."""
    DeadIndex.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), DeadIndex)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    write_project(house, ["tinything>=1"], "tinything==1.0\n")
    for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX"):
        house.env.pop(name, None)
    house.env |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": f"http://127.0.0.1:{server.server_port}/simple",
        "NO_PROXY": "127.0.0.1",
    }
    yield house
    server.shutdown()
    thread.join()
    server.server_close()


def ensure(house: Any) -> subprocess.CompletedProcess[str]:
    """Look for the packages as a command does, with a Python that has none; then
    `list`.
    """
    return subprocess.run(
        [BASE_PYTHON, "-c", ENSURE],
        cwd=house.path,
        env=house.env,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_packages_come_from_the_folder_wheels_by_themselves(offline: Any) -> None:
    """No variable to set, which differs from shell to shell; the path has blanks."""
    folder = offline.path.parent / "wheels"
    folder.mkdir()
    make_wheel(folder, "tinything")
    out = ensure(offline)

    assert "04_signup" in out.stdout, out.stderr
    assert DeadIndex.asked == []


def test_the_folder_wheels_may_be_in_the_workbook_or_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pack` puts it beside; the nearer one wins, and an empty one is none."""
    root = tmp_path / "workbook"
    inside = root / "wheels"
    beside = tmp_path / "wheels"
    inside.mkdir(parents=True)
    beside.mkdir()
    monkeypatch.setattr(wheels, "ROOT", root)

    found = [find_wheels()]
    for folder in (beside, inside):
        make_wheel(folder, "tinything")
        found.append(find_wheels())

    assert found == [None, beside, inside]


def test_without_a_network_a_sentence_comes_at_once(offline: Any) -> None:
    """pip asks six times, with longer and longer pauses; nothing is made before."""
    out = ensure(offline)

    assert out.returncode == 1
    assert "there is no network, or it needs a proxy" in out.stderr
    assert "`python3 -m workbook pack` makes it" in out.stderr
    assert len(DeadIndex.asked) == 1
    assert not (offline.path / ".venv").exists()


def test_a_folder_for_other_pythons_says_which(offline: Any) -> None:
    """pip would only say that there is no matching distribution."""
    folder = offline.path / "wheels"
    folder.mkdir()
    make_wheel(folder, "tinything", tag="cp33-cp33-win_amd64")
    out = ensure(offline)

    assert "has packages for Python 3.3 on Windows; this is Python 3." in out.stderr


def test_a_folder_without_the_notebooks_packages_names_them(offline: Any) -> None:
    """`pack` leaves them out unless it is asked for them."""
    write_project(offline, ["tinything>=1", "jupyterlab>=4"], "")
    folder = offline.path / "wheels"
    folder.mkdir()
    make_wheel(folder, "tinything")
    out = ensure(offline)

    assert "wheels lacks jupyterlab>=4." in out.stderr
