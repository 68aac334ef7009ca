"""Suite 01: what the browser is told about the session cookie, and whom the app
believes about an address.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, request, session

from tests.support.harness import CONFIG, HOST, Step, Visitor


@pytest.fixture
def set_cookie(own_app: Flask) -> str:
    """The Set-Cookie header of a page that writes to the session."""
    return set_cookie_of(own_app)


def write_note() -> str:
    """A view that writes to the session."""
    return session.setdefault("note", "kept")


def set_cookie_of(app: Flask, scheme: str = "https") -> str:
    """The Set-Cookie header of a page, added for this, that writes to the session."""
    app.add_url_rule("/note", "note", write_note)
    return Visitor(app, scheme=scheme).get("/note").headers["Set-Cookie"]


def attributes(set_cookie: str) -> set[str]:
    """What a Set-Cookie header says after the name and the value."""
    return {part.strip() for part in set_cookie.split(";")[1:]}


@pytest.mark.asvs("3.3.1")
def test_the_session_cookie_travels_over_https_only(
    step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Secure, one request over plain HTTP shows the cookie to everyone on the
    same Wi-Fi.
    """
    monkeypatch.setenv(
        "SESSION_COOKIE_SECURE", "1"
    )  # not given to create_app: Flask itself would obey that
    app = step.create_plain_app(
        {
            name: value
            for name, value in CONFIG.items()
            if name != "SESSION_COOKIE_SECURE"
        }
    )

    assert "Secure" in attributes(set_cookie_of(app))


@pytest.mark.asvs("3.3.1", "3.3.3")
def test_the_session_cookie_can_be_set_by_this_host_alone(set_cookie: str) -> None:
    """A __Host- cookie cannot be planted from a sister domain.

    Browsers drop it unless Path is / and Domain absent.
    """
    assert set_cookie.startswith("__Host-session=")
    assert "Path=/" in attributes(set_cookie)
    assert "Domain" not in set_cookie


@pytest.mark.asvs("3.3.4")
def test_no_script_can_read_the_session_cookie(set_cookie: str) -> None:
    """Without HttpOnly, one cross-site scripting (XSS) hole on any page hands the
    session to an attacker's script.
    """
    assert "HttpOnly" in attributes(set_cookie)


@pytest.mark.asvs("3.3.2")
def test_other_sites_cannot_send_the_session_cookie_with_a_post(
    set_cookie: str,
) -> None:
    """SameSite=Lax: a form on another site arrives here without the cookie, as a
    stranger's.
    """
    assert attributes(set_cookie) & {"SameSite=Lax", "SameSite=Strict"}


def test_the_session_cookie_can_be_told_to_work_over_plain_http(
    make_app: Callable[..., Flask],
) -> None:
    """On one's own machine there is no HTTPS; a browser would drop a Secure or __Host-
    cookie without a word.
    """
    app = make_app(SESSION_COOKIE_SECURE=False)

    set_cookie = set_cookie_of(app, scheme="http")

    assert not set_cookie.startswith("__")
    assert "Secure" not in attributes(set_cookie)


def test_two_apps_on_one_machine_do_not_share_a_cookie(
    step: Step, tmp_path: Path
) -> None:
    """Cookies ignore the port: 127.0.0.1:5000 and 127.0.0.1:5001 share them by name."""
    copy = step.copy_to(tmp_path / "copy")

    apps = [each.create_app(SESSION_COOKIE_SECURE=False) for each in (step, copy)]
    cookies = [set_cookie_of(app, scheme="http") for app in apps]

    names = [cookie.partition("=")[0] for cookie in cookies]
    assert names[0] != names[1], (
        "both apps call their cookie so: the second log-in ends the first"
    )


def visitor_as_seen(app: Flask, further_proxies: str = "") -> str:
    """Who the app thinks it talks to, and how it is called, when the request comes with
    a proxy's headers.
    """

    def who() -> str:
        return f"{request.remote_addr} {request.scheme}://{request.host}"

    app.add_url_rule("/who", "who", who)
    headers = {
        "X-Forwarded-For": f"198.51.100.7{further_proxies}",
        "X-Forwarded-Proto": f"https{further_proxies}",
        "X-Forwarded-Host": f"{HOST}:8443{further_proxies}",
    }
    return Visitor(app, ip="192.0.2.1", scheme="http").get("/who", headers=headers).text


def test_nobody_can_make_up_an_ip_address(own_app: Flask) -> None:
    """Anyone can write X-Forwarded-For. Believed, it gives a brute-force attack a new
    identity for every guess.
    """
    assert visitor_as_seen(own_app) == f"192.0.2.1 http://{HOST}"


def test_behind_a_proxy_the_address_of_the_visitor_is_known(
    make_app: Callable[..., Flask],
) -> None:
    """Without it all visitors have the proxy's address, and the rate limit of one stops
    everybody.
    """
    one = visitor_as_seen(make_app(PROXY_COUNT=1))
    two = visitor_as_seen(make_app(PROXY_COUNT=2), further_proxies=", 203.0.113.9")

    assert one == two == f"198.51.100.7 https://{HOST}:8443"


def test_a_clock_that_is_a_second_fast_logs_nobody_out(
    own_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two app servers: the cookie of the faster one comes "from the future" for the
    other.
    """
    own_app.add_url_rule("/note", "note", write_note)
    own_app.add_url_rule("/read", "read", lambda: session.get("note", "lost"))
    visitor = Visitor(own_app)
    real_time = time.time
    with monkeypatch.context() as fast_clock:
        fast_clock.setattr(time, "time", lambda: real_time() + 5)
        visitor.get("/note")

    assert visitor.get("/read").text == "kept"
