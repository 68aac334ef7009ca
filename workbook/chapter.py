"""Print a lesson of a step's chapter: its text, its behaviours, what was given."""

import re

from workbook.common import behaviour_title, mark, paint, wrap_text
from workbook.given import given_files
from workbook.lessons import (
    Lesson,
    behaviour_names,
    introduction,
    lessons,
    step_title,
)
from workbook.places import ROOT, STEPS

CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
LINK = re.compile(r"\[([^\[\]]+)\]\((\S+?)\)")
EMPHASIS = re.compile(r"\*\*|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])")
HEADING = re.compile(r"^#+ ", re.MULTILINE)
STARTS_A_LINE = re.compile(r"\s*([-*] |\d+\. |\|)")
INDENT = "    "


def plain_text(markdown: str) -> str:
    """Return Markdown as text for a terminal, wrapped; code keeps its backticks."""
    parts = []
    for number, block in enumerate(re.split(r"^```.*\n", markdown, flags=re.MULTILINE)):
        if number % 2:  # what stands between two fences
            lines = block.rstrip().splitlines()
            parts.append("\n".join((INDENT + line).rstrip() for line in lines))
        elif block.strip():
            parts.append(wrap_text(without_marks(join_lines(block.strip()))))
    return "\n\n".join(parts)


def join_lines(text: str) -> str:
    """Make one line of each paragraph and of each entry of a list."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines: list[str] = []
        for line in paragraph.splitlines():
            if lines and not STARTS_A_LINE.match(line):
                lines[-1] += f" {line.strip()}"
            else:
                lines.append(line.rstrip())
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)


def without_marks(text: str) -> str:
    """Take Markdown's marks out; a link becomes its text and its address."""
    text = HEADING.sub("", LINK.sub(r"\1 (\2)", text))
    parts = []
    end = 0
    for code in CODE.finditer(text):
        parts.append(EMPHASIS.sub("", text[end : code.start()]))
        parts.append(code[0])
        end = code.end()
    parts.append(EMPHASIS.sub("", text[end:]))
    return "".join(parts)


def lesson_place(lesson: Lesson) -> str:
    """Return where a lesson stands in its step: lesson 3 of 8."""
    return f"lesson {lesson.number} of {len(lessons(lesson.step))}"


def print_heading(lesson: Lesson) -> None:
    """Print a lesson's title, and where it stands."""
    kind = "essential" if lesson.essential else "hardening"
    print()
    print(paint(f"{lesson.name} {lesson.title}", "1"))
    print(
        f"{lesson_place(lesson).capitalize()} of step {lesson.step[:2]}, "
        f"{step_title(lesson.step)}: {kind}, {lesson.minutes} minutes.\n"
    )


def print_lesson(lesson: Lesson) -> None:
    """Print where a lesson stands, and its text up to what to build."""
    print_heading(lesson)
    if lesson.number == 1 and introduction(lesson.step):
        print(f"{plain_text(introduction(lesson.step))}\n")
    print(f"{plain_text(lesson.task)}\n")


def print_goal(lesson: Lesson) -> None:
    """Print where a lesson stands, and what works at its end."""
    print_heading(lesson)
    print(f"{plain_text(lesson.task.partition('**The idea')[0])}\n")


def print_behaviours(lesson: Lesson, failing: list[str] | None = None) -> None:
    """Print a lesson's behaviours; with a mark if it is known which of them fail."""
    print("What the tests ask for:")
    for name in behaviour_names(lesson):
        sign = "-" if failing is None else mark(name not in failing)
        print(f"  {sign} {behaviour_title(name)}")
    if failing is not None and set(behaviour_names(lesson)) - set(failing):
        print(f"What has a {mark(True)} holds already: keep it so.")
    print()


def print_given(lesson: Lesson) -> None:
    """Print the names of the files that are given for a lesson."""
    names = given_files(lesson)
    if not names:
        return
    print(wrap_text(f"Given, and in work/ already: {', '.join(names)}."))
    if name_of_app_before(lesson):
        print(f"To see it: python3 -m workbook {diff_of_given(lesson)}")
    print()


def print_skipped(skipped: list[Lesson]) -> None:
    """Print which lessons were skipped: their code is in place, and is ours."""
    if not skipped:
        return
    titles = []
    for step in STEPS:
        titles += titles_of_skipped(step, skipped)
    print(wrap_text(f"Skipped, and in work/ with our code: {'; '.join(titles)}."))
    first = name_of_app_before(skipped[0])
    if first:
        last = skipped[-1]
        is_whole = last.number == len(lessons(last.step))
        end = last.step[:2] if is_whole else last.name
        print(f"To see it: python3 -m workbook diff {first} {end}")
    print()


def titles_of_skipped(step: str, skipped: list[Lesson]) -> list[str]:
    """Return what to call the lessons of a step that were skipped; a step as a whole,
    if all of them were.
    """
    missing = [lesson for lesson in skipped if lesson.step == step]
    if missing and len(missing) == len(lessons(step)):
        return [f"step {step[:2]}, {step_title(step)}"]
    return [f"{lesson.name} {lesson.title}" for lesson in missing]


def name_of_app_before(lesson: Lesson) -> str:
    """Return what commands call the app before a lesson; nothing for the empty app."""
    if lesson.number > 1:
        return f"{lesson.step[:2]}.{lesson.number - 1}"
    if lesson.step == STEPS[0]:
        return ""
    return STEPS[STEPS.index(lesson.step) - 1][:2]


def diff_of_given(lesson: Lesson) -> str:
    """Return the words of the command that shows what is given for a lesson."""
    return f"diff {name_of_app_before(lesson)} {lesson.name}-start"


def print_what_next() -> None:
    """Print how one goes on from a lesson's text."""
    print(
        "Change work/, and see what passes: python3 -m workbook check --watch\n"
        "To read this again:                python3 -m workbook start\n"
        f"Type these commands in {ROOT}\n"
        "In work/ they are written like this: python3 ../workbook check"
    )


def print_afterwards(lesson: Lesson) -> None:
    """Print what to do after a lesson that is done: what to try, what goes wrong."""
    if lesson.afterwards:
        print(f"\n{plain_text(lesson.afterwards)}")
