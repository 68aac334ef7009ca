"""Suite 06: what every answer tells the browser not to do."""

from collections.abc import Callable

import pytest
from flask import Flask
from harness import CONFIG, Visitor

PAGES = ["/", "/login", "/signup", "/no-such-page"]


def policy(visitor: Visitor, path: str) -> dict[str, str]:
    """The Content-Security-Policy of a page, by directive."""
    header = visitor.get(path, expect_errors=True).headers["Content-Security-Policy"]
    return {part.split()[0]: " ".join(part.split()[1:]) for part in header.split(";") if part.strip()}


@pytest.mark.parametrize("path", PAGES)
def test_no_page_can_be_framed(visitor: Visitor, path: str) -> None:
    """An invisible frame over a game makes visitors press our buttons."""
    assert policy(visitor, path)["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_any_script(visitor: Visitor, path: str) -> None:
    """We use none. So whatever slips into a page as markup stays dead."""
    rules = policy(visitor, path)

    assert rules.get("script-src", rules["default-src"]) == "'none'"
    assert rules.get("object-src", rules["default-src"]) == "'none'"
    assert "unsafe" not in str(rules)


def test_forms_go_nowhere_but_here(visitor: Visitor) -> None:
    """Injected markup could otherwise send a password to another site without a line of script."""
    rules = policy(visitor, "/login")

    assert rules["form-action"] == "'self'"
    assert rules["base-uri"] == "'none'"


def test_files_are_what_they_say_they_are(visitor: Visitor) -> None:
    """A browser that guesses types turns a text into a script."""
    for path in [*PAGES, "/static/style.css"]:
        assert visitor.get(path, expect_errors=True).headers["X-Content-Type-Options"] == "nosniff", path


def test_other_sites_do_not_learn_where_a_member_came_from(visitor: Visitor) -> None:
    """The address of a page can say a lot; a link to a website in a profile would pass it on."""
    assert visitor.get("/").headers["Referrer-Policy"] in ("same-origin", "no-referrer")


def test_a_page_that_opened_ours_cannot_steer_it(visitor: Visitor) -> None:
    """A window that keeps a handle on our log-in page can swap it for a copy."""
    headers = visitor.get("/login").headers

    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_https_stays_https_for_a_year_and_more(visitor: Visitor) -> None:
    """Without HSTS the first plain http:// link hands the visitor to whoever sits in the middle."""
    header = visitor.get("/login").headers["Strict-Transport-Security"]

    assert int(header.partition("max-age=")[2].partition(";")[0]) >= 31536000


def test_plain_http_on_ones_own_machine_sends_no_hsts(make_app: Callable[..., Flask]) -> None:
    """It would lock localhost out for every other project there."""
    visitor = Visitor(make_app(SESSION_COOKIE_SECURE=False), scheme="http")

    assert "Strict-Transport-Security" not in visitor.get("/login").headers


def test_the_whole_visit_works_over_plain_http_too(make_app: Callable[..., Flask]) -> None:
    """What `.env.example` sets up for one's own machine has to work there."""
    visitor = Visitor(make_app(SESSION_COOKIE_SECURE="0"), scheme="http")
    visitor.sign_up()

    visitor.log_in(remember=True)
    visitor.close_browser()

    assert visitor.logged_in
    assert {cookie.name for cookie in visitor.cookiejar} >= {"remember"}
    assert CONFIG["SESSION_COOKIE_SECURE"] is True


def test_pages_are_not_kept_by_any_cache(member: Visitor) -> None:
    """After the log-out the Back button, or the next person at the proxy, would see the dashboard."""
    member.log_in()

    for path in ["/dashboard", "/account", "/account/password", "/", "/login"]:
        assert "no-store" in member.get(path).headers["Cache-Control"], path


def test_the_stylesheet_may_be_kept(visitor: Visitor) -> None:
    """It holds no secret, and every page needs it."""
    assert "no-store" not in visitor.get("/static/style.css").headers.get("Cache-Control", "")
