"""Suite 06: what every answer tells the browser not to do."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.checks import members_pages
from tests.support.harness import CONFIG, Visitor

YEAR = 365 * 24 * 60 * 60  # in seconds
PAGES = ["/", "/login", "/signup", "/no-such-page"]


def policy(visitor: Visitor, path: str) -> dict[str, str]:
    """The Content-Security-Policy of a page, by directive."""
    header = visitor.get(path, expect_errors=True).headers.get(
        "Content-Security-Policy"
    )
    assert header, f"{path} comes without a Content-Security-Policy"
    rules = {}
    for directive in header.split(";"):
        name, _blank, value = directive.strip().partition(" ")
        rules[name] = value
    return rules


@pytest.mark.asvs("3.4.6")
@pytest.mark.parametrize("path", PAGES)
def test_no_page_can_be_framed(visitor: Visitor, path: str) -> None:
    """Clickjacking: an invisible frame over a game makes visitors press our buttons."""
    assert policy(visitor, path)["frame-ancestors"] == "'none'"


@pytest.mark.workbook
@pytest.mark.asvs("3.4.3")
@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_any_script(visitor: Visitor, path: str) -> None:
    """We use none. So markup that slips into a page stays dead: the second defence
    against cross-site scripting (XSS).
    """
    rules = policy(visitor, path)
    others = rules.get("default-src")  # counts for what is not written out

    assert rules.get("script-src", others) == "'none'"
    assert rules.get("object-src", others) == "'none'"
    assert "unsafe" not in str(rules)


@pytest.mark.asvs("3.4.3")
def test_forms_go_nowhere_but_here(visitor: Visitor) -> None:
    """Injected markup could otherwise send a password to another site without a line of
    script.
    """
    rules = policy(visitor, "/login")

    assert rules["form-action"] == "'self'"
    assert rules["base-uri"] == "'none'"


@pytest.mark.asvs("3.2.1", "3.4.4")
def test_files_are_what_they_say_they_are(visitor: Visitor) -> None:
    """A browser that guesses types turns a text into a script."""
    for path in [*PAGES, "/static/style.css"]:
        assert (
            visitor.get(path, expect_errors=True).headers["X-Content-Type-Options"]
            == "nosniff"
        ), path


@pytest.mark.asvs("3.4.5", "14.2.3")
def test_other_sites_do_not_learn_where_a_member_came_from(visitor: Visitor) -> None:
    """The address of a page can say a lot; a link to a website in a profile would pass
    it on.
    """
    assert visitor.get("/").headers["Referrer-Policy"] in ("same-origin", "no-referrer")


@pytest.mark.asvs("3.2.1")
def test_a_page_that_opened_ours_cannot_steer_it(visitor: Visitor) -> None:
    """A window that keeps a handle on our log-in page can swap it for a copy."""
    headers = visitor.get("/login").headers

    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_https_stays_https_for_a_year_and_more(visitor: Visitor) -> None:
    """Without HSTS each plain http:// link hands the visitor to whoever sits in the
    middle.
    """
    header = visitor.get("/login").headers["Strict-Transport-Security"]

    assert max_age(header) >= YEAR


def max_age(header: str) -> int:
    """The seconds that Strict-Transport-Security names."""
    match = re.search(r"max-age=(\d+)", header)
    assert match, f"no max-age: {header}"
    return int(match[1])


def test_plain_http_on_ones_own_machine_sends_no_hsts(
    make_app: Callable[..., Flask],
) -> None:
    """Browsers ignore it there. It would promise what this site does not have."""
    over_http = Visitor(make_app(SESSION_COOKIE_SECURE=False), scheme="http")
    over_https = Visitor(make_app())

    assert "Strict-Transport-Security" not in over_http.get("/login").headers
    assert "Strict-Transport-Security" in over_https.get("/login").headers, (
        "over HTTPS it should be sent"
    )


def test_the_whole_visit_works_over_plain_http_too(
    make_app: Callable[..., Flask],
) -> None:
    """What `.env.example` sets up for one's own machine has to work there."""
    visitor = Visitor(make_app(SESSION_COOKIE_SECURE="0"), scheme="http")
    visitor.sign_up()

    visitor.log_in(remember=True)
    visitor.close_browser()

    assert visitor.logged_in, "the visitor is not logged in"
    assert visitor.get("/account").status_code == 200
    assert not any(cookie.name.startswith("__") for cookie in visitor.cookiejar)
    assert CONFIG["SESSION_COOKIE_SECURE"] is True


@pytest.mark.asvs("14.2.2", "14.3.1", "14.3.2")
def test_pages_are_not_kept_by_any_cache(member: Visitor) -> None:
    """After the log-out the Back button, or the next person at the proxy, would see the
    dashboard.
    """
    member.log_in()

    for path in [*members_pages(member.app), "/login"]:
        assert "no-store" in member.get(path).headers["Cache-Control"], path


def test_the_stylesheet_may_be_kept(visitor: Visitor) -> None:
    """It holds no secret, and every page needs it."""
    assert "no-store" not in visitor.get("/static/style.css").headers.get(
        "Cache-Control", ""
    )
    page = visitor.get("/login")
    assert "no-store" in page.headers["Cache-Control"], "but pages may not"


@pytest.mark.asvs("3.4.1", "3.4.3", "3.4.4", "3.4.5", "3.4.6")
def test_every_answer_carries_the_headers(member: Visitor) -> None:
    """A redirect, a refused form or an error is an answer too; one that goes without is
    where an attack starts.
    """
    answers = [
        member.get(path, expect_errors=True)
        for path in (*PAGES, "/dashboard", "/static/style.css", "/static/")
    ]
    answers.append(
        member.get("/", headers={"Host": "evil.example"}, expect_errors=True)
    )
    answers.append(member.post("/logout", expect_errors=True))
    answers.append(member.log_in(password="not her password"))
    answers.append(member.log_in())
    answers += [
        member.request("/account", method=method, expect_errors=True)
        for method in ("HEAD", "OPTIONS", "PUT")
    ]

    for answer in answers:
        what = f"{answer.request.method} {answer.request.path}: {answer.status}"
        hsts = answer.headers["Strict-Transport-Security"]
        assert max_age(hsts) >= YEAR, what
        assert "includeSubDomains" in hsts, what
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], (
            what
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff", what
        assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), what


@pytest.mark.asvs("3.4.2")
def test_no_other_site_may_read_our_answers(member: Visitor) -> None:
    """Without Access-Control-Allow-Origin browsers keep our pages from scripts
    elsewhere. Echoing Origin opens them.
    """
    member.log_in()

    for origin in ("https://evil.example", "null"):
        for method in ("GET", "OPTIONS"):
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = member.request(
                "/dashboard", method=method, headers=headers, expect_errors=True
            )
            assert not [
                name
                for name in answer.headers
                if name.lower().startswith("access-control-")
            ], method


@pytest.mark.workbook
@pytest.mark.asvs("3.7.1", "6.2.7")
def test_pages_are_made_of_html_and_css_alone(member: Visitor) -> None:
    """No plug-in to go stale, and no script that could keep a password manager from
    pasting.
    """
    member.log_in()
    pages = [member.get(path) for path in ("/", *members_pages(member.app))]
    pages.append(member.get("/no-such-page", expect_errors=True))
    pages += [Visitor(member.app).get(path) for path in ("/login", "/signup")]

    for page in pages:
        assert page.html.select("script, object, embed, applet, iframe, frame") == [], (
            page.request.path
        )
        for tag in page.html.find_all(True):
            handlers = [name for name in tag.attrs if name.lower().startswith("on")]
            assert handlers == [], page.request.path
        assert page.html.select('[autocomplete="off"]') == [], page.request.path


def test_error_pages_carry_the_headers_too(
    member: Visitor, sql: Callable[..., list[Any]]
) -> None:
    """An error page in a frame is a page in a frame."""
    member.log_in()
    sql("ALTER TABLE user_sessions RENAME TO away")

    answers = [
        member.get(path, expect_errors=True) for path in ("/dashboard", "/account")
    ]

    sql("ALTER TABLE away RENAME TO user_sessions")
    assert [answer.status_code for answer in answers] == [503, 503]
    for answer in answers:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
