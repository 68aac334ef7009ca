"""Suite 01: the start page, and error pages that say what happened and nothing else."""

import re

import pytest
from flask import Flask, abort, request
from flask.logging import default_handler

from tests.support.checks import assert_error_page, assert_logged
from tests.support.harness import Step, Visitor, visible_text


@pytest.mark.workbook
def test_the_start_page_is_open_to_all_and_says_which_step_this_is(
    step: Step, visitor: Visitor
) -> None:
    """Six apps look alike; you should see which one is running."""
    page = visitor.get("/")

    assert page.status_code == 200
    assert re.search(rf"\bstep 0?{step.number}\b", visible_text(page), re.IGNORECASE)


@pytest.mark.asvs("14.2.3")
def test_a_page_loads_nothing_from_other_sites(visitor: Visitor) -> None:
    """A font or script from elsewhere tells that site who reads this page, and can
    change what it does.
    """
    for path in ("/", "/no-such-page"):
        page = visitor.get(path, expect_errors=True)

        addresses = [
            tag.get("src") or tag.get("href")
            for tag in page.html.select("[src], link[href]")
        ]
        assert [
            address for address in addresses if not re.match(r"/(?!/)|data:,", address)
        ] == []
    stylesheet = page.html.select_one("link[rel=stylesheet]")["href"]
    assert visitor.get(stylesheet).status_code == 200


def test_an_unknown_page_gets_a_404_page_of_this_site(visitor: Visitor) -> None:
    """A lost visitor needs a way back, and an attacker should not learn what the site
    is made of.
    """
    page = visitor.get("/no-such-page", expect_errors=True)

    assert_error_page(page, 404)


def test_a_wrong_method_gets_a_405_page_of_this_site(visitor: Visitor) -> None:
    """DELETE and the like come from programs and probes.

    They get an answer that says which methods there are, and not a crash.
    """
    page = visitor.delete("/", expect_errors=True)

    assert_error_page(page, 405)
    assert "GET" in page.headers.get("Allow", ""), "the header Allow is lost"


@pytest.mark.asvs("16.5.1")
@pytest.mark.parametrize("status", [400, 413, 429, 500, 503])
def test_every_error_gets_a_page_of_this_site(own_app: Flask, status: int) -> None:
    """The framework's own pages name the framework and leave no way back."""
    own_app.add_url_rule("/fail", "fail", lambda: abort(status))

    page = Visitor(own_app).get("/fail", expect_errors=True)

    assert_error_page(page, status)


@pytest.mark.asvs("16.5.1")
def test_a_crash_is_a_500_that_leaks_nothing(own_app: Flask) -> None:
    """What an exception says is for the operator of the site: it names files, tables,
    even passwords.
    """
    own_app.add_url_rule("/crash", "crash", lambda: {}["the secret plans"])

    page = Visitor(own_app).get("/crash", expect_errors=True)

    assert_error_page(page, 500)
    assert "secret plans" not in page.text
    assert "KeyError" not in page.text


@pytest.mark.asvs("16.3.4")
def test_a_crash_is_written_to_the_log(
    own_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """The page tells the visitor nothing, so the log must tell you everything."""
    own_app.add_url_rule("/crash", "crash", lambda: {}["the secret plans"])

    Visitor(own_app).get("/crash", expect_errors=True)

    assert "the secret plans" in caplog.text


def test_a_request_for_another_host_is_refused_with_a_page(visitor: Visitor) -> None:
    """A forged Host header ends up in links that the app makes, and those lead to the
    forger's site.
    """
    page = visitor.get("/", headers={"Host": "evil.example"}, expect_errors=True)

    assert_error_page(page, 400)
    assert "evil.example" not in page.text


def test_a_body_over_64_kib_is_refused_with_a_page(own_app: Flask) -> None:
    """Without a limit, a few visitors who send gigabytes fill the server's memory."""
    own_app.add_url_rule(
        "/size", "size", lambda: str(len(request.get_data())), methods=["POST"]
    )

    page = Visitor(own_app).post("/size", b"x" * (64 * 1024 + 1), expect_errors=True)
    smaller = Visitor(own_app).post("/size", b"x" * 64 * 1024, expect_errors=True)

    assert_error_page(page, 413)
    assert smaller.status_code != 413


def test_a_body_of_unknown_length_is_refused(own_app: Flask) -> None:
    """Chunked bodies are cut off at the limit, and a form that was cut off looks
    complete.
    """
    own_app.add_url_rule(
        "/take", "take", lambda: request.form.get("x", ""), methods=["POST"]
    )
    visitor = Visitor(own_app)

    answer = visitor.post(
        "/take",
        "x=" + "y" * 100_000,
        headers={"Transfer-Encoding": "chunked"},
        extra_environ={"wsgi.input_terminated": "1"},
        expect_errors=True,
    )

    assert answer.status_code in (411, 413)


def test_a_forbidden_page_is_explained_and_logged(
    own_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody who tries what they may not do should be seen doing it."""
    own_app.add_url_rule("/secret", "secret", lambda: abort(403))

    answer = Visitor(own_app).get("/secret", expect_errors=True)

    assert_error_page(answer, 403)
    assert "did not work" not in visible_text(answer), "it says nothing"
    assert_logged(caplog.records, "/secret", "192.0.2.1", "403")


def test_a_wrong_host_is_told_so_and_named_in_the_log(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """A name missing in TRUSTED_HOSTS is the most common fault of a new site. Whoever
    sends a header writes it, so it must not fake a line of the log either.
    """
    two_lines = {"Host": "evil.example\nAccount 8 logged in"}

    answer = Visitor(app).get("/", headers={"Host": "evil.example"}, expect_errors=True)
    Visitor(app).get("/", headers=two_lines, expect_errors=True)

    assert "name" in visible_text(answer)
    assert_logged(caplog.records, "evil.example")
    lines = [record.getMessage() for record in caplog.records]
    assert_logged(lines, "Account 8")
    assert not any("\n" in line for line in lines), lines


@pytest.mark.asvs("16.4.1")
def test_a_line_break_cannot_fake_an_entry(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    """A visitor who can write lines into the log can write "Account 1 logged in"."""
    visitor.post(
        "/x%0aAccount 7 logged in%0d%0ax",
        {"csrf_token": "x" * 70000},
        expect_errors=True,
    )
    visitor.get("/%0aforged", headers={"Host": "evil.example"}, expect_errors=True)

    lines = [default_handler.format(record) for record in caplog.records]
    assert_logged(lines, "Account 7")
    assert_logged(lines, "forged")
    assert not any("\n" in line or "\r" in line for line in lines), lines
