"""The site in a real browser, opened from its files: readable at every width, in both
themes, and found by its search.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

from tests.support.harness import ROOT

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(
    encoding="utf-8"
)
PAGES = [
    "index.html",
    "steps/04_signup/lesson-2.html",
    "notebooks/05_login.html",
    "tests/mistakes/05_login-open-redirect.html",
    "docs/asvs.html",
]
WIDTHS = [320, 1024, 1920]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by its command."""
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "workbook", "site", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of the browser that has no network."""
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_on_the_site(
    site: Path, page: Page, name: str, theme: str
) -> None:
    """Somebody in the room reads with a screen reader, or sees little contrast."""
    page.emulate_media(color_scheme=theme)
    page.goto((site / name).as_uri())
    page.evaluate(AXE)

    found = page.evaluate("axe.run().then(result => result.violations)")

    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_the_site_scrolls_sideways(
    site: Path, page: Page, name: str, width: int
) -> None:
    """On a telephone, on a projector, on a large screen."""
    page.set_viewport_size({"width": width, "height": 768})
    page.goto((site / name).as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_code_is_large_enough_for_the_last_row_and_gets_larger(
    site: Path, page: Page
) -> None:
    """18 pixels and more at 1024, and a key for those who need more."""
    size = "parseFloat(getComputedStyle(document.querySelector('pre')).fontSize)"
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto((site / "steps/04_signup/lesson-2.html").as_uri())
    before = page.evaluate(size)

    page.keyboard.press("+")

    assert before >= 18
    assert page.evaluate(size) > before


def test_the_search_works_without_a_server(site: Path, page: Page) -> None:
    """From a USB stick."""
    page.goto((site / "search.html").as_uri() + "?q=enumeration")

    page.locator("#search-results li").first.wait_for()
