"""`diff`: in the order of the lesson, exact in a pipe, as a page to project."""

import html
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import STEPS
from workbook.lessons import lessons

DATA = "flask_login_tutorial/common_passwords.txt"
NEIGHBOURS = [(STEPS[number].name, STEPS[number + 1].name) for number in range(1, 6)]


@pytest.fixture
def screen(terminal: Callable) -> Callable[..., str]:
    """Run the command in a terminal, with a pager that shows all at once."""

    def run(*words: str, **settings: Any) -> str:
        return terminal(*words, **{"PAGER": "cat", **settings})

    return run


@pytest.mark.parametrize(("a", "b"), NEIGHBOURS)
def test_a_piped_diff_can_be_applied(
    shared_house: Any, tmp_path: Path, a: str, b: str
) -> None:
    """`diff 04 05 | git apply` on a copy of 04 makes 05, to the byte."""
    copy = tmp_path / "copy"
    shutil.copytree(shared_house.path / "steps" / a, copy)
    shared_house.git(copy, "apply", "-", data=shared_house.pipe("diff", a, b))

    there = {
        path.relative_to(copy): path.read_bytes()
        for path in copy.rglob("*")
        if path.is_file()
    }
    step = shared_house.path / "steps" / b
    assert there == {
        path.relative_to(step): path.read_bytes()
        for path in step.rglob("*")
        if path.is_file()
    }


def test_odd_files_survive_a_piped_diff(house: Any) -> None:
    """New, deleted, no last newline, Windows line ends, other letters in names."""
    copy = house.path / "one"
    shutil.copytree(house.path / "steps" / "01_config", copy)
    house.begin("02")
    (house.package / "leer zeichen é.py").write_bytes(b"a = 1\r\nb = 2")
    (house.package / "errors.py").unlink()
    (house.package / "routes.py").write_bytes(
        (house.package / "routes.py").read_bytes().replace(b"\n", b"\r\n")
    )
    house.git(copy, "apply", "-", data=house.pipe("diff", "01", "work"))

    assert (
        copy / "flask_login_tutorial" / "leer zeichen é.py"
    ).read_bytes() == b"a = 1\r\nb = 2"
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

    assert not any(
        word in house.pipe("diff", "03", "04")
        for word in ("hunter2", "instance/workbook.db", "wsgi.pyc")
    )


def test_a_diff_is_told_as_a_lesson(shared_house: Any) -> None:
    """Settings, models, forms, views, templates; what stayed is one line at the end."""
    out = shared_house.run("diff", "04", "05", "--stat")
    order = [
        out.index(f"tutorial/{name}")
        for name in ("config", "models", "forms", "auth", "routes", "templates/base")
    ]

    assert order == sorted(order)
    assert out.splitlines()[-1].startswith("The same in both: ")


def test_a_diff_can_be_of_one_file(shared_house: Any) -> None:
    """With or without its folders; an unknown one gets the nearest name."""
    assert shared_house.pipe("diff", "04", "05", "auth.py") == shared_house.pipe(
        "diff", "04", "05", "flask_login_tutorial/auth.py"
    )
    assert shared_house.pipe("diff", "04", "05", "auth.py").count("diff --git") == 1
    assert "Did you mean auth.py" in shared_house.run(
        "diff", "04", "05", "auht.py", code=1
    )


def test_without_git_it_says_so(house: Any) -> None:
    """In one sentence, whatever is asked for."""
    house.begin("02")
    for words in (
        ("diff", "04", "05"),
        ("diff", "04", "05", "--stat"),
        ("peek",),
    ):
        out = house.run(*words, code=1, PATH="/nonexistent")

        assert "Git is not installed, and " in out
        assert " needs it." in out


def test_the_users_own_git_settings_change_nothing(
    house: Any, screen: Callable
) -> None:
    """They may choose other colours, other prefixes and another program to compare."""
    plain = house.pipe("diff", "04", "05"), screen("diff", "04", "05")
    settings = """
[color "diff"]
    oldMoved = blue
    new = magenta
[diff]
    mnemonicPrefix = true
    noprefix = true
    external = false
    context = 0
[core]
    quotePath = true
"""
    (house.path / ".gitconfig").write_text(settings)
    variables = {"HOME": str(house.path), "GIT_EXTERNAL_DIFF": "false"}

    assert house.pipe("diff", "04", "05", **variables) == plain[0]
    assert screen("diff", "04", "05", **variables) == plain[1]


@pytest.mark.parametrize(("a", "b"), NEIGHBOURS)
def test_a_reader_is_shown_no_data_and_no_documents(
    house: Any, screen: Callable, a: str, b: str
) -> None:
    """They are named: 4,000 passwords are no lesson, and the page tells the story."""
    patch = house.pipe("diff", a, b)
    left_out_names = re.findall(r"^diff --git .* b/(.*)$", patch, re.MULTILINE)
    named = sorted(name for name in left_out_names if is_left_out(name))
    left_out = f"Left out: {', '.join(named)}."
    assert "README.md" in named

    house.run("diff", a, b, "--html", "lesson.html")
    page = (house.path / "lesson.html").read_text(encoding="utf-8")
    shown = screen("diff", a, b, columns=120, NO_COLOR="1").replace("\r", "")

    assert f"\n{left_out}\n" in shown
    assert len(shown.splitlines()) < 1200
    assert [name for name in named if f">{name}</h3>" in page] == []


def is_left_out(name: str) -> bool:
    """Return whether a file is a document, a file for the deployment, or data."""
    return name == DATA or name.endswith(".md") or name.startswith("deploy/")


def test_a_reader_can_ask_for_a_document_but_not_for_data(
    house: Any, screen: Callable
) -> None:
    """Nobody reads 4,000 lines, even if they name the file."""
    house.begin("02")
    (house.work / "README.md").write_text("# My own notes\n")
    (house.work / DATA).write_text("correct horse battery staple\n")

    assert "+# My own notes" in screen("diff", "01", "work", "README.md", NO_COLOR="1")
    data = screen("diff", "01", "work", "common_passwords.txt", NO_COLOR="1")
    assert f"Left out: {DATA}." in data
    assert "staple" not in data


def test_a_text_in_the_package_is_no_document(house: Any, screen: Callable) -> None:
    """It is a part of the app, as it is for the lessons."""
    house.begin("02")
    (house.package / "notes.md").write_text("# How we hash\n")

    assert "+# How we hash" in screen("diff", "01", "work", NO_COLOR="1")


def test_a_wide_terminal_shows_both_sides(screen: Callable) -> None:
    """From 140 columns on; narrower, one below the other. In colour."""
    wide = screen("diff", "04", "05", columns=150)
    narrow = screen("diff", "04", "05", columns=80)

    assert "│" in wide
    assert "│" not in narrow
    assert "\x1b[32m+" in narrow


@pytest.mark.parametrize("columns", [80, 150])
def test_a_terminal_of_any_width_shows_every_changed_line_whole(
    house: Any, screen: Callable, columns: int
) -> None:
    """A line that is cut off at the edge may be cut off where it differs."""
    path = "flask_login_tutorial"
    piped = house.pipe("diff", "04", "05", path).splitlines()
    changed = [line[1:] for line in piped if re.match(r"[+-](?![+-])", line)]
    shown = screen("diff", "04", "05", path, columns=columns, NO_COLOR="1").splitlines()
    sides = []
    for side in (0, 2):
        cells = [row.partition("│")[side].strip(" ")[1:] for row in shown]
        sides.append(re.sub(r"\s", "", "".join(cells)))

    lost = [
        line
        for line in changed
        if not any(re.sub(r"\s", "", line) in side for side in sides)
    ]

    assert lost == []


@pytest.mark.parametrize("columns", [80, 150])
def test_each_part_of_a_wrapped_line_has_its_sign(
    house: Any, screen: Callable, columns: int
) -> None:
    """Else the end of a new line looks like one that was always there."""
    house.begin("02")
    old = " ".join(["before"] * 40)
    new = " ".join(["after"] * 40)
    (house.path / "steps" / "01_config" / "wsgi.py").write_text(f"{old}\n")
    (house.work / "wsgi.py").write_text(f"{new}\n")

    rows = screen(
        "diff", "01", "work", "wsgi.py", columns=columns, NO_COLOR="1"
    ).splitlines()
    cells = [cell.strip() for row in rows for cell in row.split("│")]
    signs = [cell[0] for cell in cells if "before" in cell or "after" in cell]

    assert len(signs) >= 6
    assert {*signs} == {"-", "+"}
    assert max(len(row) for row in rows if "before" in row) <= columns


def test_a_long_diff_goes_through_a_pager(house: Any, terminal: Callable) -> None:
    """On a terminal, all of it but what fits; `less` ends with q, and shows colours."""
    pager = house.path / "pager"
    pager.write_text('#!/bin/sh\necho "$0 $1 has $(wc -l) lines"\n')
    pager.chmod(0o755)
    house.env.pop("LESS", None)
    house.env.pop("PAGER", None)

    long = terminal("diff", "04", "05", PAGER=f"'{pager}' -x")
    short = terminal("diff", "04", "05", "routes.py", PAGER=f"'{pager}' -x")

    assert re.search(r"pager -x has \d{3,} lines", long)
    assert "pager -x" not in short
    assert "\x1b[32m+" in terminal("diff", "04", "05", keys=(("\x1b[32m+", "q"),))


def test_a_terminal_without_a_pager_gets_it_all(house: Any, terminal: Callable) -> None:
    """Not every machine has `less`, and a simple terminal cannot show what it does."""
    assert "login.html" in terminal("diff", "04", "05", PAGER="no-such-program")
    assert "login.html" in terminal("diff", "04", "05", PAGER="true", TERM="dumb")
    assert "login.html" in terminal("diff", "04", "05", PAGER="")


def test_a_line_that_was_only_indented_is_a_change(
    house: Any, screen: Callable
) -> None:
    """In Python it means something else. A block that only moved draws no attention."""
    house.begin("02")
    block = "def a_function_of_some_length() -> str:\n    first_value = 'one'\n    return first_value\n"
    old = house.path / "steps" / "01_config" / "flask_login_tutorial"
    (old / "errors.py").write_text(block + "\n\nLAST = 1\n")
    (old / "routes.py").write_text("if True:\n    x = check_the_secret_key(1)\n")
    (house.package / "errors.py").write_text("LAST = 1\n")
    (house.package / "routes.py").write_text(
        f"if True:\n        x = check_the_secret_key(1)\n\n\n{block}"
    )

    out = screen("diff", "01", "work")

    assert "\x1b[31m-    x = check_the_secret_key(1)" in out
    assert "\x1b[32m+        x = check_the_secret_key(1)" in out
    assert f"\x1b[2m-{block.splitlines()[0]}" in out
    assert f"\x1b[2m+{block.splitlines()[0]}" in out


def test_a_hunk_says_which_function_it_is_in(house: Any, screen: Callable) -> None:
    """A method's name says more than a number. Other files have no functions."""
    house.begin("02")
    step = house.path / "steps" / "01_config"
    lines = "".join(f"        x = {number}\n" for number in range(9))
    text = f"class A:\n    def first(self):\n{lines}"
    for name in ("wsgi.py", ".env.example"):
        (step / name).write_text(text)
        (house.work / name).write_text(text + "        y = 1\n")

    out = screen("diff", "01", "work", NO_COLOR="1").replace("\r", "")

    assert "Line 9, in def first(self):\n" in out
    assert "Line 9\n" in out


def test_a_file_cannot_send_commands_to_the_terminal(
    house: Any, screen: Callable
) -> None:
    """An escape sequence clears the screen, or hides a line; it is shown instead."""
    house.begin("02")
    (house.work / "wsgi.py").write_text("a = '\x1b[2Jb\rc'\n")

    assert "+a = '␛[2Jb␍c'" in screen("diff", "01", "work", "wsgi.py", NO_COLOR="1")


def test_files_with_odd_names_have_their_lines_shown(
    house: Any, screen: Callable
) -> None:
    """Blanks, other letters, quotes; a file where there was a folder."""
    house.begin("02")
    names = ("leer zeichen é.py", "b and b.py", "a b/b c.py", "folder")
    for name in names:
        (house.package / name).parent.mkdir(exist_ok=True)
        (house.package / name).write_text(f"here = {name!r}\n")
    other = (
        house.path
        / "steps"
        / "01_config"
        / "flask_login_tutorial"
        / "folder"
        / "file.py"
    )
    other.parent.mkdir()
    other.write_text("gone = 1\n")

    out = screen("diff", "01", "work", NO_COLOR="1", columns=100)

    for name in names:
        assert re.search(rf"flask_login_tutorial/{name} +\+1 -0 new", out)
    assert re.search(r"folder/file.py +\+0 -1 deleted", out)


def test_what_has_no_lines_to_show_is_named(house: Any, screen: Callable) -> None:
    """New, deleted, empty, binary: else a change shows as nothing."""
    house.begin("02")
    (house.package / "errors.py").unlink()
    (house.package / "empty.py").touch()
    (house.package / "logo.png").write_bytes(b"\x89PNG\0\0")
    (house.package / "gone.txt").symlink_to("nowhere")

    out = screen("diff", "01", "work", NO_COLOR="1", columns=100)

    assert re.search(r"errors\.py +\+0 -\d+ deleted", out)
    assert re.search(r"empty\.py +\+0 -0 new empty", out)
    assert re.search(r"logo\.png +\+0 -0 new binary", out)
    assert "Line 0" not in out


def test_a_binary_file_comes_with_a_piped_diff(house: Any) -> None:
    """Else a picture is missing, or git refuses all the other files too."""
    copy = house.path / "one"
    shutil.copytree(house.path / "steps" / "01_config", copy)
    house.begin("02")
    (house.package / "logo.png").write_bytes(b"\x89PNG\0\0")
    house.edit("routes.py", "bp = ", "bp = pages = ")
    house.git(copy, "apply", "-", data=house.pipe("diff", "01", "work"))

    package = copy / "flask_login_tutorial"
    assert "pages = " in (package / "routes.py").read_text()
    assert (package / "logo.png").read_bytes() == b"\x89PNG\0\0"


def test_a_page_never_takes_the_place_of_something_else(house: Any) -> None:
    """A slip in the command, and somebody's code is gone. An older page may go."""
    house.begin("02")

    assert "is not an HTML page" in house.run(
        "diff", "01", "02", "--html", "work/wsgi.py", code=1
    )
    assert "create_app" in (house.work / "wsgi.py").read_text()
    for _ in range(2):
        house.run("diff", "01", "02", "--html", "lesson.html")


def test_a_page_can_show_a_file_in_another_encoding(house: Any) -> None:
    """Some editors still write it."""
    house.begin("02")
    (house.package / "latin1.py").write_bytes(b"name = 'caf\xe9'\n")
    house.run("diff", "01", "work", "--html", "lesson.html")

    assert "caf?" in (house.path / "lesson.html").read_text(encoding="utf-8")


def test_a_page_marks_each_line(house: Any) -> None:
    """Added, removed, only moved, without a last newline; each with its number."""
    house.begin("02")
    block = "def a_function_of_some_length() -> str:\n    return 'one'\n"
    old = house.path / "steps" / "01_config" / "wsgi.py"
    old.write_text(f"{block}a = 1\nb = 2\nc = 3\nd = 4\n")
    (house.work / "wsgi.py").write_text(f"a = 1\nb = 2\nc = 3\n{block}e = 5")
    house.run("diff", "01", "work", "wsgi.py", "--html", "lesson.html")
    page = (house.path / "lesson.html").read_text(encoding="utf-8")
    seen = []
    for kind, row in re.findall(r'<tr class="(\w*)">(.*?)</tr>', page):
        text = html.unescape(re.sub(r"<.*?>", " ", row))
        seen.append((kind, "".join(text.split())))

    assert seen == [
        ("at", "Line1"),
        ("moved", "1-moveddefa_function_of_some_length()->str:"),
        ("moved", "2-movedreturn'one'"),
        ("", "31a=1"),
        ("", "42b=2"),
        ("", "53c=3"),
        ("removed", "6-removedd=4"),
        ("moved", "4+moveddefa_function_of_some_length()->str:"),
        ("moved", "5+movedreturn'one'"),
        ("added", "6+addede=5(nonewlineattheend)"),
    ]
    assert "Lines in italics have only moved." in page


def test_a_page_over_several_steps_has_each_of_their_lessons(house: Any) -> None:
    """And none on the way back."""
    house.run("diff", "02", "05", "--html", "far.html")
    house.run("diff", "05", "04", "--html", "back.html")
    far, back = (
        (house.path / name).read_text(encoding="utf-8")
        for name in ("far.html", "back.html")
    )

    titles = re.findall(r'<h2 id="title-\d+">(\S+)', far)
    steps = ("03_forms", "04_signup", "05_login")
    assert titles == [lesson.name for step in steps for lesson in lessons(step)]
    assert "<h1>Back from 05_login to 04_signup</h1>" in back
    assert "<h2" not in back


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour_gets_none(
    screen: Callable, env: dict[str, str]
) -> None:
    """Some cannot show it, and some people do not want it."""
    assert "\x1b" not in screen("diff", "04", "05", "auth.py", **env)


def test_a_reader_who_has_seen_enough_ends_it(house: Any) -> None:
    """`diff 01 06 | head -1` must not end in a traceback."""
    command = "python -m workbook diff 01 06 | head -1"
    out = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=house.path,
        env=house.env,
        capture_output=True,
        text=True,
        check=False,
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
        self.loads += [
            value for name, value in attrs if name in ("src", "srcset", "data")
        ]
        if tag == "link" and not (values.get("href") or "").startswith("data:"):
            self.loads.append(values.get("href"))
        if tag == "a" and (values.get("href") or "").startswith("#"):
            self.links.append(values["href"][1:])


@pytest.mark.parametrize(("a", "b"), NEIGHBOURS)
def test_the_page_is_whole_in_one_file(house: Any, a: str, b: str) -> None:
    """It is mailed and shown without a network. A lesson's text comes before its
    changes, and one can go from lesson to lesson.
    """
    house.run("diff", a, b, "--html", "lesson.html")
    text = (house.path / "lesson.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)

    first = lessons(b)[0]
    assert f"<h1>From {a} to {b}, lesson by lesson</h1>" in text
    assert text.index(f"{first.name} {first.title}</h2>") < text.index("<table>")
    assert "Next lesson</a>" in text
    assert page.loads == []
    assert "script" not in page.tags
    assert {*page.links} <= page.ids
    assert "prefers-color-scheme: dark" in text
    assert '<html lang="en">' in text
