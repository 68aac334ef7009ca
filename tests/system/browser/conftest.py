"""Chromium, and the steps that it visits."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.support.harness import HOST, STEPS
from tests.system.browser.served import Certificate, Site, serving

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    # it runs as root in a container; it visits nothing but these tests' own pages
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
]
# Milliseconds, for a busy machine; nothing here waits longer than it must.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)

# Runs in every page before anything else: script and style that the policy has stopped
# leaves a note.
WATCH = """
window.stopped = [];
document.addEventListener("securitypolicyviolation",
  event => window.stopped.push(
    event.effectiveDirective + " " + event.blockedURI + " " + event.sample));
"""


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserType]:
    """Playwright, for this machine's Chromium: it downloads none of its own."""
    if not Path(CHROMIUM).exists():
        pytest.fail(
            f"There is no {CHROMIUM}. Install it (Debian: apt-get install chromium) "
            "or set CHROMIUM."
        )
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """The certificate that the sites of this run show, and that its browsers trust."""
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def launch(tls: Certificate) -> dict[str, Any]:
    """How to start Chromium: as its users have it, with the Back button's cache, which
    Playwright turns off.
    """
    return {
        "executable_path": CHROMIUM,
        "args": [*FLAGS, f"--ignore-certificate-errors-spki-list={tls.fingerprint}"],
        "ignore_default_args": ["--disable-back-forward-cache"],
    }


@pytest.fixture(scope="session")
def browser(chromium: BrowserType, launch: dict[str, Any]) -> Iterator[Browser]:
    """One Chromium for all tests; each test's visitors have cookies of their own."""
    browser = chromium.launch(**launch)
    yield browser
    browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser has found fault with so far: blocked scripts and styles, errors
    of pages, open dialogs.
    """
    return []


@pytest.fixture
def new_visitor(
    browser: Browser, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """Somebody new: an empty page of a browser without a cookie."""

    def new(**options: Any) -> Page:
        context = browser.new_context(**options)
        made.append(context)
        return watched_page(context, complaints)

    made: list[BrowserContext] = []
    yield new
    for context in made:
        context.close()


@pytest.fixture
def page(new_visitor: Callable[..., Page]) -> Page:
    """The one visitor that most tests need."""
    return new_visitor()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start a step for this test alone."""
    with ExitStack() as stack:
        yield lambda step, **options: stack.enter_context(
            serving(step, tmp_path, **options)
        )


@pytest.fixture
def site(serve: Callable[..., Site]) -> Site:
    """The last step over plain HTTP, as it runs on a learner's machine."""
    return serve(STEPS[6])


@pytest.fixture
def secure_site(serve: Callable[..., Site], tls: Certificate) -> Site:
    """The last step over TLS, as it runs on the web."""
    return serve(STEPS[6], tls=tls)


@pytest.fixture(params=STEPS.values(), ids=lambda step: step.name)
def any_site(request: pytest.FixtureRequest, serve: Callable[..., Site]) -> Site:
    """Each step in turn."""
    return serve(request.param)


def watched_page(context: BrowserContext, complaints: list[str]) -> Page:
    """Open a page whose complaints are noted down."""

    def note(message: ConsoleMessage) -> None:
        if (
            message.type in ("error", "warning")
            and "the server responded with a status of" not in message.text
        ):
            complaints.append(message.text)

    context.set_default_timeout(PATIENCE)
    context.add_init_script(WATCH)
    page = context.pages[0] if context.pages else context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "dialog",
        lambda dialog: (
            complaints.append(f"dialog: {dialog.message}"),
            dialog.dismiss(),
        ),
    )
    return page
