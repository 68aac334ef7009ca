"""Several tabs, second clicks, pages that stayed open: a browser has one cookie, and
many pages that count on it.
"""

import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import request, request_finished
from playwright.sync_api import Page, expect
from sqlalchemy import event

from tests.support.harness import NEW_PASSWORD, PASSWORD, STEPS, query
from tests.system.browser.served import Site
from tests.system.browser.test_visits import heading, notice, press
from tests.system.browser.tour import EMAIL, fill, log_in, send, sign_up

TABS = 4
PATIENCE = 20  # seconds
WEEK = 7 * 24 * 3600  # seconds
# Slow, as on a real site: the second click comes while the first one's is computed.
SLOW_HASH = "scrypt:32768:8:1"


either_click_first = pytest.mark.parametrize(
    "second_wins", [False, True], ids=["first click first", "second click first"]
)


@pytest.fixture
def slow_site(serve: Callable[..., Site]) -> Site:
    """The last step, with the hash that it has on the web."""
    return serve(STEPS[6], PASSWORD_HASH_METHOD=SLOW_HASH)


def new_tab(page: Page) -> Page:
    """Another tab of the same browser."""
    return page.context.new_page()


def let_the_log_in_age(site: Site) -> None:
    """Make each log-in so old that the account page wants the password again."""
    moment = datetime.now(UTC) - timedelta(minutes=20)
    text = moment.strftime("%Y-%m-%d %H:%M:%S.000000")
    query(site.app, "UPDATE user_sessions SET created = :moment", moment=text)


def click_twice(page: Page, button: str) -> None:
    """Press a button as people do who always double-click."""
    target = page.get_by_role("button", name=button, exact=True)
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2
    # The first has to be on its way: on a busy machine Chromium makes one of the two.
    with page.expect_request(lambda sent: sent.method == "POST"):
        page.mouse.click(x, y)
    page.mouse.click(x, y)


class SecondClickWins:
    """Holds the first click's change of the account until the second one's is done.

    On a busy machine nobody knows which of two requests at once is the faster.
    """

    def __init__(self, site: Site) -> None:
        self.changes = itertools.count()
        self.answered = threading.Semaphore(0)
        self.second_is_done = threading.Event()
        request_finished.connect(self.note_answer, site.app)
        with site.app.app_context():
            engine = site.app.extensions["sqlalchemy"].engine
        event.listen(engine, "before_cursor_execute", self.hold_first)

    def hold_first(self, _connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        """Wait, if this is the first statement that changes an account."""
        if sql.startswith("UPDATE users") and next(self.changes) == 0:
            self.second_is_done.wait(PATIENCE)

    def note_answer(self, *_: Any, **__: Any) -> None:
        """Let the first one go on once the second one has changed the account."""
        if request.method == "POST":
            self.answered.release()
            self.second_is_done.set()

    def wait_for_both(self) -> None:
        """Wait until both clicks are dealt with."""
        for _ in range(2):
            assert self.answered.acquire(timeout=PATIENCE)


def expect_one_session(page: Page, site: Site) -> None:
    """The member is logged in, and here alone."""
    page.goto(f"{site.url}/account")
    heading(page, "Your account")
    expect(page.locator("tbody tr")).to_have_count(1)


@pytest.mark.parametrize("number", [3, 4, 5, 6])
def test_log_in_tabs_opened_at_once_all_work(
    serve: Callable[..., Site], new_visitor: Callable[..., Page], number: int
) -> None:
    """None has a cookie yet, so each is given one, and the last overwrites the rest."""
    site = serve(STEPS[number])
    all_asked = threading.Barrier(TABS)

    @site.app.before_request
    def wait_for_all_tabs() -> None:
        if request.path == "/login" and request.method == "GET":
            all_asked.wait(PATIENCE)

    # Chromium asks for one address once at a time, so each tab has its own.
    urls = [f"{site.url}/login?next=/%3Ftab{number}" for number in range(TABS)]
    visitor = new_visitor()
    tabs = [visitor, *(new_tab(visitor) for _ in urls[1:])]
    for tab, url in zip(tabs, urls, strict=True):
        tab.evaluate("url => { location.href = url }", url)

    for tab in tabs:
        heading(tab, "Log in")
        send(tab, email=EMAIL)
        expect(tab.get_by_text("Type your password.")).to_be_visible()


def test_of_two_log_in_tabs_the_second_logs_in_as_well(site: Site, page: Page) -> None:
    """Nobody knows which of the tabs is the newer one."""
    sign_up(page, site)
    other = new_tab(page)
    page.goto(f"{site.url}/login")
    other.goto(f"{site.url}/login")

    send(page, email=EMAIL, password=PASSWORD)
    heading(page, "Dashboard")
    send(other, email=EMAIL, password=PASSWORD)

    heading(other, "Dashboard")
    expect_one_session(other, site)


def test_log_out_works_in_a_tab_from_before_the_password_was_typed_again(
    site: Site, page: Page
) -> None:
    """To be told "expired" and to stay logged in is dangerous on a shared computer."""
    sign_up(page, site)
    log_in(page, site)
    heading(page, "Dashboard")
    let_the_log_in_age(site)
    other = new_tab(page)
    other.goto(f"{site.url}/account")
    send(other, email=EMAIL, password=PASSWORD)
    heading(other, "Your account")

    press(page, "Log out")

    notice(page, "You are logged out.")
    other.reload()
    notice(other, "Please log in first.")


def test_typing_the_password_again_keeps_a_member_remembered(
    site: Site, page: Page
) -> None:
    """The box is ticked already: who is remembered did not ask to be forgotten."""
    sign_up(page, site)
    log_in(page, site, remember=True)
    heading(page, "Dashboard")
    let_the_log_in_age(site)

    page.goto(f"{site.url}/account")
    send(page, email=EMAIL, password=PASSWORD)
    heading(page, "Your account")

    lifetimes = [cookie["expires"] for cookie in page.context.cookies()]
    assert max(lifetimes) > time.time() + WEEK
    expect(page.locator("tbody tr")).to_contain_text("remembered")


def test_a_page_open_across_a_change_of_the_key_can_log_out(
    site: Site, page: Page
) -> None:
    """The old key is among the fallbacks, so the member is still logged in."""
    sign_up(page, site)
    log_in(page, site)
    heading(page, "Dashboard")
    old_key = site.app.config["SECRET_KEY"]
    new_key = "4be7d02c95a1f386" * 2
    site.app.config.update(SECRET_KEY=new_key, SECRET_KEY_FALLBACKS=[old_key])

    press(page, "Log out")

    notice(page, "You are logged out.")
    page.goto(f"{site.url}/dashboard")
    notice(page, "Please log in first.")


def test_a_second_click_on_sign_up_is_welcomed_like_the_first(
    slow_site: Site, page: Page
) -> None:
    """It finds the account that the first click has made: "taken" would be untrue."""
    page.goto(f"{slow_site.url}/signup")
    fill(page, name="Ada", email=EMAIL, password=PASSWORD, confirm=PASSWORD)

    click_twice(page, "Sign up")

    notice(page, "Welcome, Ada!")
    log_in(page, slow_site)
    heading(page, "Dashboard")


@either_click_first
def test_a_second_click_on_log_in_leaves_one_session(
    slow_site: Site, page: Page, second_wins: bool
) -> None:
    """The first one's session would stay in the list, a device that nobody knows."""
    sign_up(page, slow_site)
    page.goto(f"{slow_site.url}/login")
    fill(page, email=EMAIL, password=PASSWORD)
    order = SecondClickWins(slow_site) if second_wins else None

    click_twice(page, "Log in")

    heading(page, "Dashboard")
    if order:
        order.wait_for_both()
    expect_one_session(page, slow_site)


@either_click_first
def test_a_second_click_on_change_it_is_told_the_truth(
    slow_site: Site, page: Page, second_wins: bool
) -> None:
    """The first click has changed the password: the old one is not "wrong"."""
    sign_up(page, slow_site)
    log_in(page, slow_site)
    heading(page, "Dashboard")
    page.goto(f"{slow_site.url}/account/password")
    change = {"new_password": NEW_PASSWORD, "confirm": NEW_PASSWORD}
    fill(page, current_password=PASSWORD, **change)
    order = SecondClickWins(slow_site) if second_wins else None

    click_twice(page, "Change it")

    notice(page, "Your password is changed")
    if order:
        order.wait_for_both()
    expect_one_session(page, slow_site)
