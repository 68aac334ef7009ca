"""Whoever cannot see, cannot use a mouse, or has a small or a dark screen uses these
pages too.
"""

from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page, expect

from tests.support.harness import PASSWORD
from tests.system.browser.served import Site
from tests.system.browser.tour import EMAIL, every_page, sign_up

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(
    encoding="utf-8"
)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENS = [(width, scheme) for width in (1280, 320) for scheme in ("light", "dark")]


def test_no_page_breaks_a_rule_of_wcag_or_is_wider_than_the_screen(
    any_site: Site, page: Page, complaints: list[str]
) -> None:
    """Every page, refused form and error page, on a wide and a narrow screen, light and
    dark: WCAG 2.2, level AA.
    """
    page.context.add_init_script(AXE)

    faults = [
        fault for name in every_page(page, any_site) for fault in faults_of(page, name)
    ]

    assert faults == []
    assert [
        words for words in complaints if "/static/style.css" not in words
    ] == []  # refused with its forged host


def faults_of(page: Page, name: str) -> list[str]:
    """What axe finds on the page that is showing, and whether it has to be moved
    sideways to be read.
    """
    page.wait_for_load_state()
    found = [
        f"{name}: the policy stopped {note}" for note in page.evaluate("window.stopped")
    ]
    # A page for a forged host has no stylesheet, and axe takes the browser's own dark
    # ground for a white one.
    rules = {"color-contrast": {"enabled": name != "error 400"}}
    options = {
        "runOnly": WCAG,
        "rules": rules,
        "resultTypes": ["violations"],
        "preload": False,
    }
    for width, scheme in SCREENS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        violations = page.evaluate(
            "options => axe.run(options).then(result => result.violations)", options
        )
        found += [
            f"{name}, {width} {scheme}: {v['id']} {v['nodes'][0]['html']}"
            for v in violations
        ]
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            found.append(f"{name}, {width} {scheme}: {needed} pixels wide")
    return found


def test_everything_works_by_keyboard_alone(site: Site, page: Page) -> None:
    """Sign up, log in, remember me and log out with Tab, Space and Enter: no control
    may be out of reach.
    """
    page.goto(f"{site.url}/signup")
    tab_to(page, "Name")
    for text in ("Ada Lovelace", EMAIL, PASSWORD, PASSWORD, "https://example.com/"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the button, which comes after the last field
    expect(page.get_by_role("status")).to_contain_text("Your account is ready")

    tab_to(page, "Email address")
    page.keyboard.type(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Remember me")).to_be_checked()
    page.keyboard.press("Enter")  # from within the form
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You are logged out.")


def test_the_first_tab_offers_to_skip_the_navigation(site: Site, page: Page) -> None:
    """Who moves by keyboard does not want to pass all links on every page."""
    page.goto(f"{site.url}/login")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_label("Email address")).to_be_focused()


def test_a_refused_form_ties_each_note_to_its_field(site: Site, page: Page) -> None:
    """A screen reader reads the note when it comes to the field, and says that the
    field is wrong.
    """
    sign_up(page, site, email="nobody", password="short", confirm="other")

    field = page.get_by_label("Email address")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        "That is not an email address. An email address must have an @-sign."
    )
    expect(page.get_by_role("alert")).to_be_visible()


def tab_to(page: Page, label: str) -> None:
    """Press Tab until the control with this label or text has the focus; fails if it
    never does.
    """
    seen = []
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "document.activeElement.labels?.[0]?.innerText"
                " || document.activeElement.innerText"
            )
        )
        if seen[-1] == label:
            return
    raise AssertionError(f"Tab never comes to {label!r}, only to {seen}")
