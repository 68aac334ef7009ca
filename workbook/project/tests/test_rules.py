"""Rules for every page of the site, also for those that you add."""

import re
from typing import Any

import pytest
from flask import Flask
from flask_login import FlaskLoginClient
from webtest.response import TestResponse
from werkzeug.routing import Rule

from tests.support.harness import Site, Visitor, log_in

# The pages that anybody may open. Write a public page of yours here, as `flask routes`
# shows it. All other pages are for members: a test holds it.
PUBLIC = {
    "/",
    "/login",
    "/logout",
    "/signup",
    "/static/<path:filename>",
}
# The pages that only some members may open, such as an administrator's.
FOR_SOME_MEMBERS: set[str] = set()

SAMPLES = {
    "uuid": "00000000-0000-0000-0000-000000000001",
    "float": "1.0",
}


def address_of(rule: Rule) -> str:
    """An address that this rule of the URL map matches."""

    def sample(variable: re.Match[str]) -> str:
        return SAMPLES.get(variable[1] or "", "1")

    return re.sub(r"<(?:(\w+)(?:\(.*?\))?:)?\w+>", sample, str(rule))


def rules_for_members(app: Flask) -> list[Rule]:
    """The rules of all pages that are not public."""
    return [rule for rule in app.url_map.iter_rules() if str(rule) not in PUBLIC]


def ask(visitor: Visitor, rule: Rule) -> TestResponse:
    """Open a page or, where it cannot be opened, send it a form."""
    if "GET" in rule.methods:
        return visitor.get(address_of(rule), expect_errors=True)
    method = min(rule.methods - {"HEAD", "OPTIONS"})
    token = visitor.get("/login").html.find("input", {"name": "csrf_token"})["value"]
    headers = {"X-CSRFToken": token}
    return visitor.request(
        address_of(rule), method=method, headers=headers, expect_errors=True
    )


@pytest.mark.asvs("8.2.1", "13.4.5")
def test_every_page_that_is_not_public_sends_a_stranger_to_the_log_in(
    app: Flask,
) -> None:
    """@login_required is forgotten easily, and an extension may bring pages along."""
    rules = rules_for_members(app)
    assert rules, "there is no page for members"

    for rule in rules:
        answer = ask(Visitor(app), rule)

        is_sent_on = answer.status_code == 302
        if is_sent_on:
            is_sent_on = answer.location.startswith("/login")
        assert is_sent_on or answer.status_code == 401, (
            f"{rule} answers a stranger with {answer.status}. Is @login_required "
            "missing? If the page is public, write it into PUBLIC above."
        )


def pages_of_a_member(app: Flask, user: Any) -> list[TestResponse]:
    """All pages that open for a member, and the public ones for a stranger."""
    member = Visitor(app)
    log_in(member, user)
    pages = []
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and rule.endpoint != "static":
            for visitor in (member, Visitor(app)):
                pages.append(visitor.get(address_of(rule), expect_errors=True))
    return [page for page in pages if page.content_type == "text/html"]


@pytest.mark.asvs("3.4.3", "3.7.1")
def test_no_page_runs_a_script_that_is_not_a_file_of_ours(
    app: Flask, user: Any
) -> None:
    """Cross-site scripting (XSS): markup that slips into a page must stay dead. A
    script from elsewhere can change what this site does.
    """
    for page in pages_of_a_member(app, user):
        path = page.request.path
        policy = page.headers["Content-Security-Policy"]
        scripts = re.search(r"(?:script-src|default-src) ([^;]*)", policy)
        assert scripts, f"{path} limits no scripts"
        assert "unsafe" not in policy, path
        for script in page.html.find_all("script"):
            assert re.match(r"/(?!/)", script.get("src", "")), f"{path}: {script}"
        for tag in page.html.find_all(True):
            handlers = [name for name in tag.attrs if name.lower().startswith("on")]
            assert handlers == [], f"{path}: {tag}"


@pytest.mark.asvs("6.2.7")
def test_every_field_lets_password_managers_work(app: Flask, user: Any) -> None:
    """What cannot be filled in by a program is made short and easy by people."""
    for page in pages_of_a_member(app, user):
        off = page.html.select('[autocomplete="off"], [onpaste]')
        assert off == [], page.request.path


@pytest.mark.asvs("6.4.2")
def test_nobody_is_asked_for_a_hint_or_a_secret_question(visitor: Visitor) -> None:
    """The name of a first pet is a second password, and a worse one."""
    for path in ("/login", "/signup"):
        fields = visitor.get(path).html.select("input[name], select[name]")
        names = [field["name"] for field in fields]
        assert "password" in names, path
        assert [
            name for name in names if re.search("hint|question|answer", name)
        ] == [], path


def test_a_member_may_open_every_page_for_members(app: Flask, user: Any) -> None:
    """And the tests' own way to log in works for all of them."""
    member = Visitor(app)
    log_in(member, user)

    for rule in rules_for_members(app):
        if "GET" in rule.methods and str(rule) not in FOR_SOME_MEMBERS:
            status = member.get(address_of(rule), expect_errors=True).status_code
            assert status in (200, 404), rule


def test_a_log_in_that_is_not_fresh_opens_the_dashboard_alone(
    app: Flask, user: Any
) -> None:
    """`log_in(client, user, fresh=False)`: as if the password was typed an hour ago."""
    member = Visitor(app)
    log_in(member, user, fresh=False)

    assert member.get("/dashboard").status_code == 200
    assert member.get("/account").status_code == 302


def test_flasks_own_test_client_can_be_logged_in(app: Flask, user: Any) -> None:
    """`log_in(app.test_client(), user)`, for those who know it better than Visitor."""
    client = app.test_client()
    assert client.get("/dashboard").status_code == 302

    log_in(client, user)

    assert client.get("/dashboard").status_code == 200
    assert client.get("/account").status_code == 200


def test_flask_logins_test_client_works(
    site: Site, own_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flask-Login's documentation shows this way."""
    monkeypatch.setattr(own_app, "test_client_class", FlaskLoginClient)
    db = site.module.models.db
    with own_app.app_context():
        user = site.new_user(password_hash="pbkdf2:sha256:1$salt$00")
        db.session.add(user)
        db.session.commit()
        client = own_app.test_client(user=user)

    assert client.get("/dashboard").status_code == 200
