"""`list --all`: a teacher sees who needs help now."""

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workbook.lessons import behaviour_names, lessons
from workbook.room import Participant, read_room

LESSON = lessons("04_signup")[0]
OWN = behaviour_names(LESSON)


def ago(minutes: float) -> str:
    """Return the time some minutes ago, as notes hold it."""
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def write_notes(folder: Path, **changes: Any) -> Path:
    """Write the notes of somebody at the first lesson of step 04; return their file."""
    notes = {
        "step": "04_signup",
        "lesson": 1,
        "failing": OWN[1:],
        "started_with": {"04.1": []},
        "checked_at": ago(1),
        "progressed_at": ago(5),
        **changes,
    }
    (folder / "work").mkdir(parents=True, exist_ok=True)
    file = folder / "work" / ".workbook.json"
    file.write_text(json.dumps(notes), encoding="utf-8")
    return file


def only(room: list[Participant]) -> Participant:
    """Return the one person of a room."""
    (participant,) = room
    return participant


def test_what_was_there_from_the_start_was_not_built(tmp_path: Path) -> None:
    """Else somebody who has written nothing yet seems to be nearly done."""
    write_notes(tmp_path / "Ada", failing=OWN[2:], started_with={"04.1": OWN[:1]})
    ada = only(read_room([str(tmp_path / "Ada")]))

    assert (ada.lesson, ada.built, ada.to_build) == ("04.1", 1, len(OWN) - 1)
    assert ada.failing[0] == OWN[2]


def test_who_is_stuck_longest_comes_first(tmp_path: Path) -> None:
    """The teacher reads from the top; who is done, and who has not begun, can wait."""
    write_notes(tmp_path / "five", progressed_at=ago(5))
    write_notes(tmp_path / "forty", progressed_at=ago(40))
    write_notes(tmp_path / "done", failing=[], progressed_at=ago(90))
    room = read_room([str(tmp_path / name) for name in ("five", "gone", "done")])
    everybody = read_room([str(tmp_path), str(tmp_path / "gone")])

    assert [one.name for one in room] == ["five", "done", "gone"]
    assert [one.name for one in everybody] == ["forty", "five", "done", "gone"]
    assert everybody[0].minutes_stuck == 40


def test_an_app_that_does_not_start_is_marked(house: Any, tmp_path: Path) -> None:
    """With a syntax error no test runs: the last good result would look fine."""
    write_notes(tmp_path / "Ada", app_starts=False)
    out = house.run("list", "--all", str(tmp_path / "Ada"))

    (row,) = [line for line in out.splitlines() if " Ada " in line]
    assert row.startswith("! Ada")
    assert "the app does not start" in row


def test_check_notes_that_the_app_does_not_start_and_that_it_does_again(
    house: Any,
) -> None:
    """`list --all` reads notes alone."""
    house.begin_lesson("01.2")
    house.edit("__init__.py", "def create_app(", "def create_app((")
    house.run("check", code=1)
    broken = only(read_room([str(house.path)]))
    house.edit("__init__.py", "def create_app((", "def create_app(")
    house.run("check", code=1)
    mended = only(read_room([str(house.path)]))

    assert broken.app_starts is False
    assert broken.minutes_since_check == 0
    assert mended.app_starts is True
    assert mended.lesson == "01.2"
    assert mended.built == 0
    assert mended.to_build > 0


def test_start_and_check_note_what_was_built_and_when(house: Any) -> None:
    """From the first word of the lesson on; times are in UTC."""
    house.run("start", "01.2")
    begun = house.notes
    held = set(begun["started_with"]["01.2"])
    begun["progressed_at"] = ago(30)
    house.note(**begun)
    house.run("check", code=1)
    stuck = only(read_room([str(house.path)]))
    step = house.path / "steps" / "01_config"
    shutil.copytree(step, house.work, dirs_exist_ok=True)
    house.run("check")
    after = house.notes

    own = behaviour_names(lessons("01_config")[1])
    assert held == set(own) - set(begun["failing"])
    assert stuck.minutes_stuck == 30
    assert stuck.built == 0
    assert stuck.minutes_since_check == 0
    assert after["progressed_at"].endswith("+00:00")
    assert after["progressed_at"] > begun["progressed_at"]


def test_all_ways_of_collecting_notes_are_read(tmp_path: Path) -> None:
    """A shared folder of workbooks, work/ alone, or the small files by themselves."""
    file = write_notes(tmp_path / "whole book" / "Ada")
    alone = tmp_path / "alone" / "Ben"
    alone.mkdir(parents=True)
    (alone / ".workbook.json").write_bytes(file.read_bytes())
    loose = tmp_path / "loose"
    loose.mkdir()
    (loose / "Cleo.workbook.json").write_bytes(file.read_bytes())
    (loose / "Dan.json").write_bytes(file.read_bytes())
    packed = write_notes(tmp_path / "packed" / "Eve" / "workbook").parent.parent.parent
    words = [tmp_path / "whole book" / "Ada", alone / ".workbook.json", loose, packed]
    room = read_room([str(word) for word in words])
    star = read_room([str(tmp_path / "whole book" / "*"), str(loose / "*.json")])

    assert sorted(one.name for one in room) == ["Ada", "Ben", "Cleo", "Dan", "Eve"]
    assert sorted(one.name for one in star) == ["Ada", "Cleo", "Dan"]
    assert {one.lesson for one in room + star} == {"04.1"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"lesson": Infinity}',
        '{"checked_at": "yesterday"}',
        '{"checked_at": 7}',
        '{"started_with": {"04.1": 3}}',
        "[" * 100_000,
    ],
)
def test_damaged_notes_are_named_and_hide_nobody(tmp_path: Path, text: str) -> None:
    """One broken file in thirty: the others are still to be seen."""
    write_notes(tmp_path / "Ada")
    write_notes(tmp_path / "Ben").write_text(text)
    room = {one.name: one.problem for one in read_room([str(tmp_path)])}

    assert room == {"Ada": "", "Ben": "the notes are damaged"}


def test_whoever_has_no_notes_is_named_too(tmp_path: Path) -> None:
    """A folder that is missing is a typing error of the teacher's; an empty one is not."""
    (tmp_path / "Ada" / "workbook").mkdir(parents=True)
    write_notes(tmp_path / "Ben", step="07_nothing")
    words = [str(tmp_path / name) for name in ("Ada", "Ben", "Cleo", "D*")]
    room = {one.name: one.problem for one in read_room(words)}

    assert room == {
        "Ada": "has not begun: there are no notes",
        "Ben": "the notes name no step",
        "Cleo": "there is no such folder",
        "D*": "there is no such folder",
    }


def test_people_with_names_that_begin_alike_are_told_apart(
    house: Any, tmp_path: Path
) -> None:
    """Long names, names with blanks, and the same name in two groups."""
    long = "Maria Magdalena Theresia"
    for name in (f"{long} Abt", f"{long} Beer", "red/Kim", "blue/Kim"):
        write_notes(tmp_path / name)
    words = [f"{long} Abt", f"{long} Beer", "red/Kim", "blue/Kim"]
    out = house.run("list", "--all", *[str(tmp_path / word) for word in words])

    rows = [line[2:20].strip() for line in out.splitlines() if " 04.1 " in line]
    assert len(set(rows)) == 4
    assert {"red/Kim", "blue/Kim"} < set(rows)
    assert [row for row in rows if row.startswith("Maria") and row.endswith("Abt")]


def test_the_table_is_80_columns_wide_whatever_the_notes_hold(
    house: Any, tmp_path: Path
) -> None:
    """It is projected; and notes come from other people's machines."""
    nasty = ["04_signup::test_\x1b[2J" + "x" * 200]
    write_notes(tmp_path / ("A\x1b[31m" + "d" * 90), failing=nasty)
    write_notes(tmp_path / "Ben", failing=OWN, checked_at=ago(9_999_999), lesson=99)
    write_notes(tmp_path / "Cleo").write_bytes(b"\xff\xfe")
    out = house.run("list", "--all", str(tmp_path), str(tmp_path / ("n" * 70)))

    assert max(len(line) for line in out.splitlines()) <= 80
    assert "\x1b" not in out


def test_what_most_are_stuck_on_is_named(house: Any, tmp_path: Path) -> None:
    """One word to everybody saves five visits."""
    for name in ("Ada", "Ben", "Cleo"):
        write_notes(tmp_path / name, failing=OWN[1:])
    write_notes(tmp_path / "Dan", failing=OWN[2:])
    out = house.run("list", "--all", str(tmp_path))
    told = out.partition("Most are stuck on")[2]

    first = OWN[1].partition("::test_")[2].replace("_", " ")
    assert f"3  04: {first}"[:60] in told.splitlines()[1]
    assert "  1  04: " in told


def test_hints_are_counted_for_what_still_fails(tmp_path: Path) -> None:
    """Who has read all three and is still here needs a person."""
    hints = {OWN[0]: 3, OWN[1]: 2}
    write_notes(tmp_path / "Ada", failing=OWN[1:], hints=hints)

    assert only(read_room([str(tmp_path / "Ada")])).hint == 2


def test_json_is_for_other_programs(house: Any, tmp_path: Path) -> None:
    """Somebody wants a page of their own."""
    write_notes(tmp_path / "class" / "Ada", checked_at=ago(3))
    out = house.pipe("list", "--all", str(tmp_path / "class"), "--json")
    room = json.loads(out)

    (ada,) = room["participants"]
    assert (ada["name"], ada["lesson"], ada["minutes_since_check"]) == (
        "Ada",
        "04.1",
        3,
    )
    assert room["stuck_on"] == [{"behaviour": OWN[1], "people": 1}]


def test_watch_shows_what_has_changed(
    house: Any, tmp_path: Path, read_until: Any, interrupt: Any
) -> None:
    """Until Ctrl-C, which ends it without a traceback."""
    write_notes(tmp_path / "Ada", progressed_at=ago(7))
    process = house.start("list", "--all", str(tmp_path), "--watch")
    read_until(process, " 7 min ")
    write_notes(tmp_path / "Ada", progressed_at=ago(33))
    read_until(process, " 33 min ")
    status, rest = interrupt(process)

    assert status == 130
    assert "Traceback" not in rest


@pytest.mark.parametrize("option", ["--watch", "--json"])
def test_options_for_a_class_ask_for_one(house: Any, option: str) -> None:
    """`list --json` alone would print a table."""
    out = house.run("list", option, code=1)

    assert "name it with --all" in out


def test_forty_people_take_less_than_a_second(tmp_path: Path) -> None:
    """It is called again and again; the time is this process's own."""
    for number in range(40):
        write_notes(tmp_path / f"person {number}")
    begun = time.process_time()
    room = read_room([str(tmp_path)])

    assert time.process_time() - begun < 1
    assert len(room) == 40


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Here the notes are a folder: that cannot be read for anybody, root included."""
    (tmp_path / "Ada" / "work" / ".workbook.json").mkdir(parents=True)
    ada = only(read_room([str(tmp_path / "Ada")]))

    assert ada.problem == f"the notes cannot be read: {os.strerror(21)}"
