"""The pages of the site: Markdown files, laid out like the repository itself.

So the links between our documents lead to the same places on the site. What the
documents link to and the site does not hold (a folder, a Python file) is shown without
a link.
"""

import os
import re
import shutil
from pathlib import Path

from tests import asvs
from workbook.common import behaviour_title
from workbook.lessons import Lesson, behaviours_of, chapter_file, lessons
from workbook.patches import Mistake, all_mistakes
from workbook.places import ROOT, STEPS

SITE_PAGES = (
    "README.md",
    "docs/TEACHING.md",
    "docs/GLOSSARY.md",
    "docs/CONTRIBUTING.md",
    "docs/CHANGELOG.md",
    "steps/06_protected/SECURITY.md",
    "steps/06_protected/DEPLOY.md",
    *(f"steps/{step}/README.md" for step in STEPS),
)
RECIPES = ROOT / "docs" / "recipes"
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|`[^`]*`)+)\]\(([^()\s]+)\)")
PICTURE = re.compile(
    r'<picture>.*?srcset="(?P<dark>[^"]+)".*?src="(?P<light>[^"]+)"'
    r' alt="(?P<alt>[^"]+)".*?</picture>',
    re.DOTALL,
)
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


class Pages:
    """Writes the site's Markdown files into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: list[str] = []

    def add(self, name: str, text: str) -> None:
        """Write one page; its name is a path such as docs/GLOSSARY.md."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.names.append(name)

    def remove_dead_links(self) -> None:
        """Show links that lead to no page of the site as plain text."""
        for name in self.names:
            path = self.folder / name
            if path.suffix == ".md":
                text = path.read_text(encoding="utf-8")
                path.write_text(without_dead_links(text, path), encoding="utf-8")


def without_dead_links(text: str, path: Path) -> str:
    """Return a page's text, its links to what the site does not hold made plain."""

    def check(link: re.Match[str]) -> str:
        title, target = link[1], link[2]
        place = target.partition("#")[0]
        is_ours = not re.match(r"[a-z]+:", target) and place
        if is_ours and not os.path.isfile(path.parent / place):
            return title
        return link[0]

    parts = FENCE.split(text)
    for number in range(0, len(parts), 2):  # every second one is a block of code
        parts[number] = LINK.sub(check, parts[number])
    return "".join(parts)


def write_pages(folder: Path) -> None:
    """Write every page of the site into a folder."""
    pages = Pages(folder)
    for name in SITE_PAGES:
        if (ROOT / name).exists():
            pages.add(name, (ROOT / name).read_text(encoding="utf-8"))
    for step in STEPS:
        add_chapter(pages, step)
    add_notebooks(pages)
    add_mistakes(pages)
    add_recipes(pages)
    pages.add("docs/asvs.md", asvs_page())
    shutil.copytree(ROOT / "docs" / "pictures", folder / "docs" / "pictures")
    pages.add("index.md", start_page(pages))
    pages.remove_dead_links()


def add_chapter(pages: Pages, step: str) -> None:
    """Add a step's chapter: a page with its beginning, and one for each lesson."""
    if not chapter_file(step).exists():
        return
    text = chapter_file(step).read_text(encoding="utf-8")
    beginning = text.partition("\n## ")[0]
    rows = ["| lesson | kind | minutes |", "| --- | --- | --- |"]
    names = []
    for lesson in lessons(step):
        name = f"lesson-{lesson.number}"
        pages.add(f"steps/{step}/{name}.md", lesson_page(lesson))
        names.append(name)
        link = f"[{lesson.name} {lesson.title}]({name}.md)"
        kind = "essential" if lesson.essential else "hardening"
        rows.append(f"| {link} | {kind} | {lesson.minutes} |")
    table = "\n".join(rows)
    contents = toctree(names, hidden=True)
    pages.add(f"steps/{step}/LESSONS.md", f"{beginning}\n\n{table}\n\n{contents}")


def lesson_page(lesson: Lesson) -> str:
    """Return one lesson: text, what is given, what to write, its behaviours."""
    kind = "essential" if lesson.essential else "hardening"
    parts = [
        f"# {lesson.name} {lesson.title}",
        f"*{kind} · {lesson.minutes} minutes*",
        lesson.task,
        "## What holds at the end",
        behaviour_list(lesson),
    ]
    if lesson.given_files:
        names = ", ".join(f"`{name}`" for name in lesson.given_files)
        parts += ["## Given", f"Copied from the step as it is: {names}."]
    if lesson.given:
        title = "## Given" if not lesson.given_files else ""
        parts += [title, "`start` puts this in place.", fenced("diff", lesson.given)]
    parts += ["## What to write", fenced("diff", lesson.diff)]
    parts += ["## Afterwards", lesson.afterwards]
    return "\n\n".join(part for part in parts if part) + "\n"


def behaviour_list(lesson: Lesson) -> str:
    """Return a lesson's behaviours as a list."""
    tests = behaviours_of(lesson.step).get(lesson.number, [])
    titles = [behaviour_title(f"{lesson.step}::{test}") for test in tests]
    return "\n".join(f"- {title}" for title in titles)


def add_notebooks(pages: Pages) -> None:
    """Add the notebooks as they were executed."""
    for step in STEPS:
        source = ROOT / "notebooks" / f"{step}.ipynb"
        text = source.read_text(encoding="utf-8")
        pages.add(f"notebooks/{step}.ipynb", text)


def add_mistakes(pages: Pages) -> None:
    """Add the catalogue of the tutorial's mistakes, and a page for each."""
    mistakes = all_mistakes()
    rows = ["| step | mistake | its standard name |", "| --- | --- | --- |"]
    for mistake in mistakes:
        pages.add(f"tests/mistakes/{mistake.path.stem}.md", mistake_page(mistake))
        link = f"[{mistake.title}]({mistake.path.stem}.md)"
        rows.append(f"| {mistake.step[:2]} | {link} | {mistake.name} |")
    text = (
        "# The tutorial's mistakes\n\n"
        "Each of these stands in the tutorial, or in what people make of it. Each is a "
        "patch on a step of ours, and the tests that it turns red are listed with it. "
        "`python3 -m workbook break ID --run` serves a copy that has it.\n\n"
    )
    table = "\n".join(rows)
    contents = toctree([mistake.path.stem for mistake in mistakes], hidden=True)
    pages.add("tests/mistakes/index.md", f"{text}{table}\n\n{contents}")


def mistake_page(mistake: Mistake) -> str:
    """Return the page of one mistake."""
    names = ", ".join(name for name in (mistake.name, mistake.cwe) if name)
    tries = "\n".join(
        f"{number}. {plain(text)}" for number, text in enumerate(mistake.tries, 1)
    )
    red = "\n".join(f"- {readable(test)}" for test in mistake.red)
    parts = [
        f"# {mistake.title}",
        f"*Step {mistake.step[:2]} · {names or 'it has no name of its own'}*",
        f"**The tutorial says:** {code(mistake.says)}",
        f"**True is:** {plain(mistake.true)}",
        f"**So:** {plain(mistake.attack)}",
        "## Try it",
        f"`python3 -m workbook break {mistake.id} --run`",
        tries,
        "## What it changes",
        fenced("diff", mistake.diff),
        "## The tests that turn red",
        red,
    ]
    return "\n\n".join(parts) + "\n"


def readable(test: str) -> str:
    """Return a test's name as words, with the step that it belongs to."""
    step = test.split("/")[1]
    title = behaviour_title(f"{step}::{test.partition('::')[2]}")
    return f"{step[:2]}: {title}"


def add_recipes(pages: Pages) -> None:
    """Add the recipes for a project of one's own."""
    for path in sorted(RECIPES.glob("*.md")):
        name = path.relative_to(ROOT).as_posix()
        pages.add(name, path.read_text(encoding="utf-8"))


def asvs_page() -> str:
    """Return how step 06 stands against each requirement of OWASP ASVS."""
    listed = asvs.requirements()
    rows = [
        "# Step 06 against OWASP ASVS 5.0",
        "",
        f"{asvs.counts(listed)}. What is met is read from the tests that hold it.",
    ]
    for chapter, title in asvs.chapters().items():
        rows += ["", f"## {chapter}. {title}", ""]
        rows += ["| number | level | requirement | status |", "| --- " * 4 + "|"]
        for requirement in listed:
            if requirement.chapter == chapter:
                rows.append(asvs_row(requirement))
    return "\n".join(rows) + "\n"


def asvs_row(requirement: asvs.Requirement) -> str:
    """Return the row of one requirement."""
    status = requirement.status
    if requirement.tests:
        status += f" by {len(requirement.tests)} tests"
    if requirement.reason:
        status += f": {requirement.reason}"
    cells = [requirement.number, str(requirement.level), requirement.short, status]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def start_page(pages: Pages) -> str:
    """Return the first page: the README, and the contents of the site."""
    recipes = [name for name in pages.names if name.startswith("docs/recipes/")]
    sections = {
        "Lessons": [f"steps/{step}/LESSONS" for step in STEPS],
        "Notebooks": [f"notebooks/{step}" for step in STEPS],
        "The steps": [f"steps/{step}/README" for step in STEPS],
        "Mistakes": ["tests/mistakes/index"],
        "Make it yours": [
            "steps/06_protected/SECURITY",
            "steps/06_protected/DEPLOY",
            "docs/asvs",
            *(name.removesuffix(".md") for name in recipes),
        ],
        "Teach and change it": [
            "docs/TEACHING",
            "docs/GLOSSARY",
            "docs/CONTRIBUTING",
            "docs/CHANGELOG",
        ],
    }
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = PICTURE.sub(picture_of_each_theme, text)
    there = {name.rpartition(".")[0] for name in pages.names}
    for title, names in sections.items():
        known = [name for name in names if name in there]
        if known:
            text += "\n\n" + toctree(known, title, hidden=True)
    return text


def picture_of_each_theme(picture: re.Match[str]) -> str:
    """Return a picture of the README as Sphinx shows it: one for each theme."""
    blocks = []
    for theme in ("light", "dark"):
        options = [f":alt: {picture['alt']}", f":class: only-{theme}"]
        lines = [f"```{{image}} {picture[theme]}", *options, "```"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def toctree(names: list[str], title: str = "", hidden: bool = False) -> str:
    """Return the block that puts pages into Sphinx's table of contents."""
    options = [f":caption: {title}"] if title else []
    if hidden:
        options.append(":hidden:")
    return "\n".join(["```{toctree}", *options, "", *names, "```", ""])


def fenced(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def plain(text: str) -> str:
    """Return text in which no tag and no emphasis begins."""
    return re.sub(r"([<*_`\[])", r"\\\1", text)


def code(text: str) -> str:
    """Return text as code within a line."""
    ticks = "``" if "`" in text else "`"
    return f"{ticks}{text}{ticks}"
