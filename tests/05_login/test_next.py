"""Suite 05: `?next=`, the page that was asked for."""

import pytest

from tests.support.harness import PASSWORD, Visitor

ELSEWHERE = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    " https://evil.example",
    "\x00//evil.example",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "evil.example",
    "@evil.example",
]


@pytest.mark.asvs("1.2.2")
def test_next_leads_to_the_page_that_was_asked_for(member: Visitor) -> None:
    """Path and query, as it was asked for."""
    answer = member.log_in(page="/login?next=%2Fdashboard%3Fa%3D1%26b%3D%252F")

    assert answer.location.endswith("/dashboard?a=1&b=%2F")


def test_next_may_hold_a_backslash_where_it_is_only_text(member: Visitor) -> None:
    """In a query it is a character like any other; refusing it loses the page that was
    asked for.
    """
    page = member.get("/login", {"next": "/dashboard?from=C:\\here"})

    answer = member.log_in(page=page)

    query = answer.location.removeprefix("/dashboard?")
    assert query in ("from=C:\\here", "from=C:%5Chere")


def test_next_survives_a_wrong_password(member: Visitor) -> None:
    """A slip of the finger must not lose the page that was asked for."""
    first = member.log_in(
        password="not her password", page="/login?next=/dashboard%3Fa=1"
    )

    second = member.submit(first, {"password": PASSWORD})

    assert second.location.endswith("/dashboard?a=1")


@pytest.mark.asvs("1.2.1", "3.7.2")
@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_never_leads_to_another_site(member: Visitor, target: str) -> None:
    """Open redirect, made for phishing: a link to our log-in page would end on a copy
    that asks for the password again.
    """
    page = member.get("/login", {"next": target})

    answer = member.log_in(page=page)

    assert answer.status_code == 302
    assert answer.location.endswith("/dashboard"), where_it_led(target, answer.location)


def where_it_led(target: str, location: str) -> str:
    """Say where `next` led; also that a quoted backslash is no defence of the app's."""
    told = f"{target!r} led to {location!r}"
    if location.startswith("/%5C"):
        told += (
            ". Only Werkzeug's quoting saves this one: a browser takes /\\ for //, "
            "the beginning of another site's name"
        )
    return told


@pytest.mark.asvs("3.7.2")
def test_next_never_leads_a_member_who_is_in_to_another_site(member: Visitor) -> None:
    """The same open redirect, clicked by somebody who needs no form any more."""
    member.log_in()

    answer = member.get("/login", {"next": "//evil.example"})

    assert answer.location.endswith("/dashboard")
