"""Suite 03: how the forms look to a person, a screen reader and a password manager."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from webtest.response import TestResponse
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.support.checks import assert_marked, marked_fields
from tests.support.harness import PASSWORD, Visitor, visible_text

FORMS = ("/signup", "/login")


def controls(page: TestResponse) -> dict[str, Tag]:
    """The fields of the page's main form that a visitor fills in, by name."""
    found = page.html.select("main form input:not([type=hidden], [type=submit])")
    return {control["name"]: control for control in found}


def descriptions(page: TestResponse, name: str) -> set[str]:
    """The texts that a screen reader reads out with this field."""
    ids = controls(page)[name].get("aria-describedby", "").split()
    return {page.html.find(id=each).get_text(" ", strip=True) for each in ids} - {""}


def test_every_field_has_a_label(visitor: Visitor) -> None:
    """A label is what a screen reader says, and what a thumb may press instead of the
    small box.
    """
    for path in FORMS:
        page = visitor.get(path)

        labels = {
            label["for"]: label.get_text(strip=True)
            for label in page.html.select("label[for]")
        }
        said = [labels.get(control.get("id")) for control in controls(page).values()]
        without_label = [
            name
            for name, control in controls(page).items()
            if not labels.get(control.get("id"))
        ]
        assert without_label == []
        assert len(said) == len(set(said)), f"two fields have the same label: {said}"


@pytest.mark.workbook
def test_the_header_leads_to_both_forms(visitor: Visitor) -> None:
    """A page that no link leads to is a page that nobody finds."""
    for path in ("/", *FORMS):
        links = visitor.get(path).html.select("header a[href]")

        missing = {*FORMS} - {link["href"] for link in links}
        assert not missing, f"the header of {path} does not lead to {missing}"


def test_a_password_of_blanks_is_not_called_missing(visitor: Visitor) -> None:
    """A blank is a character like any other. "Type your password" says that nothing was
    typed.
    """
    for path in FORMS:
        fresh = visitor.get(path)
        empty = visitor.submit(path)
        passwords = [
            name for name in controls(fresh) if name in ("password", "confirm")
        ]

        answer = visitor.submit(path, dict.fromkeys(passwords, " " * 20))

        for name in passwords:
            missing = descriptions(empty, name) - descriptions(fresh, name)
            assert missing, f"{path} sent empty says nothing at {name}"
            assert missing.isdisjoint(descriptions(answer, name)), (
                f"{path} says of blanks in {name}: {missing}"
            )


def test_an_error_is_tied_to_its_field(visitor: Visitor) -> None:
    """Red text somewhere on the page is silence to a screen reader. aria-describedby
    makes it part of the field.
    """
    for path in FORMS:
        fresh = visitor.get(path)
        answer = visitor.submit(fresh)

        assert {"email", "password"} <= marked_fields(answer)
        for name in marked_fields(answer):
            assert descriptions(answer, name) > descriptions(fresh, name), (
                f"no error is tied to {name}"
            )


def test_a_fresh_form_finds_no_fault(visitor: Visitor) -> None:
    """Nobody likes to be told off before they have typed anything."""
    for path in FORMS:
        page = visitor.get(path)

        assert page.status_code == 200
        assert_marked(page, set())


@pytest.mark.asvs("6.2.7")
def test_the_fields_tell_password_managers_what_they_are(visitor: Visitor) -> None:
    """Without autocomplete a manager guesses: it fills the old password into the new
    field, or offers none.
    """
    signup = controls(visitor.get("/signup"))
    login = controls(visitor.get("/login"))

    assert {
        name: signup[name].get("autocomplete")
        for name in ("name", "password", "confirm", "website")
    } == {
        "name": "name",
        "password": "new-password",
        "confirm": "new-password",
        "website": "url",
    }
    assert login["password"].get("autocomplete") == "current-password"
    assert {page["email"].get("autocomplete") for page in (signup, login)} <= {
        "username",
        "email",
    }


@pytest.mark.asvs("6.2.6")
def test_what_is_typed_into_a_password_field_is_hidden(visitor: Visitor) -> None:
    """Somebody who looks over your shoulder reads along."""
    for path in FORMS:
        fields = controls(visitor.get(path))

        assert {
            fields[name]["type"] for name in fields if name in ("password", "confirm")
        } == {"password"}


def test_a_refused_form_keeps_what_was_typed(visitor: Visitor) -> None:
    """To type everything again because of one mistake is where people leave."""
    for path in FORMS:
        typed = {"name": "Ada Lovelace", "email": "ada@example", "website": "no link"}
        offered = {
            name: value
            for name, value in typed.items()
            if name in controls(visitor.get(path))
        }

        answer = visitor.submit(path, offered)

        assert {name: controls(answer)[name]["value"] for name in offered} == offered


@pytest.mark.asvs("14.2.4")
def test_a_refused_form_does_not_send_the_password_back(visitor: Visitor) -> None:
    """It would stand in the page's source, in the browser's cache, and on the next
    person's screen.
    """
    for path in FORMS:
        offered = {
            name: PASSWORD
            for name in ("password", "confirm")
            if name in controls(visitor.get(path))
        }

        answer = visitor.submit(path, {"email": "ada@example", **offered})

        assert answer.status_code == 422
        assert PASSWORD not in answer.text


def test_a_refused_form_comes_back_as_422_and_not_as_a_redirect(
    visitor: Visitor,
) -> None:
    """A redirect forgets what was typed and what was wrong; 200 tells programs that all
    is well.
    """
    for path in FORMS:
        answer = visitor.submit(path)

        assert answer.status_code == 422


@pytest.mark.parametrize(
    "address", ["/signup?from=poster", "/login?next=/dashboard%3Ftab%3D2"]
)
def test_a_form_goes_back_to_its_own_address(visitor: Visitor, address: str) -> None:
    """With action="/login" written into the page, ?next= is lost and the member lands
    somewhere else.
    """
    answer = visitor.submit(visitor.submit(address))

    assert answer.request.path_qs == address


def test_the_site_works_below_another_path(app: Flask) -> None:
    """Many sites live at example.com/members.

    An address written out in full leads out of there, to a 404.
    """
    visitor = Visitor(DispatcherMiddleware(NotFound(), {"/members": app}))
    for path in ("/members/signup", "/members/login"):
        answer = visitor.submit(path)

        assert (answer.status_code, answer.request.path) == (422, path)
        error = visitor.get(f"{path}/no-such-page", expect_errors=True)
        for page in (answer, error):
            addresses = [
                tag["href"]
                for tag in page.html.select("[href]")
                if tag["href"].startswith("/")
            ]
            assert addresses
            assert [
                address for address in addresses if not address.startswith("/members/")
            ] == []


@pytest.mark.steps(3, 3)  # step 04 stores what was typed
def test_nothing_is_stored_yet_and_the_page_says_so(
    visitor: Visitor, sql: Callable[..., list[Any]]
) -> None:
    """A form that seems to have worked and did nothing is the worst of all answers."""
    fresh = visitor.get("/signup")
    answer = visitor.sign_up()

    assert answer.status_code == 200
    assert visible_text(answer) != visible_text(fresh), (
        "the page after a good form is the same as the empty one: flash a message"
    )
    assert sql("SELECT id FROM users") == []


@pytest.mark.steps(3, 3)  # from step 04 on, a form that was sent well is a redirect
def test_a_form_that_was_sent_well_comes_back_empty(visitor: Visitor) -> None:
    """Filled in as before, it looks refused, and people send it once more."""
    typed = {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "website": "https://ada.example",
        "password": PASSWORD,
        "confirm": PASSWORD,
    }
    for path in FORMS:
        fields = controls(visitor.get(path)).keys() & typed.keys()

        answer = visitor.submit(path, {name: typed[name] for name in fields})

        assert answer.status_code == 200
        filled = [name for name in fields if controls(answer)[name].get("value")]
        assert filled == [], f"{path} comes back with what was typed in {filled}"
