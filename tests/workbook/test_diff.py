"""`diff`: the lesson in order for a reader, plain and exact for a pipe, a page for the wall."""

import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from harness import ROOT, STEPS

NEIGHBOURS = [(STEPS[number].name, STEPS[number + 1].name) for number in range(1, 6)]


@pytest.mark.parametrize(("a", "b"), NEIGHBOURS)
def test_a_piped_diff_can_be_applied(house: Any, a: str, b: str) -> None:
    """`diff 04 05 | git apply` on a copy of 04 makes 05, to the byte."""
    copy = house.path / "copy"
    shutil.copytree(house.path / "steps" / a, copy)
    house.git(copy, "apply", "-", data=house.pipe("diff", a, b))

    there = {path.relative_to(copy): path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    step = house.path / "steps" / b
    assert there == {path.relative_to(step): path.read_bytes() for path in step.rglob("*") if path.is_file()}


def test_odd_files_survive_a_piped_diff(house: Any) -> None:
    """New, deleted, without a last newline, with Windows line ends, with blanks and other letters in the name."""
    copy = house.path / "one"
    shutil.copytree(house.path / "steps" / "01_config", copy)
    house.begin("02")
    (house.package / "leer zeichen é.py").write_bytes(b"a = 1\r\nb = 2")
    (house.package / "errors.py").unlink()
    (house.package / "routes.py").write_bytes((house.package / "routes.py").read_bytes().replace(b"\n", b"\r\n"))
    house.git(copy, "apply", "-", data=house.pipe("diff", "01", "work"))

    assert (copy / "flask_login_tutorial" / "leer zeichen é.py").read_bytes() == b"a = 1\r\nb = 2"
    assert not (copy / "flask_login_tutorial" / "errors.py").exists()
    assert b"\r\n" in (copy / "flask_login_tutorial" / "routes.py").read_bytes()


def test_what_running_leaves_behind_is_no_part_of_a_diff(house: Any) -> None:
    """Least of all the key."""
    step = house.path / "steps" / "04_signup"
    (step / "instance").mkdir()
    (step / "instance" / "workbook.db").write_bytes(b"\0")
    (step / ".env").write_text("SECRET_KEY=hunter2")
    (step / "__pycache__").mkdir()
    (step / "__pycache__" / "wsgi.pyc").write_bytes(b"\0")

    assert not any(word in house.pipe("diff", "03", "04") for word in ("hunter2", "instance/workbook.db", "wsgi.pyc"))


def test_a_diff_is_told_as_a_lesson(house: Any) -> None:
    """Settings, models, forms, views, templates; what did not change is one line at the end."""
    out = house.run("diff", "04", "05", "--stat")
    order = [
        out.index(f"tutorial/{name}") for name in ("config", "models", "forms", "auth", "routes", "templates/base")
    ]

    assert order == sorted(order)
    assert out.splitlines()[-1].startswith("The same in both: ")


def test_a_diff_can_be_of_one_file(house: Any) -> None:
    """With or without its folders; an unknown one gets the nearest name."""
    assert house.pipe("diff", "04", "05", "auth.py") == house.pipe("diff", "04", "05", "flask_login_tutorial/auth.py")
    assert house.pipe("diff", "04", "05", "auth.py").count("diff --git") == 1
    assert "Did you mean auth.py" in house.run("diff", "04", "05", "auht.py", code=1)


def test_without_git_it_still_compares(house: Any) -> None:
    """Not every machine in a workshop has it."""
    assert house.pipe("diff", "04", "05", PATH="/nonexistent") == house.pipe("diff", "04", "05")


def test_a_wide_terminal_shows_both_sides(house: Any, terminal: Callable) -> None:
    """From 140 columns on; narrower, one below the other. In colour."""
    wide, narrow = terminal("diff", "04", "05", columns=150), terminal("diff", "04", "05", columns=80)

    assert "│" in wide
    assert "│" not in narrow
    assert "\x1b[32m+" in narrow


@pytest.mark.parametrize("columns", [80, 150])
def test_a_terminal_of_any_width_shows_every_changed_line_whole(house: Any, terminal: Callable, columns: int) -> None:
    """A line that is cut off at the edge may be cut off where it differs."""
    changed = [line[1:] for line in house.pipe("diff", "04", "05").splitlines() if re.match(r"[+-](?![+-])", line)]
    shown = terminal("diff", "04", "05", columns=columns, NO_COLOR="1").replace("\r", "")
    halves = [[row.partition("│")[side] for row in shown.splitlines()] for side in (0, 2)]
    text = [re.sub(r"\s", "", "".join(half)) for half in halves]

    assert [line for line in changed if not any(re.sub(r"\s", "", line) in side for side in text)] == []


def test_a_line_that_was_only_indented_is_a_change(house: Any, terminal: Callable) -> None:
    """In Python it means something else. A block that went somewhere else as it was draws no attention."""
    house.begin("02")
    routes = house.package / "routes.py"
    errors = (house.package / "errors.py").read_text()
    block = "".join(errors.splitlines(keepends=True)[7:15])
    (house.package / "errors.py").write_text(errors.replace(block, ""))
    routes.write_text(routes.read_text() + block)
    house.edit(
        "config.py",
        '    check_key("SECRET_KEY", config["SECRET_KEY"])',
        '        check_key("SECRET_KEY", config["SECRET_KEY"])',
    )

    out = terminal("diff", "01", "work")

    assert '\x1b[32m+        check_key("SECRET_KEY"' in out
    assert f"\x1b[2m+{block.splitlines()[0]}" in out


def test_what_has_no_lines_to_show_is_named(house: Any, terminal: Callable) -> None:
    """New, deleted, empty, binary: else a change shows as nothing."""
    house.begin("02")
    (house.package / "errors.py").unlink()
    (house.package / "empty.py").touch()
    (house.package / "logo.png").write_bytes(b"\x89PNG\0\0")
    (house.package / "gone.txt").symlink_to("nowhere")

    out = terminal("diff", "01", "work", NO_COLOR="1", columns=100)

    assert re.search(r"errors\.py +\+0 -\d+ deleted", out)
    assert re.search(r"empty\.py +\+0 -0 new empty", out)
    assert re.search(r"logo\.png +\+0 -0 new binary", out)
    assert "Line 0" not in out


def test_a_binary_file_does_not_spoil_a_piped_diff(house: Any) -> None:
    """One that git cannot take would make it refuse all the others."""
    copy = house.path / "one"
    shutil.copytree(house.path / "steps" / "01_config", copy)
    house.begin("02")
    (house.package / "logo.png").write_bytes(b"\x89PNG\0\0")
    house.edit("routes.py", "bp = ", "bp = pages = ")
    house.git(copy, "apply", "-", data=house.pipe("diff", "01", "work"))

    assert "pages = " in (copy / "flask_login_tutorial" / "routes.py").read_text()
    assert "Left out, as it is no text: flask_login_tutorial/logo.png" in house.run("diff", "01", "work")


def test_a_page_never_takes_the_place_of_something_else(house: Any) -> None:
    """A slip in the command, and somebody's code is gone. An older page may go."""
    house.begin("02")

    assert "is no page" in house.run("diff", "01", "02", "--html", "work/wsgi.py", code=1)
    assert "create_app" in (house.work / "wsgi.py").read_text()
    for _ in range(2):
        house.run("diff", "01", "02", "--html", "lesson.html")


def test_a_page_can_show_a_file_in_another_encoding(house: Any) -> None:
    """Some editors still write it."""
    house.begin("02")
    (house.package / "latin1.py").write_bytes(b"name = 'caf\xe9'\n")
    house.run("diff", "01", "work", "--html", "lesson.html")

    assert "caf?" in (house.path / "lesson.html").read_text(encoding="utf-8")


def test_a_page_over_several_steps_tells_each_of_their_stories(house: Any) -> None:
    """And none on the way back."""
    house.run("diff", "02", "05", "--html", "far.html")
    house.run("diff", "05", "04", "--html", "back.html")
    far, back = ((house.path / name).read_text(encoding="utf-8") for name in ("far.html", "back.html"))

    assert [far.index(f"<h1>Step {number}") for number in ("03", "04", "05")] == sorted(
        far.index(f"<h1>Step {number}") for number in ("03", "04", "05")
    )
    assert "<h1>Back from 05_login to 04_signup</h1>" in back
    assert "<h1>Step" not in back


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_gets_none(terminal: Callable, env: dict[str, str]) -> None:
    """Some cannot show it, and some people do not want it."""
    assert "\x1b" not in terminal("diff", "04", "05", "auth.py", **env)


def test_a_reader_who_has_seen_enough_ends_it(house: Any) -> None:
    """`diff 01 06 | head -1` must not end in a traceback."""
    command = "python -m workbook diff 01 06 | head -1"
    out = subprocess.run(
        ["/bin/sh", "-c", command], cwd=house.path, env=house.env, capture_output=True, text=True, check=False
    )

    assert "Traceback" not in out.stderr


class Page(HTMLParser):
    """What a page loads, and what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag fetches and where it leads."""
        values = dict(attrs)
        self.tags.append(tag)
        self.ids.add(values.get("id") or "")
        self.loads += [value for name, value in attrs if name in ("src", "srcset", "data")]
        if tag == "link" and not (values.get("href") or "").startswith("data:"):
            self.loads.append(values.get("href"))
        if tag == "a" and (values.get("href") or "").startswith("#"):
            self.links.append(values["href"][1:])


@pytest.mark.parametrize(("a", "b"), NEIGHBOURS)
def test_the_page_is_whole_in_one_file(house: Any, a: str, b: str) -> None:
    """It is mailed around and shown without a network. The step's own story comes first."""
    house.run("diff", a, b, "--html", "lesson.html")
    text = (house.path / "lesson.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)

    title = (ROOT / "steps" / b / "README.md").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert text.index(f"<h1>{title}</h1>") < text.index("<table>")
    assert page.loads == []
    assert "script" not in page.tags
    assert {*page.links} <= page.ids
    assert "prefers-color-scheme: dark" in text
    assert '<html lang="en">' in text
