"""Suite 03: what the sign-up form accepts and refuses, apart from passwords."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.checks import assert_marked, marked_fields
from tests.support.harness import PASSWORD, Visitor

AssertDetails = Callable[..., None]


def email_of_length(length: int) -> str:
    """An address of that many characters, within the limits for its parts: 64 before
    the @, 63 between two dots.
    """
    domain = ".".join(["d" * 61] * 3) + ".de"
    return "a" * (length - len(domain) - 1) + "@" + domain


def test_an_empty_form_names_every_field_that_it_needs(visitor: Visitor) -> None:
    """Told of one mistake at a time, people give up; told of none, they do so at
    once."""
    answer = visitor.submit("/signup")

    assert_marked(answer, {"name", "email", "password", "confirm"})


def test_blanks_are_no_name_and_no_address(assert_details: AssertDetails) -> None:
    """A member whose name is a blank cannot be seen in any list."""
    assert_details({"name", "email"}, name="  ", email=" \t ")


@pytest.mark.asvs("2.2.2")
def test_a_request_that_lacks_the_fields_is_refused_and_no_crash(
    visitor: Visitor,
) -> None:
    """Programs send what they like.

    A field that is not there at all must not become a 500.
    """
    for path in ("/signup", "/login"):
        token = visitor.get(path).html.find("input", {"name": "csrf_token"})["value"]

        answer = visitor.post(path, {"csrf_token": token}, expect_errors=True)

        assert answer.status_code == 422
        assert {"email", "password"} <= marked_fields(answer)


def test_each_field_takes_as_much_as_its_column_holds(
    assert_details: AssertDetails,
) -> None:
    """Real names, addresses and links are longer than one thinks: an address may have
    254 characters.
    """
    longest = {
        "name": "n" * 100,
        "email": email_of_length(254),
        "website": "https://ada.example/".ljust(255, "w"),
    }

    assert_details(set(), **longest)


@pytest.mark.asvs("2.2.1", "2.2.2")
def test_each_field_refuses_more_than_its_column_holds(
    assert_details: AssertDetails,
) -> None:
    """PostgreSQL and MySQL answer a value that is too long with an error: the visitor
    would get a 500.
    """
    too_long = {
        "name": "n" * 101,
        "email": email_of_length(255),
        "website": "https://ada.example/".ljust(256, "w"),
    }

    assert_details({"name", "email", "website"}, **too_long)


def test_an_address_that_browsers_refuse_is_refused_here_too(
    assert_details: AssertDetails,
) -> None:
    """Letters beyond A to Z before the @: `type=email` refuses them, so their owner
    could never log in.
    """
    for address in ("jürgen@example.com", "\u0390@example.com", "李@example.com"):
        assert_details({"email"}, email=address)


@pytest.mark.asvs("2.2.1")
def test_what_is_not_an_address_is_refused(assert_details: AssertDetails) -> None:
    """A typo here locks its owner out, and some of these are attempts to send mail to
    two people.
    """
    for wrong in (
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "a b@example.com",
        "ada@@example.com",
        "a@b..com",
    ):
        assert_details({"email"}, email=wrong)
    for sly in (
        "ada@exam\u202eple.com",
        "a@example.com,b@example.com",
        "Ada <ada@example.com>",
    ):
        assert_details({"email"}, email=sly)


def test_addresses_of_every_kind_are_accepted(assert_details: AssertDetails) -> None:
    """A home-made pattern refuses real people: a plus, an apostrophe, a domain in
    another script.
    """
    for address in (
        "ada+lists@example.com",
        "o'hara@example.com",
        "juergen@bücher.example.com",
        "ADA@EXAMPLE.COM",
    ):
        assert_details(set(), email=address)


def test_nul_is_refused(assert_details: AssertDetails) -> None:
    """PostgreSQL cannot store the character NUL: where SQLite shrugs, the visitor gets
    a 500.
    """
    with_nul = {
        "name": "Ada\0",
        "email": "ada@example.com\0",
        "website": "https://ada.example/\0",
    }

    assert_details({"name", "email", "website"}, **with_nul)


def test_characters_that_hide_or_turn_text_are_refused(
    assert_details: AssertDetails,
) -> None:
    """A right-to-left mark in a name turns the rest of the line around; a line break
    forges a line in a log.
    """
    for character in (
        "\n",
        "\x1b",
        "\x7f",
        "\x85",
        "\u200b",
        "\u2028",
        "\u202e",
        "\u2066",
        "\ufeff",
    ):
        assert_details(
            {"name", "website"},
            name=f"Ada{character}Lovelace",
            website=f"https://ada.example/{character}x",
        )


def test_a_name_that_shows_nothing_is_refused(assert_details: AssertDetails) -> None:
    """A soft hyphen, a joiner alone, a tag: a member without a name, or one who looks
    like another.
    """
    for name in (
        "\u00ad",
        "Ada\u00ad",
        "\u034f",
        "Ada\u034f",
        "\U000e0041",
        "\u200d",
        "\u3164",
        "\u115f",
        "\ufe0f",
        "\u2800",
        "\ufffc",
    ):
        assert_details({"name"}, name=name)


def test_names_in_every_script_are_accepted(assert_details: AssertDetails) -> None:
    """People are called that.

    Some of these characters take four bytes, which MySQL's old utf8 cannot store.
    """
    for name in (
        "李小龍",
        "أحمد",
        "Zoë O'Brien-Smith",
        "𝒜da 👩\u200d💻",
        "❤\ufe0f Ada",
        "علی\u200cرضا",
        "X",
    ):
        assert_details(set(), name=name)


@pytest.mark.asvs("1.2.2")
def test_a_link_that_is_not_to_a_web_page_is_refused(
    assert_details: AssertDetails,
) -> None:
    """Cross-site scripting (XSS): a javascript: link runs with the rights of the member
    who clicks it.
    """
    for link in (
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://ada.example",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ada.example",
        "//ada.example",
        "https:\\\\ada.example",
        "https://evil.example\\@ada.example",
        "https:ada.example",
        "https://",
        "https://ada@",
        "https://ada .example",
        "https://[ada",
        "file:///etc/passwd",
    ):
        assert_details({"website"}, website=link)


def test_links_to_web_pages_are_accepted_and_none_is_needed(
    assert_details: AssertDetails,
) -> None:
    """A check that is too strict loses members too."""
    for link in (
        "https://ada.example",
        "http://ada.example:8080/a?b=c#d",
        "HTTPS://ADA.EXAMPLE/",
        "https://bücher.de",
        "  https://ada.example ",
        " ",
    ):
        assert_details(set(), website=link)


@pytest.mark.asvs("2.2.2")
@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_a_form_reads_what_a_form_sends_and_nothing_else(
    visitor: Visitor, path: str
) -> None:
    """Flask-WTF reads JSON too: numbers, lists and half characters, for which no check
    was written.
    """
    headers = {
        "X-CSRFToken": visitor.get(path).html.find("input", {"name": "csrf_token"})[
            "value"
        ]
    }

    for body in (
        '{"email": 7}',
        "[]",
        "null",
        '{"name": "\\ud800", "remember": "\\ud800"}',
        "{",
    ):
        for content_type in (
            "application/json",
            "application/vnd.api+json",
            "text/plain",
            "",
        ):
            answer = visitor.post(
                path,
                body,
                {**headers, "Content-Type": content_type},
                expect_errors=True,
            )

            assert answer.status_code in (400, 415), f"{content_type}: {body}"


@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_a_file_in_place_of_a_text_is_no_crash(visitor: Visitor, path: str) -> None:
    """A field of a multipart form may be a file, which has no strip()."""
    token = visitor.get(path).html.find("input", {"name": "csrf_token"})["value"]
    files = [
        (name, "a.txt", b"ada@example.com") for name in ("name", "email", "password")
    ]

    answer = visitor.post(
        path, {"csrf_token": token}, upload_files=files, expect_errors=True
    )

    assert answer.status_code == 422
    assert {"email", "password"} <= marked_fields(answer)


def test_the_command_refuses_a_name_that_shows_nothing(
    app: Flask, sql: Callable[..., list[Any]]
) -> None:
    """The rules hold at every door."""
    for name in ("\u00ad", "\u2800", "n" * 101):
        words = ["add-user", "ada@example.com", "--name", name]
        result = app.test_cli_runner().invoke(args=words, input=f"{PASSWORD}\n" * 2)
        assert result.exit_code == 1, name.encode("unicode_escape")

    assert sql("SELECT id FROM users") == []


@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_a_part_of_the_body_without_a_name_is_no_crash(
    visitor: Visitor, path: str
) -> None:
    """A multipart body may hold one, and no browser sends it: programs do."""
    body = b"--x\r\nContent-Disposition: form-data\r\n\r\nodd\r\n--x--\r\n"

    answer = visitor.post(
        path, body, content_type="multipart/form-data; boundary=x", expect_errors=True
    )

    assert answer.status_code == 400
