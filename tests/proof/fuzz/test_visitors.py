"""Visitors come and go in any order, and a plain model says who may be inside. The app must agree, always."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask
from harness import NEW_PASSWORD, PASSWORD, Step, Visitor, init_db, query
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from webtest.response import TestResponse

EMAILS = ["ada@example.com", "grace@example.com"]
BROWSERS = range(3)
PASSWORDS = [PASSWORD, NEW_PASSWORD]
# Minutes. All are multiples of seven, and no limit of the app is: however they add up, none is hit on the second.
PAUSES = [7, 14, 21, 35, 350, 700, 721, 14 * 1440, 43_183, 43_211]
MOST_SESSIONS = 20  # of one account; beyond that the app ends the one used longest ago


@dataclass
class Session:
    """One log-in, as the app should see it."""

    email: str
    remembered: bool
    created: int
    last_seen: int
    ended: bool = False


@dataclass
class Browser:
    """A browser, and which log-ins its two cookies stand for."""

    visitor: Visitor
    session: Session | None = None
    remember: Session | None = None
    typed_password: bool = False


@dataclass
class Account:
    """A member."""

    password: str
    active: bool = True
    sessions: list[Session] = field(default_factory=list)


class Visitors(RuleBasedStateMachine):
    """Everything that members, and whoever runs the site, can do to who is inside."""

    def __init__(self, app: Flask, last_step: bool) -> None:
        super().__init__()
        self.app, self.last_step = app, last_step
        for table in ("user_sessions", "users"):
            query(app, f"DELETE FROM {table}")
        self.now = 0  # minutes since the start
        self.accounts: dict[str, Account] = {}
        self.browsers = [Browser(Visitor(app)) for _ in BROWSERS]

    # What the model says.

    def is_live(self, session: Session | None) -> bool:
        """Whether this log-in still opens the door."""
        if session is None or session.ended or not self.accounts[session.email].active:
            return False
        idle, absolute = (43_200, 43_200) if session.remembered else (30, 720)
        return self.now - session.last_seen < idle and self.now - session.created < absolute

    def comes_in(self, browser: Browser) -> Session | None:
        """Note that this browser visits a page; gives the log-in it came in with, if any."""
        if not self.is_live(browser.session):
            if not self.is_live(browser.remember):
                return None
            browser.session, browser.typed_password = browser.remember, False
        browser.session.last_seen = self.now
        if self.now - browser.session.created > 15:
            browser.typed_password = False
        return browser.session

    def end(self, email: str, *, keep: Session | None = None) -> None:
        """Note that all of a member's log-ins are over, or all but one."""
        for session in self.accounts[email].sessions:
            session.ended = session.ended or session is not keep

    def start(self, browser: Browser, email: str, remembered: bool) -> None:
        """Note a log-in."""
        if session := self.comes_in(browser):
            session.ended = True
        browser.session = Session(email, remembered, self.now, self.now)
        browser.remember = browser.session if remembered else None
        browser.typed_password = True
        self.accounts[email].sessions.append(browser.session)

    def has_room(self, email: str) -> bool:
        """Whether one more log-in ends no other."""
        return sum(not session.ended for session in self.accounts[email].sessions) < MOST_SESSIONS

    def members_page(self, browser: Browser, path: str) -> TestResponse | None:
        """Open a page that wants a fresh log-in; None, and rightly so, if this browser may not."""
        session = self.comes_in(browser)
        page = browser.visitor.get(path)
        may_enter = session is not None and browser.typed_password
        assert page.status_int == (200 if may_enter else 302), f"{path}: {page.status}, but the model says {may_enter}"
        return page if may_enter else None

    # What people do.

    @rule(browser=st.sampled_from(BROWSERS), email=st.sampled_from(EMAILS))
    def sign_up(self, browser: int, email: str) -> None:
        """Somebody makes an account, or tries to make it twice."""
        here = self.browsers[browser]
        if self.comes_in(here):
            assert here.visitor.get("/signup").status_int == 302
            return

        answer = here.visitor.sign_up(email)

        assert answer.status_int == (422 if email in self.accounts else 302)
        self.accounts.setdefault(email, Account(PASSWORD))

    @rule(
        browser=st.sampled_from(BROWSERS),
        email=st.sampled_from(EMAILS),
        password=st.sampled_from(PASSWORDS),
        remember=st.booleans(),
    )
    def log_in(self, browser: int, email: str, password: str, remember: bool) -> None:
        """Somebody logs in, with the right password or another one."""
        here, account = self.browsers[browser], self.accounts.get(email)
        if self.comes_in(here) and here.typed_password:
            assert here.visitor.get("/login").status_int == 302
            return
        right = account is not None and account.active and account.password == password
        if right and not self.has_room(email):
            return

        answer = here.visitor.log_in(email, password, remember=remember)

        assert answer.status_int == (302 if right else 422)
        if right:
            self.start(here, email, remember)

    @rule(browser=st.sampled_from(BROWSERS))
    def log_out(self, browser: int) -> None:
        """Somebody presses the log-out button, if the page has one."""
        here = self.browsers[browser]
        session = self.comes_in(here)
        assert here.visitor.logged_in == (session is not None)
        if session is None:
            return

        assert here.visitor.log_out().status_int == 302

        session.ended = True
        here.session = here.remember = None

    @rule(browser=st.sampled_from(BROWSERS))
    def close_the_browser(self, browser: int) -> None:
        """Cookies that last as long as the browser is open are gone."""
        self.browsers[browser].visitor.close_browser()
        self.browsers[browser].session = None

    @rule(browser=st.sampled_from(BROWSERS), thief=st.sampled_from(BROWSERS))
    def copy_the_cookies(self, browser: int, thief: int) -> None:
        """Somebody has seen the cookies once: they must be worth no more than the log-in that they stand for."""
        if browser == thief:
            return
        here, there = self.browsers[browser], self.browsers[thief]
        there.visitor.reset()
        here.visitor.copy_cookies_to(there.visitor)
        there.session, there.remember, there.typed_password = here.session, here.remember, here.typed_password

    @rule(browser=st.sampled_from(BROWSERS))
    def look(self, browser: int) -> None:
        """Somebody opens the dashboard."""
        here = self.browsers[browser]
        session = self.comes_in(here)

        page = here.visitor.get("/dashboard")

        inside = page.status_int == 200 and "You are logged in as" in page.text
        assert inside == (session is not None), f"{page.status}, but the model says {session}"
        if session:
            assert session.email in page.text

    @precondition(lambda self: self.last_step)
    @rule(browser=st.sampled_from(BROWSERS), current=st.sampled_from(PASSWORDS), new=st.sampled_from(PASSWORDS))
    def change_the_password(self, browser: int, current: str, new: str) -> None:
        """A member changes the password: all other log-ins are over."""
        here = self.browsers[browser]
        page = self.members_page(here, "/account/password")
        if page is None:
            return
        old, account = here.session, self.accounts[here.session.email]

        answer = here.visitor.submit(page, {"current_password": current, "new_password": new, "confirm": new})

        if account.password != current:
            assert answer.status_int == 422
            return
        if new == current:  # it may be refused
            assert answer.status_int in (302, 422)
            if answer.status_int == 422:
                return
        assert answer.status_int == 302
        account.password = new
        self.end(old.email)
        self.start(here, old.email, old.remembered)

    @precondition(lambda self: self.last_step)
    @rule(browser=st.sampled_from(BROWSERS), which=st.integers(0, 4))
    def end_one(self, browser: int, which: int) -> None:
        """A member ends a log-in somewhere else."""
        here = self.browsers[browser]
        page = self.members_page(here, "/account")
        if page is None:
            return
        others = [form for form in page.forms.values() if form.action.endswith("/end")]
        live = [s for s in self.accounts[here.session.email].sessions if self.is_live(s) and s is not here.session]
        assert len(others) == len(live)
        if which >= len(live):
            return
        rows = query(self.app, "SELECT id FROM user_sessions ORDER BY id")
        form = sorted(others, key=lambda form: int(form.action.split("/")[-2]))[which]
        assert int(form.action.split("/")[-2]) in {row["id"] for row in rows}

        assert form.submit().status_int == 302

        live[which].ended = True

    @precondition(lambda self: self.last_step)
    @rule(browser=st.sampled_from(BROWSERS))
    def end_others(self, browser: int) -> None:
        """A member ends all log-ins but this one."""
        here = self.browsers[browser]
        page = self.members_page(here, "/account")
        if page is None:
            return
        (form,) = [form for form in page.forms.values() if form.action.endswith("/end-others")]

        assert form.submit().status_int == 302

        self.end(here.session.email, keep=here.session)

    @precondition(lambda self: self.last_step)
    @rule(email=st.sampled_from(EMAILS), command=st.sampled_from(["deactivate", "reactivate", "end-sessions"]))
    def whoever_runs_the_site(self, email: str, command: str) -> None:
        """Keeps a member out, lets them in again, or ends all their log-ins."""
        result = self.app.test_cli_runner().invoke(args=[command, email])

        assert (result.exit_code == 0) == (email in self.accounts), result.output
        if email in self.accounts:
            self.end(email)
            if command != "end-sessions":
                self.accounts[email].active = command == "reactivate"

    @rule(minutes=st.sampled_from(PAUSES))
    def time_passes(self, minutes: int) -> None:
        """Nobody does anything for a while: every row becomes older."""
        for row in query(self.app, "SELECT id, created, last_seen FROM user_sessions"):
            older = {name: earlier(row[name], minutes) for name in ("created", "last_seen")}
            statement = "UPDATE user_sessions SET created = :created, last_seen = :last_seen WHERE id = :id"
            query(self.app, statement, id=row["id"], **older)
        self.now += minutes

    def teardown(self) -> None:
        """At the end everybody looks once more."""
        for browser in BROWSERS:
            self.look(browser)


def earlier(moment: object, minutes: int) -> str:
    """This moment less some minutes; databases give it as a datetime, SQLite's plain SQL as text."""
    moment = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    return (moment - timedelta(minutes=minutes)).isoformat(" ", timespec="microseconds")


def test_nobody_is_inside_who_should_not_be_and_nobody_is_locked_out(step: Step, fuzz_database: str) -> None:
    """Sign-ups, log-ins, log-outs, changes, ends, thefts and pauses in any order: the app agrees with a model of it."""
    app = step.create_app(SQLALCHEMY_DATABASE_URI=fuzz_database, PROPAGATE_EXCEPTIONS=True, RATELIMIT_ENABLED=False)
    app.logger.propagate = False
    init_db(app)
    profile = settings()
    few = settings(profile, max_examples=max(1, profile.max_examples // 5), stateful_step_count=30)

    run_state_machine_as_test(lambda: Visitors(app, step.number == 6), settings=few)
