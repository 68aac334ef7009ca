"""A walk through everything that a step can show: each page, each refused form, each
error.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page

from tests.support.harness import NEW_PASSWORD, PASSWORD, query
from tests.system.browser.served import Site

LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-" * 2 + "Ada"
LONG_SITE = "https://example.com/" + "an-address-without-a-single-blank-in-it/" * 5
LONG_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36"
)
EMAIL = "a.rather.long.address.for.a.narrow.screen@mail.example.com"


def fill(page: Page, **fields: str) -> None:
    """Type into the fields with these names."""
    for name, text in fields.items():
        page.locator(f"main [name={name}]").fill(text)


def send(page: Page, **fields: str) -> None:
    """Fill in the page's form and press its button, past the browser's own checks: they
    are not the server's.
    """
    page.evaluate("for (const form of document.forms) form.noValidate = true")
    fill(page, **fields)
    page.locator("main form button").last.click()


def sign_up(page: Page, site: Site, email: str = EMAIL, **fields: str) -> None:
    """Fill in the sign-up form and send it."""
    page.goto(f"{site.url}/signup")
    send(
        page,
        **{
            "name": "Ada Lovelace",
            "email": email,
            "password": PASSWORD,
            "confirm": PASSWORD,
            **fields,
        },
    )


def log_in(
    page: Page,
    site: Site,
    email: str = EMAIL,
    password: str = PASSWORD,
    *,
    remember: bool = False,
) -> None:
    """Fill in the log-in form and send it."""
    page.goto(f"{site.url}/login")
    if remember:
        page.get_by_label("Remember me").check()
    send(page, email=email, password=password)


def every_page(page: Page, site: Site) -> Iterator[str]:
    """Bring up one page after the other; gives the name of the one that is showing."""
    number = site.step.number
    page.goto(site.url)
    yield "start"
    yield from error_pages(page, site)
    if number >= 3:
        yield from forms(page, site)
    if number >= 5:
        yield from inside(page, site)
    if number >= 6:
        yield from account(page, site)
    yield from broken(page, site)


def error_pages(page: Page, site: Site) -> Iterator[str]:
    """The errors that a visitor can run into by an address alone."""
    page.goto(f"{site.url}/no-such-page")
    yield "error 404"
    page.goto(site.url.replace("127.0.0.1", "localhost"))
    yield "error 400"


def forms(page: Page, site: Site) -> Iterator[str]:
    """Both forms: empty, refused, and sent."""
    page.goto(f"{site.url}/signup")
    yield "sign-up"
    send(
        page,
        email="nobody",
        password="short",
        confirm="other",
        website="javascript:alert(1)",
    )
    yield "sign-up refused"
    page.goto(f"{site.url}/signup")
    page.evaluate("document.querySelector('main [name=csrf_token]').value = 'old'")
    send(page)
    yield "form expired"
    page.goto(f"{site.url}/signup")
    page.evaluate(
        "document.querySelector('main [name=csrf_token]').value = 'x'.repeat(70000)"
    )
    send(page)
    yield "error 413"
    sign_up(page, site, name=LONG_NAME, website=LONG_SITE)
    yield "signed up"
    if site.step.number >= 4:
        sign_up(page, site, password=NEW_PASSWORD, confirm=NEW_PASSWORD)
        yield "sign-up taken"
    page.goto(f"{site.url}/login")
    yield "log-in"
    send(page)
    yield "log-in empty"
    log_in(page, site, password="wrong")
    yield "log-in sent"


def inside(page: Page, site: Site) -> Iterator[str]:
    """What there is for members."""
    page.goto(f"{site.url}/dashboard")
    yield "dashboard, anonymous"
    log_in(page, site)
    yield "dashboard"
    page.goto(site.url)
    yield "start, logged in"
    page.goto(f"{site.url}/logout")
    yield "error 405"


def account(page: Page, site: Site) -> Iterator[str]:
    """The account and its forms."""
    with page.context.browser.new_context(user_agent=LONG_AGENT) as elsewhere:
        log_in(elsewhere.new_page(), site, remember=True)
    page.goto(f"{site.url}/account")
    yield "account"
    page.goto(f"{site.url}/account/password")
    yield "password"
    send(page, current_password="wrong", new_password="short", confirm="other")
    yield "password refused"
    a_while_ago = datetime.now(UTC) - timedelta(minutes=20)
    moment = a_while_ago.strftime("%Y-%m-%d %H:%M:%S.000000")
    query(site.app, "UPDATE user_sessions SET created = :moment", moment=moment)
    page.goto(f"{site.url}/account")
    yield "log-in, once more"
    page.get_by_role("button", name="Log out").click()
    yield "logged out"


def broken(page: Page, site: Site) -> Iterator[str]:
    """When too much is asked, when the database is gone, and when we have made a
    mistake.
    """
    if site.step.number >= 5:
        page.context.clear_cookies()
        for _ in range(11):
            log_in(page, site, email="tried@example.com", password="wrong")
        yield "error 429"
    if site.step.number >= 2:
        query(site.app, "ALTER TABLE users RENAME TO elsewhere")
        page.goto(site.url)
        yield "error 503"
    site.app.view_functions["pages.index"] = lambda: 1 / 0
    page.goto(site.url)
    yield "error 500"
