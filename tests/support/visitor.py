"""A visitor with a browser, and what is read off the pages that come back."""

import html
import itertools
import re
from collections.abc import Mapping
from typing import Any

import webtest
from flask import Flask
from webtest.response import TestResponse

HOST = "workbook.example"
PASSWORD = "plum trombone sidewalk lantern"
NEW_PASSWORD = "gravel otter mirror pancake"
# The fields that the tests fill in themselves. `submit` fills in every other field that
# is required, so that a form may have more.
FIELDS_OF_THE_TESTS = {
    "csrf_token",
    "name",
    "email",
    "password",
    "confirm",
    "website",
    "remember",
    "current_password",
    "new_password",
}

_numbers = itertools.count(1)


class Page(TestResponse):
    """What came back, and what was sent for it."""

    sent: Mapping[str, str] = {}  # the fields that were filled in, if it answers a form

    @property
    def location(self) -> str | None:
        """Where a redirect leads.

        On this site it begins with the first slash, however the app has written it.
        """
        location = self.headers.get("Location")
        ours = f"{self.request.scheme}://{self.request.host}/"
        if location and location.startswith(ours):
            return "/" + location.removeprefix(ours)
        return location


class PageRequest(webtest.TestRequest):
    """What is asked for: a Page."""

    ResponseClass = Page


class Visitor(webtest.TestApp):
    """A browser: it keeps cookies, speaks HTTPS, sends a Referer, and submits forms as
    the page offers them.
    """

    RequestClass = PageRequest

    def __init__(
        self,
        app: Flask,
        *,
        ip: str = "192.0.2.1",
        agent: str = "Firefox on Linux",
        scheme: str = "https",
    ) -> None:
        environ = {
            "HTTP_HOST": HOST,
            "REMOTE_ADDR": ip,
            "HTTP_USER_AGENT": agent,
            "wsgi.url_scheme": scheme,
            "HTTP_REFERER": f"{scheme}://{HOST}/",
        }
        super().__init__(app, extra_environ=environ, lint=False)

    def __repr__(self) -> str:
        return f"<the visitor with {self.extra_environ['HTTP_USER_AGENT'][:30]}>"

    def request(
        self, url_or_req: str | webtest.TestRequest, *words: Any, **keywords: Any
    ) -> TestResponse:
        """Ask for an address by any method.

        WebTest's own forgets the host here, and gets a 400 from every app.
        """
        if isinstance(url_or_req, str):
            keywords.setdefault("environ", dict(self.extra_environ))
        return super().request(url_or_req, *words, **keywords)

    def submit(
        self,
        page: str | TestResponse,
        fields: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> TestResponse:
        """Fill in the page's main form and send it. Takes any status.

        Required fields that the tests do not know get a plausible value.
        """
        response = self.get(page) if isinstance(page, str) else page
        form = main_form(response)
        fill_in_what_else_is_required(form)
        for name, value in (fields or {}).items():
            form[name] = value
        answer = form.submit(expect_errors=True, **keywords)
        answer.sent = {
            name: value
            for name, value in form.submit_fields()
            if name and name != "csrf_token"
        }
        return answer

    def sign_up(
        self, email: str = "ada@example.com", password: str = PASSWORD, **fields: str
    ) -> TestResponse:
        """Fill in the sign-up form and send it."""
        values = {
            "name": "Ada Lovelace",
            "email": email,
            "password": password,
            "confirm": password,
            **fields,
        }
        return self.submit("/signup", values)

    def log_in(
        self,
        email: str = "ada@example.com",
        password: str = PASSWORD,
        *,
        remember: bool = False,
        page: str | TestResponse = "/login",
    ) -> TestResponse:
        """Fill in the log-in form and send it."""
        return self.submit(
            page, {"email": email, "password": password, "remember": remember}
        )

    def log_out(self) -> TestResponse:
        """Press the log-out button of the dashboard."""
        buttons = log_out_buttons(self.get("/dashboard"))
        assert buttons, (
            "the page offers no log-out button: is anybody logged in? "
            "(`current_user` is a stranger on /dashboard)"
        )
        return buttons[0].submit(expect_errors=True)

    @property
    def logged_in(self) -> bool:
        """Whether the log-in page, or the page that it sends members to, offers to log
        out.
        """
        page = self.get("/login")
        if page.status_code == 302:
            page = page.follow()
        return log_out_buttons(page) != []

    @property
    def session(self) -> dict[str, Any]:
        """What the session cookie holds: anybody can read it."""
        cookie = self.cookies[self.app.config["SESSION_COOKIE_NAME"]]
        return self.app.session_interface.get_signing_serializer(self.app).loads(cookie)

    def csrf_token(self, path: str) -> str:
        """The CSRF token in the first form of a page."""
        return self.get(path).forms[0]["csrf_token"].value

    def copy_cookies_to(self, other: "Visitor") -> None:
        """What a thief does who has seen the cookies once."""
        for cookie in self.cookiejar:
            other.cookiejar.set_cookie(cookie)

    def close_browser(self) -> None:
        """Forget the cookies that last only as long as the browser is open."""
        self.cookiejar.clear_session_cookies()


def log_out_buttons(response: TestResponse) -> list[webtest.Form]:
    """The forms of the page that log out."""
    forms = response.forms.values()
    return [form for form in forms if form.action.endswith("/logout")]


def fill_in_what_else_is_required(form: webtest.Form) -> None:
    """Give the required fields that the tests do not know a plausible value.

    Another one each time that the form is sent: only one member may have it, perhaps.
    """
    ours = getattr(form, "filled_in_before", set())
    for name, controls in form.fields.items():
        control = controls[0]
        if name in FIELDS_OF_THE_TESTS or "required" not in control.attrs:
            continue
        if name in ours or not control.value:
            form[name] = plausible_text(control)
            ours.add(name)
    form.filled_in_before = ours


def plausible_text(control: webtest.forms.Field) -> Any:
    """Return what a visitor could answer; another text each time: it may be unique."""
    if isinstance(control, webtest.forms.Checkbox):
        return True
    if isinstance(control, (webtest.forms.Select, webtest.forms.Radio)):
        return next(value for value, *_ in control.options if value)
    number = next(_numbers)
    texts = {
        "date": "2001-02-03",
        "datetime-local": "2001-02-03T04:05",
        "email": f"more{number}@example.com",
        "month": "2001-02",
        "number": control.attrs.get("min", "1"),
        "range": control.attrs.get("min", "1"),
        "tel": f"+49 30 {number:06}",
        "time": "04:05",
        "url": f"https://more.example/{number}",
    }
    text = texts.get(control.attrs.get("type", "text"), f"text{number}")
    return text.ljust(int(control.attrs.get("minlength", 0)), "x")


def main_form(response: TestResponse) -> webtest.Form:
    """The first form that does not lead to /logout.

    The log-out button in the navigation is a form, too.
    """
    forms = [
        form for form in response.forms.values() if not form.action.endswith("/logout")
    ]
    assert forms, why_no_form(response)
    return forms[0]


def why_no_form(response: TestResponse) -> str:
    """Say in words why there is no form on what came back."""
    asked = f"{response.request.method} {response.request.path}"
    if response.status_code in (301, 302, 303, 307, 308):
        return (
            f"{asked} shows no form: it sends the visitor on to {response.location}. "
            "Is somebody logged in who should not be, or not logged in who should be?"
        )
    if response.status_code >= 400:
        return f"{asked} shows no form: it answers {response.status}"
    return (
        f"{asked} shows a page without a form (a <form> that does not lead to /logout)"
    )


def visible_text(response: TestResponse) -> str:
    """The page as it is read: no tags, entities resolved, blanks folded."""
    body = re.sub(r"(?s)<head>.*?</head>", " ", response.text)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
