"""Two app servers that share a database and a Redis are one site."""

import os
import re
import signal
import time
from itertools import cycle
from urllib.parse import urlencode

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError

from tests.system.deploy.conftest import HOST, Site
from tests.system.load import FORM, PASSWORD, Browser, Load
from tests.system.servers import App, query, wait_for

GUESSES = 10


@pytest.fixture
def email(site: Site) -> str:
    """The address of somebody who has an account."""
    visitor = site.visitor()
    email = f"ada{visitor.ip.replace('.', '')}@example.com"
    assert visitor.signing_up(email)().status == 302
    return email


def guess(visitors: list[Browser], email: str, times: int) -> list[int]:
    """The answers to so many wrong passwords, tried at these in turn."""
    turns = cycle(visitors)
    return [
        next(turns).logging_in(email, f"wrong {number}")().status
        for number in range(times)
    ]


def test_a_log_in_on_one_server_is_good_on_the_other(site: Site, email: str) -> None:
    """The next request may go to either."""
    first, second = (site.visitor_of(app) for app in site.apps)

    first.logging_in(email)()
    second.cookies = first.cookies

    assert first.inside
    assert second.inside


def test_a_log_out_on_one_server_holds_on_both(site: Site, email: str) -> None:
    """And for copies of the cookies, wherever they turn up."""
    first, second = (site.visitor_of(app) for app in site.apps)
    thieves = [site.visitor_of(app) for app in site.apps]
    first.logging_in(email, remember=True)()
    second.cookies = first.cookies
    for thief in thieves:
        thief.cookies = dict(first.cookies)
    assert thieves[0].inside

    assert second.log_out().status == 302

    assert [visitor.inside for visitor in (first, second, *thieves)] == [False] * 4


def test_guesses_are_counted_across_both(site: Site, email: str) -> None:
    """Else two servers are twice as many guesses."""
    robots = [site.visitor_of(app, ip="203.0.113.1") for app in site.apps]

    statuses = guess(robots, email, GUESSES + 2)

    assert statuses == [422] * GUESSES + [429] * 2


def test_a_forged_forwarded_address_is_no_new_start(site: Site, email: str) -> None:
    """nginx writes where a visitor comes from, over whatever the visitor has written
    there.
    """
    place = site.address()
    forgeries = (
        "203.0.113.{}",
        "203.0.113.{}, 198.51.100.{}",
        "127.0.0.1,203.0.113.{}",
        "::{}",
        "for={}",
    )

    statuses = []
    for number in range(GUESSES + 1):
        address = forgeries[number % len(forgeries)].replace("{}", str(number))
        robot = site.visitor(
            place,
            **{
                "X-Forwarded-For": address,
                "X-Real-IP": address,
                "Forwarded": f"for={address}",
            },
        )
        statuses += guess([robot], email, 1)

    assert statuses == [422] * GUESSES + [429]
    assert guess([site.visitor()], email, 1) == [
        422
    ]  # and a neighbour is not taken for the same visitor


def test_a_forged_host_or_protocol_changes_nothing(site: Site, email: str) -> None:
    """They would otherwise decide where links lead and whether cookies are Secure."""
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/evil",
    }
    visitor = site.visitor(**forged)

    answer = visitor.logging_in(email)()

    assert answer.status == 302
    assert answer.location == "/dashboard"
    assert "Secure" in answer.headers["set-cookie"]
    assert "evil" not in visitor.get("/dashboard").text


def test_another_name_is_not_this_site(site: Site) -> None:
    """Neither nginx nor the app answers for a name that is not theirs."""
    at_nginx = Browser(site.proxy.port, host="evil.example", tls=site.tls)
    at_app = site.visitor_of(site.apps[0])
    at_app.headers["X-Forwarded-Host"] = "evil.example"

    assert at_nginx.get("/").status == 421
    assert at_app.get("/").status == 400


def test_plain_http_is_sent_on_to_https(site: Site) -> None:
    """To the site's own name, whatever name was asked for."""
    answer = Browser(site.plain_port, host="evil.example").get("/login?next=/account")

    assert (answer.status, answer.location) == (
        308,
        f"https://{HOST}/login?next=/account",
    )


def test_cookies_have_the_prefix_that_keeps_other_hosts_out(
    site: Site, email: str
) -> None:
    """All of it goes over HTTPS, so nothing of the laptop's leniency may be left."""
    visitor = site.visitor()

    visitor.logging_in(email, remember=True)()

    assert visitor.cookies
    assert all(name.startswith("__Host-") for name in visitor.cookies)


def test_the_app_uses_an_account_that_cannot_touch_the_tables(site: Site) -> None:
    """With what a hole in the app lets in, nobody drops a table or makes one."""
    uri = site.apps[0].environment["SQLALCHEMY_DATABASE_URI"]

    for statement in (
        "DROP TABLE users",
        "CREATE TABLE mine (id int)",
        "TRUNCATE users",
        "CREATE ROLE me",
    ):
        assert refused(uri, statement), statement


def refused(uri: str, statement: str) -> bool:
    """Whether the database does not let this account do that."""
    try:
        query(uri, statement)
    except ProgrammingError as error:
        return isinstance(error.orig, InsufficientPrivilege)
    return False


def test_a_form_without_a_referer_is_taken(site: Site, email: str) -> None:
    """Some browsers and proxies send none; "reload the page" would never help them."""
    visitor = site.visitor(Referer=None)

    assert visitor.logging_in(email)().status == 302
    assert visitor.log_out().status == 302


def test_the_site_works_on_a_port_of_its_own(site: Site, email: str) -> None:
    """Browsers then write the port into Host, Origin and Referer."""
    host = f"{HOST}:{site.proxy.port}"
    by_token = site.visitor()
    by_origin = site.visitor(Origin=f"https://{host}", Referer=None)
    for visitor in (by_token, by_origin):
        visitor.host = host

    assert by_token.logging_in(email)().status == 302
    stale = {"csrf_token": "stale", "email": email, "password": PASSWORD}
    assert by_origin.request("POST", "/login", stale).status == 302
    assert by_origin.inside


@pytest.mark.asvs("3.5.1")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", f"http://{HOST}", f"https://{HOST}:1", "null"]
)
def test_another_origin_needs_a_token(site: Site, email: str, origin: str) -> None:
    """Another site, another port, plain HTTP, a frame: none of them is this site."""
    visitor = site.visitor(Origin=origin)

    stale = {"csrf_token": "stale", "email": email, "password": PASSWORD}

    assert visitor.request("POST", "/login", stale).status == 400
    assert not visitor.inside


def long_form(visitor: Browser, email: str) -> list[bytes]:
    """A log-in form, with so much behind it that it is over the limit, in pieces."""
    page = visitor.get("/login").text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
    fields = {"csrf_token": token, "email": email, "password": PASSWORD}
    return [urlencode(fields).encode(), b"&more=", *[b"x" * 1000] * 70]


@pytest.mark.parametrize("through_proxy", [True, False])
def test_a_body_in_chunks_over_the_limit_is_refused_and_not_cut_off(
    site: Site, email: str, through_proxy: bool
) -> None:
    """A form that is cut off says something else than what was sent."""
    visitor = site.visitor() if through_proxy else site.visitor_of(site.apps[0])
    pieces = long_form(visitor, email)

    answer = visitor.send("POST", "/login", iter(pieces), {"Content-Type": FORM})

    assert answer.status in (411, 413)
    assert not visitor.inside


@pytest.mark.parametrize("text", ["{}:{port}", " {} ", "10.0.0.1, {}:{port}"])
def test_a_proxy_may_write_ports_and_blanks(site: Site, email: str, text: str) -> None:
    """Some load balancers do. It is one guesser all the same, and not everybody."""
    guesser, neighbour = site.address(), site.address()
    robots = [
        site.visitor_of(site.apps[0], ip=text.format(guesser, port=40_000 + number))
        for number in range(GUESSES + 2)
    ]

    statuses = guess(robots, email, GUESSES + 2)

    assert statuses == [422] * GUESSES + [429] * 2
    others = site.visitor_of(site.apps[0], ip=text.format(neighbour, port=40_000))
    assert others.logging_in(email)().status == 302


def test_a_proxy_may_write_ports_behind_ipv6_addresses(site: Site, email: str) -> None:
    """In brackets then; the last 64 bits are the visitor's to choose, as ever."""
    robots = [
        site.visitor_of(site.apps[0], ip=f"[2001:db8:5:6::{number + 1:x}]:4711")
        for number in range(GUESSES + 2)
    ]

    statuses = guess(robots, email, GUESSES + 2)

    assert statuses == [422] * GUESSES + [429] * 2
    neighbour = site.visitor_of(site.apps[0], ip="[2001:db8:6::1]:4711")
    assert neighbour.logging_in(email)().status == 302


def test_visitors_without_an_address_do_not_lock_each_other_out(
    site: Site, email: str
) -> None:
    """What cannot be read must not be one place from which everybody comes."""
    app = site.apps[0]
    robots = [site.visitor_of(app, ip="unknown") for _ in range(2 * GUESSES)]
    other = f"other.{email}"
    assert site.visitor_of(app, ip="_hidden").signing_up(other)().status == 302

    guess(robots, email, 2 * GUESSES)

    assert site.visitor_of(app, ip="unknown").logging_in(other)().status == 302
    assert site.visitor_of(app).logging_in(email)().status == 302


def test_when_one_app_server_dies_the_other_goes_on(site: Site, email: str) -> None:
    """Killed without a word, master and workers alike."""
    visitor = site.visitor()
    visitor.logging_in(email)()
    dead = site.apps[0]

    os.killpg(dead.process.pid, signal.SIGKILL)
    dead.process.wait()
    statuses = [visitor.get("/dashboard").status for _ in range(10)]
    logged_out = visitor.log_out().status
    dead.start()

    assert statuses == [200] * 10
    assert logged_out == 302


def test_nobody_notices_when_the_redis_goes_and_comes_back(
    site: Site, email: str
) -> None:
    """Meanwhile each process counts for itself, and says so in the log, so guessing
    stays slow; afterwards both count together again.
    """
    with Load(
        4, lambda ip: Browser(site.proxy.port, ip=ip, host=HOST, tls=site.tls)
    ) as load:
        wait_for("visits", lambda: load.visits >= 4)
        site.counters.crash()
        gone_since = time.monotonic()
        visits = load.visits
        wait_for("visits without Redis", lambda: load.visits >= visits + 8)
        alone = guess(
            [site.visitor_of(site.apps[0], ip="203.0.113.2")], email, 3 * GUESSES
        )
        site.counters.start()
        visits = load.visits
        wait_for("visits with Redis", lambda: load.visits >= visits + 4)
        wait_for("the counters to be shared again", lambda: count_is_shared(site))

    assert load.unexpected == {}
    assert set(alone) == {422, 429}
    assert alone.count(422) <= 2 * GUESSES  # app1 has two processes
    minutes = int((time.monotonic() - gone_since) / 60) + 1
    said = site.apps[0].log.read_text(errors="replace").count("RATELIMIT_STORAGE_URI")
    assert 1 <= said <= 2 * minutes  # once a minute at most, in each process


def count_is_shared(site: Site) -> bool:
    """Whether all processes of each app server write their counts into the Redis."""
    return all(writes_into_redis(site, app) for app in site.apps for _ in range(8))


def writes_into_redis(site: Site, app: App) -> bool:
    """Whether a guess at this app server is counted there."""
    before = site.counters.keys()
    guess([site.visitor_of(app)], "nobody@example.com", 1)
    return site.counters.keys() > before
