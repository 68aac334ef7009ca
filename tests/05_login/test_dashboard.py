"""Suite 05: who current_user is."""

import html

import pytest

from tests.support.harness import Visitor, visible_text


@pytest.mark.steps(5, 5)  # in step 06 it is a protected page
def test_the_dashboard_shows_what_current_user_is_for_a_stranger(
    visitor: Visitor,
) -> None:
    """current_user is never None: it is an object that says no."""
    text = visible_text(visitor.get("/dashboard"))

    assert "AnonymousUserMixin" in text
    assert "False" in text


@pytest.mark.asvs("1.2.1", "3.2.2")
def test_markup_in_a_members_name_is_shown_and_not_run(visitor: Visitor) -> None:
    """Cross-site scripting (XSS): <script> as a name must stay a name. A template not
    named .html runs it.
    """
    visitor.sign_up(name='<script>alert("1")</script>')
    visitor.log_in()

    page = visitor.get("/dashboard")

    assert "<script>alert" not in page.text
    assert '<script>alert("1")</script>' in html.unescape(page.text), (
        "a reader should see the name as it was typed"
    )


@pytest.mark.asvs("14.2.3")
def test_the_website_is_a_link_that_vouches_for_nothing(visitor: Visitor) -> None:
    """rel="nofollow" so that spam earns nothing, "noopener" so that the page behind it
    cannot steer ours.
    """
    visitor.sign_up(website="https://ada.example/notes?a=1&b=2")
    visitor.log_in()

    link = visitor.get("/dashboard").html.find(
        "a", href="https://ada.example/notes?a=1&b=2"
    )

    assert {"nofollow", "noopener"} <= set(link["rel"])
