"""What people do here, done by a browser: with its own cookies, history, forms and
restarts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page, expect

from tests.support.harness import HOST, NEW_PASSWORD, PASSWORD, STEPS
from tests.system.browser.conftest import watched_page
from tests.system.browser.served import Site
from tests.system.browser.tour import EMAIL, log_in, send, sign_up


def heading(page: Page, text: str) -> None:
    """Wait until the page's heading says this."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def notice(page: Page, text: str) -> None:
    """Wait until the page tells the visitor this."""
    expect(page.get_by_role("status")).to_contain_text(text)


def press(page: Page, button: str) -> None:
    """Press a button."""
    page.get_by_role("button", name=button, exact=True).click()


def test_step_1_says_what_works(
    serve: Callable[..., Site], page: Page, complaints: list[str]
) -> None:
    """The first page that a learner sees, and the way to an error page and back."""
    site = serve(STEPS[1])

    page.goto(site.url)
    heading(page, "Step 1: settings that are safe")
    page.get_by_role("link", name="error pages").click()
    heading(page, "Error 404")
    page.get_by_role("link", name="To the start page").click()

    heading(page, "Step 1: settings that are safe")
    assert complaints == []


def test_step_2_counts_the_accounts(
    serve: Callable[..., Site], page: Page, complaints: list[str]
) -> None:
    """`flask add-user` makes an account, and the page shows it."""
    site = serve(STEPS[2])
    page.goto(site.url)
    expect(page.locator("main strong")).to_have_text("0")

    result = site.app.test_cli_runner().invoke(
        args=["add-user", EMAIL, "--password", PASSWORD]
    )
    page.reload()

    assert result.exit_code == 0, result.output
    expect(page.locator("main strong")).to_have_text("1")
    assert complaints == []


def test_step_3_explains_and_stores_nothing(
    serve: Callable[..., Site], page: Page, complaints: list[str]
) -> None:
    """Both forms check what was typed, and say that it goes no further yet."""
    site = serve(STEPS[3])

    sign_up(page, site, password="short", confirm="short")
    expect(page.get_by_text("Use at least 15 characters")).to_be_visible()
    expect(page.get_by_label("Email address")).to_have_value(EMAIL)
    send(page, password=PASSWORD, confirm=PASSWORD)
    notice(page, "Nothing was stored")
    log_in(page, site)
    notice(page, "Nobody was logged in")

    page.goto(site.url)
    expect(page.locator("main strong")).to_have_text("0")
    assert complaints == []


def test_step_4_makes_one_account(
    serve: Callable[..., Site], page: Page, complaints: list[str]
) -> None:
    """Signing up works once for a mailbox."""
    site = serve(STEPS[4])

    sign_up(page, site)
    notice(page, "Your account is ready")
    other = {"password": NEW_PASSWORD, "confirm": NEW_PASSWORD}
    sign_up(page, site, email=EMAIL.upper(), **other)

    expect(
        page.get_by_text("There is an account with this address already.")
    ).to_be_visible()
    assert complaints == []


def test_step_5_logs_in_and_out(
    serve: Callable[..., Site], page: Page, complaints: list[str]
) -> None:
    """The dashboard shows who is logged in, and opens for strangers too: the wall is
    step 06.
    """
    site = serve(STEPS[5])
    page.goto(f"{site.url}/dashboard")
    expect(page.get_by_text("Nobody is logged in")).to_be_visible()

    sign_up(page, site)
    log_in(page, site)
    expect(page.get_by_text("Hello, Ada Lovelace.")).to_be_visible()
    press(page, "Log out")

    notice(page, "You are logged out.")
    assert complaints == []


def test_a_whole_visit(
    secure_site: Site, new_visitor: Callable[..., Page], complaints: list[str]
) -> None:
    """All that a member does, over TLS, in two browsers: what one of them ends is over
    in the other.
    """
    site, laptop, phone = secure_site, new_visitor(), new_visitor(user_agent="A phone")

    laptop.goto(f"{site.url}/account/password?from=mail")
    notice(laptop, "Please log in first.")
    laptop.get_by_role("main").get_by_role("link", name="Sign up").click()
    send(laptop, name="Ada Lovelace", email=EMAIL, password=PASSWORD, confirm=PASSWORD)
    notice(laptop, "Welcome, Ada Lovelace!")

    laptop.goto(f"{site.url}/account/password?from=mail")
    laptop.get_by_label("Remember me").check()
    send(laptop, email=EMAIL, password="wrong")
    expect(
        laptop.get_by_text("The email address or the password is wrong.")
    ).to_be_visible()
    send(laptop, email=EMAIL, password=PASSWORD)
    heading(laptop, "Change your password")
    assert (
        laptop.url == f"{site.url}/account/password?from=mail"
    )  # the page asked for, after a failed try too

    press(laptop, "Log out")
    notice(laptop, "You are logged out.")
    log_in(laptop, site, remember=True)
    heading(laptop, "Dashboard")

    log_in(phone, site)
    heading(phone, "Dashboard")
    laptop.goto(f"{site.url}/account/password")
    send(
        laptop,
        current_password=PASSWORD,
        new_password=NEW_PASSWORD,
        confirm=NEW_PASSWORD,
    )
    notice(laptop, "Your password is changed")
    phone.reload()
    notice(phone, "Please log in first.")
    send(phone, email=EMAIL, password=PASSWORD)
    expect(
        phone.get_by_text("The email address or the password is wrong.")
    ).to_be_visible()

    send(phone, email=EMAIL, password=NEW_PASSWORD)
    heading(phone, "Dashboard")
    laptop.reload()
    laptop.get_by_role("row").filter(has_text="A phone").get_by_role("button").click()
    notice(laptop, "That device is logged out.")
    phone.reload()
    notice(phone, "Please log in first.")

    press(laptop, "Log out")
    notice(laptop, "You are logged out.")
    laptop.goto(f"{site.url}/account")
    notice(laptop, "Please log in first.")
    assert complaints == []


@pytest.mark.asvs("14.3.1")
@pytest.mark.parametrize("path", ["/dashboard", "/account", "/account/password"])
def test_back_after_logging_out_shows_nothing(
    site: Site, page: Page, path: str
) -> None:
    """Whoever uses the computer next may press Back: the browser must not have kept the
    member's pages.
    """
    sign_up(page, site)
    log_in(page, site)
    heading(page, "Dashboard")
    page.goto(site.url + path)
    press(page, "Log out")
    notice(page, "You are logged out.")

    page.go_back()

    heading(page, "Log in")
    expect(page.get_by_text(EMAIL)).to_have_count(0)
    expect(page.get_by_text("Ada")).to_have_count(0)


def test_a_remembered_member_is_still_in_after_the_browser_was_closed(
    secure_site: Site, chromium: BrowserType, launch: dict[str, Any], tmp_path: Path
) -> None:
    """That is what the box is for; and who did not tick it is out, for the next person
    at that computer.
    """
    for remember, there in ((False, "Log in"), (True, "Dashboard")):
        profile = tmp_path / f"profile-{remember}"
        with chromium.launch_persistent_context(profile, **launch) as context:
            page = watched_page(context, [])
            if not remember:
                sign_up(page, secure_site)
            log_in(page, secure_site, remember=remember)
            heading(page, "Dashboard")

        with chromium.launch_persistent_context(profile, **launch) as context:
            page = watched_page(context, [])
            page.goto(f"{secure_site.url}/dashboard")

            heading(page, there)


def test_the_browser_takes_the_cookies_and_lets_them_go_again(
    secure_site: Site, page: Page
) -> None:
    """Browsers throw a __Host- cookie away unless it is set just so, and keep it unless
    it is deleted just so.
    """
    sign_up(page, secure_site)
    log_in(page, secure_site, remember=True)
    heading(page, "Dashboard")

    cookies = page.context.cookies()
    assert cookies
    for cookie in cookies:
        assert cookie["name"].startswith("__Host-")
        assert cookie["secure"]
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Lax"
        assert cookie["path"] == "/"
    assert page.evaluate("document.cookie") == ""

    press(page, "Log out")
    notice(page, "You are logged out.")
    # The notice has been read: nothing is left to remember.
    page.goto(f"{secure_site.url}/no-such-page")

    assert page.context.cookies() == []


def test_after_one_visit_the_browser_refuses_to_go_without_tls(
    secure_site: Site, page: Page
) -> None:
    """HSTS: from then on it turns http:// into https:// itself, before anybody on the
    way can answer.
    """
    plain = secure_site.url.replace("https://", "http://")
    page.goto(secure_site.url)

    page.goto(plain)

    assert page.url == f"{secure_site.url}/"
    assert HOST in page.url
