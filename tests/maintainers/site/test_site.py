"""The site: every page is there, every link leads somewhere, nothing comes from
elsewhere.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from workbook.common import WorkbookError
from workbook.lessons import all_lessons
from workbook.patches import all_mistakes
from workbook.places import STEPS
from workbook.site import build, site_command

MEGABYTE = 1024 * 1024
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that have a name."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what one tag says."""
        values = dict(attrs)
        if values.get("id"):
            self.names.add(values["id"])
        target = values.get(LOADS.get(tag, "href"))
        if target and tag in LOADS:
            self.loaded.append(target)
        if target:
            self.links.append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """All pages of the site, read."""
    return {path: Page(path) for path in site.rglob("*.html")}


def targets(path: Path, page: Page) -> Iterator[tuple[str, Path, str]]:
    """Each link to a place on the site: as written, its file, its name in the file."""
    for link in page.links:
        if re.match(r"[a-z]+:|//", link):
            continue
        file, _, name = link.partition("#")
        file = file.partition("?")[0]
        yield link, (path.parent / unquote(file)) if file else path, unquote(name)


def test_no_link_of_the_site_is_dead(pages: dict[Path, Page]) -> None:
    """A reader who follows a link must not meet an error."""
    known = {path.resolve(): page for path, page in pages.items()}
    dead = []
    for path, page in known.items():
        for link, file, name in targets(path, page):
            target = known.get(file.resolve())
            if not file.exists() or (name and target and name not in target.names):
                dead.append(f"{path.name}: {link}")

    assert dead == []


def test_the_site_loads_nothing_from_elsewhere(pages: dict[Path, Page]) -> None:
    """It is read from a USB stick, in a room without a network."""
    loaded = [target for page in pages.values() for target in page.loaded]

    assert [target for target in loaded if re.match(r"(https?:)?//", target)] == []


def test_every_lesson_mistake_notebook_and_document_has_its_page(site: Path) -> None:
    """What is not on the site is not read."""
    wanted = [f"notebooks/{step}.html" for step in STEPS]
    wanted += [f"tests/mistakes/{mistake.path.stem}.html" for mistake in all_mistakes()]
    wanted += [
        f"steps/{lesson.step}/lesson-{lesson.number}.html" for lesson in all_lessons()
    ]
    wanted += ["index.html", "docs/GLOSSARY.html", "docs/TEACHING.html"]
    wanted += ["docs/asvs.html", "steps/06_protected/SECURITY.html", "search.html"]

    assert [name for name in wanted if not (site / name).exists()] == []


def test_a_lesson_shows_its_text_its_changes_and_its_behaviours(site: Path) -> None:
    """And what to try afterwards."""
    text = (site / "steps" / "04_signup" / "lesson-2.html").read_text(encoding="utf-8")

    assert "race condition" in text
    assert "eight sign ups at once make one account" in text
    assert 'class="gi"' in text, "no added line is shown"
    assert "check-then-insert" in text


def test_the_site_is_small_enough_to_hand_around(site: Path) -> None:
    """30 MB in all, and a lesson's page is quick to load on a room's network."""
    sizes = {path: path.stat().st_size for path in site.rglob("*") if path.is_file()}
    lesson_pages = site.glob("steps/*/lesson-*.html")

    assert sum(sizes.values()) < 30 * MEGABYTE
    assert max(sizes[path] for path in lesson_pages) < 300 * 1024


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """`site ~/Documents` must not delete the documents."""
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(WorkbookError, match="stays as it is"):
        site_command(type("Options", (), {"dir": str(tmp_path)}))

    assert (tmp_path / "thesis.txt").read_text() == "years of work"
