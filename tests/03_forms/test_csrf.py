"""Suite 03: the app takes nothing from a page that is not its own."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort
from webtest.response import TestResponse
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.checks import assert_error_page, assert_logged
from tests.support.harness import HOST, PASSWORD, Visitor, visible_text

Sql = Callable[..., list[Any]]
GOOD = {
    "name": "Ada",
    "email": "ada@example.com",
    "password": PASSWORD,
    "confirm": PASSWORD,
    "website": "",
}
FORMS = ("/signup", "/login")


def token_of(visitor: Visitor, path: str) -> str:
    """The token in the form that this visitor is shown."""
    return visitor.get(path).html.find("input", {"name": "csrf_token"})["value"]


@pytest.mark.asvs("3.5.1")
def test_a_form_without_our_token_is_refused(visitor: Visitor, sql: Sql) -> None:
    """Any page on the web can send a form here, and your browser may add your cookies
    to it: CSRF.
    """
    for path in FORMS:
        visitor.get(path)

        for forged in ({}, {"csrf_token": ""}, {"csrf_token": "made-up"}):
            assert_error_page(
                visitor.post(path, {**GOOD, **forged}, expect_errors=True), 400
            )

    assert sql("SELECT id FROM users") == []


@pytest.mark.asvs("3.5.1")
def test_a_form_with_the_token_of_another_visitor_is_refused(
    app: Flask, visitor: Visitor, sql: Sql
) -> None:
    """An attacker has tokens too: he only has to open the page himself."""
    for path in FORMS:
        stolen = token_of(Visitor(app), path)
        visitor.get(path)

        answer = visitor.post(path, {**GOOD, "csrf_token": stolen}, expect_errors=True)

        assert_error_page(answer, 400)

    assert sql("SELECT id FROM users") == []


def test_a_form_that_was_open_too_long_gets_a_page_that_explains(
    make_app: Callable[..., Flask],
) -> None:
    """It happens to honest people who went for lunch.

    "Bad request" does not tell them to load the page again.
    """
    app = make_app(WTF_CSRF_TIME_LIMIT=-1)
    app.add_url_rule("/bad", "bad", lambda: abort(400))
    visitor = Visitor(app)
    wrong_host = visitor.get("/", headers={"Host": "evil.example"}, expect_errors=True)
    bad_request = visitor.get("/bad", expect_errors=True)

    answer = visitor.sign_up()

    assert_error_page(answer, 400)
    for other in (wrong_host, bad_request):
        assert visible_text(answer) != visible_text(other)
        shared = sentences(answer) & sentences(other)
        assert not shared, f"any other 400 says this, too: {shared}"
    assert "csrf" not in visible_text(answer).lower()


def sentences(page: TestResponse) -> set[str]:
    """What an error page says, without its links."""
    return {
        paragraph.get_text(" ", strip=True)
        for paragraph in page.html.select("main p")
        if not paragraph.find("a")
    }


@pytest.mark.asvs("3.5.1")
def test_a_view_without_a_form_is_protected_too(own_app: Flask) -> None:
    """Tokens that come with a form class leave out the log-out button, and every view
    that somebody adds later.
    """
    own_app.add_url_rule(
        "/plain", "plain", lambda: "done", methods=["POST", "PUT", "PATCH", "DELETE"]
    )
    visitor = Visitor(own_app)

    for send in (visitor.post, visitor.put, visitor.patch, visitor.delete):
        answer = send("/plain", expect_errors=True)

        assert_error_page(answer, 400)
        assert not answer.html.select('a[href^="/plain"]'), (
            "the page has a link to an address that takes no GET"
        )


@pytest.mark.asvs("3.5.3")
def test_the_forms_take_nothing_but_get_and_post(visitor: Visitor, sql: Sql) -> None:
    """PUT and DELETE are for programs.

    They get an answer that says so, and change nothing.
    """
    for path in FORMS:
        for send in (visitor.put, visitor.patch, visitor.delete):
            assert_error_page(
                send(
                    path,
                    {**GOOD, "csrf_token": token_of(visitor, path)},
                    expect_errors=True,
                ),
                405,
            )

    assert sql("SELECT id FROM users") == []


def test_a_megabyte_in_a_field_is_refused_with_a_page(
    visitor: Visitor, sql: Sql
) -> None:
    """No name is that long.

    To read it, check it and send it back would keep the server busy for nothing.
    """
    answer = visitor.sign_up(name="n" * 1_000_000)

    assert_error_page(answer, 413)
    assert sql("SELECT id FROM users") == []


def test_our_own_page_is_believed_even_if_its_token_is_stale(visitor: Visitor) -> None:
    """A second tab, a changed key: the token is old, but the browser's Origin says that
    our own page sends it.
    """
    page = visitor.get("/signup")
    visitor.reset()  # the session, and the secret in it, are gone

    answer = visitor.submit(page, headers={"Origin": f"https://{HOST}"})

    assert answer.status_code == 422, (
        "the form was read, and its empty fields were found"
    )


@pytest.mark.asvs("3.5.1")
def test_the_origin_of_another_site_is_not_ours(own_app: Flask) -> None:
    """It only looks alike: another scheme, another port, a longer name, or none at
    all."""
    own_app.add_url_rule("/plain", "plain", lambda: "done", methods=["POST"])
    visitor = Visitor(own_app)

    for origin in (
        "https://evil.example",
        f"http://{HOST}",
        f"https://{HOST}:8443",
        f"https://{HOST}.evil.example",
        f"https://evil.example/{HOST}",
        "null",
        "",
    ):
        assert_error_page(
            visitor.post("/plain", headers={"Origin": origin}, expect_errors=True), 400
        )


def test_over_https_no_referer_is_needed(visitor: Visitor) -> None:
    """Browsers and firewalls that leave it out are honest visitors.

    The token is what counts.
    """
    token = token_of(visitor, "/signup")
    visitor.extra_environ.pop("HTTP_REFERER")

    answer = visitor.post("/signup", {"csrf_token": token}, expect_errors=True)

    assert "Referer" not in answer.request.headers
    assert answer.status_code == 422


def test_a_refused_form_can_be_opened_again_and_the_log_says_why(
    app: Flask, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """ "Expired, reload" helps nobody who cannot reload, and "400" helps no
    operator."""
    below = Visitor(DispatcherMiddleware(NotFound(), {"/members": app}))

    for browser, address in (
        (visitor, "/signup?a=1"),
        (visitor, "/signup"),
        (below, "/members/signup?a=1"),
    ):
        answer = browser.post(address, GOOD, expect_errors=True)

        links = [link["href"] for link in answer.html.select("a[href]")]
        assert address in links, (
            f"the page has no link to the form, {address}. Its links: {links}"
        )
    assert_logged(caplog.records, "/signup", "token")


def test_behind_a_proxy_that_does_not_tell_the_scheme_our_page_is_still_ours(
    visitor: Visitor,
) -> None:
    """Pages whose cookie travels over HTTPS alone are https pages, whatever the app is
    told.
    """
    page = visitor.get("/signup")
    visitor.reset()
    visitor.extra_environ["wsgi.url_scheme"] = "http"

    answers = [
        visitor.submit(page, headers={"Origin": f"{scheme}://{HOST}"})
        for scheme in ("https", "http")
    ]

    assert [answer.status_code for answer in answers] == [422, 400]
