"""What notebook 05 says of a SameSite=Lax cookie: when browsers send it for others."""

from collections.abc import Iterator

import pytest
from flask import Flask, request
from playwright.sync_api import Page

from tests.system.browser.served import listening

# Browsers look for every name below localhost on this machine. Two that share their
# last two parts are one site, as app.your.site and blog.your.site are on the web.
APP, SISTER, STRANGER = "app.your.localhost", "blog.your.localhost", "evil.localhost"


@pytest.fixture
def seen() -> list[bool]:
    """Whether the cookie came along, for each visit of /logout."""
    return []


@pytest.fixture
def port(seen: list[bool]) -> Iterator[int]:
    """A site that sets a cookie at /, and pages that have to do with its /logout."""
    app = Flask("a site with a log-out by GET")

    @app.get("/")
    def index() -> tuple[str, dict[str, str]]:
        return "Hello", {"Set-Cookie": "session=ada; Path=/; HttpOnly; SameSite=Lax"}

    @app.route("/logout", methods=["GET", "POST"])
    def logout() -> str:
        seen.append("session" in request.cookies)
        return "Goodbye"

    @app.get("/elsewhere/<kind>")
    def elsewhere(kind: str) -> str:
        target = f"http://{APP}:{request.host.partition(':')[2]}/logout"
        return {
            "image": f"<img src='{target}'>",
            "frame": f"<iframe src='{target}'></iframe>",
            "link": f"<a href='{target}'>A prize</a>",
            "form": f"<form method=post action='{target}'><button>A prize</button>",
        }[kind]

    with listening(app) as port:
        yield port


@pytest.mark.parametrize(
    ("host", "kind", "comes_along"),
    [
        (STRANGER, "image", False),
        (STRANGER, "frame", False),
        (STRANGER, "form", False),
        (STRANGER, "link", True),
        (SISTER, "image", True),
        (SISTER, "frame", True),
        (SISTER, "form", True),
        (SISTER, "link", True),
    ],
)
def test_when_a_lax_cookie_comes_along(
    page: Page, port: int, seen: list[bool], host: str, kind: str, comes_along: bool
) -> None:
    """From another site with a link alone, from a sister domain with everything.

    So a log-out has to be a POST, and one that is checked.
    """
    page.goto(f"http://{APP}:{port}/")

    page.goto(f"http://{host}:{port}/elsewhere/{kind}")
    for prize in page.get_by_text("A prize").all():
        prize.click()
    page.wait_for_load_state("networkidle")

    assert seen == [comes_along]
