"""Suite 03: what the sign-up form accepts and refuses, apart from passwords."""

from collections.abc import Callable

import pytest
from checks import faults
from harness import Visitor

Faults = Callable[..., set[str]]


def email_of_length(length: int) -> str:
    """An address of that many characters, within the limits for its parts: 64 before the @, 63 between two dots."""
    domain = ".".join(["d" * 61] * 3) + ".de"
    return "a" * (length - len(domain) - 1) + "@" + domain


def test_an_empty_form_names_every_field_that_it_needs(visitor: Visitor) -> None:
    """Told of one mistake at a time, people give up; told of none, they do so at once."""
    answer = visitor.submit("/signup")

    assert faults(answer) == {"name", "email", "password", "confirm"}


def test_blanks_are_no_name_and_no_address(faults_of: Faults) -> None:
    """A member whose name is a blank cannot be seen in any list."""
    assert faults_of(name="  ", email=" \t ") == {"name", "email"}


@pytest.mark.asvs("2.2.2")
def test_a_request_that_lacks_the_fields_is_refused_and_no_crash(visitor: Visitor) -> None:
    """Programs send what they like. A field that is not there at all must not become a 500."""
    for path in ("/signup", "/login"):
        token = visitor.get(path).html.find("input", {"name": "csrf_token"})["value"]

        answer = visitor.post(path, {"csrf_token": token}, expect_errors=True)

        assert answer.status_code == 422
        assert {"email", "password"} <= faults(answer)


def test_each_field_takes_as_much_as_its_column_holds(faults_of: Faults) -> None:
    """Real names, addresses and links are longer than one thinks: an address may have 254 characters."""
    wrong = faults_of(name="n" * 100, email=email_of_length(254), website="https://ada.example/".ljust(255, "w"))

    assert wrong == set()


@pytest.mark.asvs("2.2.1", "2.2.2")
def test_each_field_refuses_more_than_its_column_holds(faults_of: Faults) -> None:
    """PostgreSQL and MySQL answer a value that is too long with an error: the visitor would get a 500."""
    wrong = faults_of(name="n" * 101, email=email_of_length(255), website="https://ada.example/".ljust(256, "w"))

    assert wrong == {"name", "email", "website"}


def test_an_address_that_grows_when_it_is_normalised_is_refused(faults_of: Faults) -> None:
    """One small letter can become three in its normal form: 182 characters were typed, 302 would be stored."""
    wrong = faults_of(email="\u0390" * 60 + "@" + ".".join(["d" * 58] * 2) + ".de")

    assert wrong == {"email"}
    rest = "@" + ".".join(["d" * 61] * 3) + ".com"
    assert faults_of(email="\u0390" + "a" * 61 + rest) == set(), "254 in its normal form"
    assert faults_of(email="\u0390" + "a" * 62 + rest) == {"email"}, "255 in its normal form"


@pytest.mark.asvs("2.2.1")
def test_what_is_not_an_address_is_refused(faults_of: Faults) -> None:
    """A typo here locks its owner out, and some of these are attempts to send mail to two people."""
    for wrong in ("ada", "ada@", "@example.com", "ada@example", "a b@example.com", "ada@@example.com", "a@b..com"):
        assert faults_of(email=wrong) == {"email"}
    for sly in ("ada@exam\u202eple.com", "a@example.com,b@example.com", "Ada <ada@example.com>"):
        assert faults_of(email=sly) == {"email"}


def test_addresses_of_every_kind_are_accepted(faults_of: Faults) -> None:
    """A home-made pattern refuses real people: a plus, an apostrophe, letters beyond A to Z."""
    for address in ("ada+lists@example.com", "o'hara@example.com", "jürgen@bücher.example.com", "ADA@EXAMPLE.COM"):
        assert faults_of(email=address) == set()


def test_nul_is_refused(faults_of: Faults) -> None:
    """PostgreSQL cannot store the character NUL: where SQLite shrugs, the visitor gets a 500."""
    wrong = faults_of(name="Ada\0", email="ada@example.com\0", website="https://ada.example/\0")

    assert wrong == {"name", "email", "website"}


def test_characters_that_hide_or_turn_text_are_refused(faults_of: Faults) -> None:
    """A right-to-left mark in a name turns the rest of the line around; a line break forges a line in a log."""
    for character in ("\n", "\x1b", "\x7f", "\x85", "\u200b", "\u2028", "\u202e", "\u2066", "\ufeff"):
        wrong = faults_of(name=f"Ada{character}Lovelace", website=f"https://ada.example/{character}x")

        assert wrong == {"name", "website"}


def test_names_in_every_script_are_accepted(faults_of: Faults) -> None:
    """People are called that. Some of these characters take four bytes, which MySQL's old utf8 cannot store."""
    for name in ("李小龍", "أحمد", "Zoë O'Brien-Smith", "𝒜da 👩\u200d💻", "X"):
        assert faults_of(name=name) == set()


@pytest.mark.asvs("1.2.2")
def test_a_link_that_is_not_to_a_web_page_is_refused(faults_of: Faults) -> None:
    """A javascript: link runs in the browser, and with the rights, of whoever clicks it."""
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
        assert faults_of(website=link) == {"website"}


def test_links_to_web_pages_are_accepted_and_none_is_needed(faults_of: Faults) -> None:
    """A check that is too strict loses members too."""
    for link in (
        "https://ada.example",
        "http://ada.example:8080/a?b=c#d",
        "HTTPS://ADA.EXAMPLE/",
        "https://bücher.de",
        " ",
    ):
        assert faults_of(website=link) == set()
