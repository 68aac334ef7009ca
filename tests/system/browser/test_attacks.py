"""What other sites and ill-meaning visitors try, and what the browser makes of our
answer.
"""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.harness import PASSWORD, STEPS
from tests.system.browser.served import Site, listening
from tests.system.browser.tour import EMAIL, log_in, send, sign_up

SCRIPT = "<script>window.ran=1</script><img src=x onerror=window.ran=1>"
BREAKOUT = "\"'></textarea></title>" + SCRIPT
TEMPLATE = "{{ 7 * 7 }}{% raw %}"


@pytest.fixture
def other_site() -> Iterator[Callable[[str], str]]:
    """Somebody else's web site, on another host; give it a body, get its address."""
    body = b""

    def app(_environ: dict, start_response: Callable) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [b"<!doctype html><title>Elsewhere</title>" + body]

    def show(markup: str) -> str:
        nonlocal body
        body = markup.encode()
        # to a browser, localhost and 127.0.0.1 are two sites
        return f"http://localhost:{port}/"

    with listening(app) as port:
        yield show


def assert_nothing_ran(page: Page) -> None:
    """No script of the visitor's ran, and none even became part of the page."""
    page.wait_for_load_state()
    assert page.evaluate("window.ran") is None
    assert page.locator("script, img, [onerror], [onfocus]").count() == 0
    assert page.evaluate("window.stopped") == []


@pytest.mark.asvs("1.2.1", "3.2.2")
def test_script_typed_into_any_field_is_only_text(
    site: Site, new_visitor: Callable[..., Page], complaints: list[str]
) -> None:
    """Names, addresses and links come from strangers: the page shows them and runs none
    of them.
    """
    page = new_visitor(user_agent=SCRIPT)
    bad = dict.fromkeys(("name", "email", "website", "password", "confirm"), BREAKOUT)
    page.goto(f"{site.url}/signup?next={BREAKOUT}")
    send(page, **bad)
    expect(page.get_by_label("Name")).to_have_value(BREAKOUT)
    assert_nothing_ran(page)

    sign_up(
        page,
        site,
        name=TEMPLATE + SCRIPT,
        website="https://example.com/?" + '"onfocus="window.ran=1"autofocus="',
    )
    expect(page.get_by_role("status")).to_contain_text(TEMPLATE + SCRIPT)
    assert_nothing_ran(page)

    page.goto(f"{site.url}/login?next={BREAKOUT}")
    send(page, email=BREAKOUT, password=BREAKOUT)
    expect(page.get_by_label("Email address")).to_have_value(BREAKOUT)
    assert_nothing_ran(page)

    log_in(page, site)
    expect(page.get_by_text(TEMPLATE + SCRIPT)).to_be_visible()
    assert_nothing_ran(page)
    page.goto(f"{site.url}/account")
    expect(page.get_by_role("cell").filter(has_text=SCRIPT)).to_be_visible()
    assert_nothing_ran(page)
    page.goto(f"{site.url}/{BREAKOUT}")
    assert_nothing_ran(page)
    assert complaints == []


@pytest.mark.asvs("3.4.3")
def test_script_that_got_into_a_page_all_the_same_does_not_run(
    serve: Callable[..., Site], page: Page
) -> None:
    """The second line of defence: here the templates escape nothing, and the policy
    stops what gets through.
    """
    site = serve(STEPS[6])
    site.app.jinja_env.autoescape, site.app.jinja_env.bytecode_cache = False, None
    site.app.jinja_env.cache.clear()
    sign_up(page, site, name=SCRIPT)
    log_in(page, site)

    expect(page.locator("main script")).to_have_count(1)  # it is there ...
    page.wait_for_load_state()
    assert page.evaluate("window.ran") is None  # ... and did nothing
    assert "script-src-elem" in " ".join(page.evaluate("window.stopped"))


@pytest.mark.asvs("3.4.6")
@pytest.mark.parametrize(
    "path", ["/", "/login", "/dashboard", "/no-such-page", "/static/style.css"]
)
def test_no_other_site_can_put_a_page_of_ours_into_a_frame(
    site: Site,
    page: Page,
    complaints: list[str],
    other_site: Callable[[str], str],
    path: str,
) -> None:
    """Under a picture of something harmless, a frame would take clicks and passwords
    meant for elsewhere.
    """
    url = other_site(f"<iframe src='{site.url}{path}'></iframe>")

    page.goto(url)
    page.wait_for_load_state()

    assert page.frames[1].evaluate("document.URL").startswith("chrome-error:")
    assert "frame-ancestors 'none'" in complaints[0]


@pytest.mark.asvs("3.3.2", "3.5.1")
@pytest.mark.parametrize(
    "path", ["/logout", "/account/sessions/end-others", "/account/password"]
)
def test_no_other_site_can_send_a_form_in_a_members_name(
    site: Site, page: Page, other_site: Callable[[str], str], path: str
) -> None:
    """The browser leaves the cookie at home, and without the token the form would be
    refused with it, too.
    """
    sign_up(page, site)
    log_in(page, site)
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    button = "<button>Win a prize</button>"
    markup = f"<form method=post action='{site.url}{path}'>{button}</form>"

    page.goto(other_site(markup))
    with page.expect_response(site.url + path) as answer:
        page.get_by_role("button").click()

    assert answer.value.status == 400
    assert "cookie" not in answer.value.request.all_headers()
    page.goto(f"{site.url}/dashboard")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


@pytest.mark.asvs("3.5.3")
def test_a_picture_elsewhere_logs_nobody_out(
    site: Site, page: Page, other_site: Callable[[str], str]
) -> None:
    """Any forum post can hold a picture whose address is our log-out."""
    sign_up(page, site)
    log_in(page, site)
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    page.goto(other_site(f"<img src='{site.url}/logout'>"))
    page.goto(f"{site.url}/logout")
    page.goto(f"{site.url}/dashboard")

    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


@pytest.mark.asvs("3.7.2")
@pytest.mark.parametrize(
    "target",
    [
        "https://localhost/",
        "//localhost/",
        "/\\localhost/",
        "\\\\localhost/",
        "https:localhost",
        "/\t/localhost/",
        "\t//localhost/",
        "javascript:window.ran=1",
    ],
)
def test_next_never_takes_the_browser_to_another_site(
    site: Site, page: Page, target: str
) -> None:
    """A link to our own log-in page must not end on a copy of it that asks for the
    password once more.
    """
    sign_up(page, site)
    page.goto(f"{site.url}/login")
    page.evaluate(
        "target => { location.search = '?next=' + encodeURIComponent(target) }", target
    )
    page.wait_for_url("**/login?next=*")

    send(page, email=EMAIL, password=PASSWORD)

    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    assert page.url == f"{site.url}/dashboard"
