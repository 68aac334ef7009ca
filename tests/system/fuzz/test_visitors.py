"""Visitors come and go in any order, and a plain model says who may be inside. The app
must agree, always.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import Flask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from webtest.response import TestResponse

from tests.support.harness import (
    NEW_PASSWORD,
    PASSWORD,
    Step,
    Visitor,
    close,
    forget_attempts,
    init_db,
    query,
)

ADA, GRACE = "ada@example.com", "grace@example.com"
EMAILS = st.sampled_from([ADA, ADA, GRACE])
BROWSERS = range(3)
PASSWORDS = [PASSWORD, NEW_PASSWORD]
MOSTLY = st.sampled_from([True, True, True, False])
# Minutes. All are multiples of seven, and no limit of the app is: however they add up,
# none is hit on the second.
SHORT, LONG = [14, 21], [35, 350, 700, 721, 14 * 1440, 43_183, 43_211]
MOST_SESSIONS = 20  # of one account; beyond that the app ends the one used longest ago


@dataclass
class Session:
    """One log-in, as the app should see it."""

    id: int
    email: str
    remembered: bool
    created: int
    last_seen: int
    ended: bool = False


@dataclass
class Browser:
    """A browser, and which log-in its cookie stands for."""

    visitor: Visitor
    session: Session | None = None


@dataclass
class Account:
    """A member."""

    password: str
    created: int
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
        self.sign_up(0, ADA)  # else most rounds would end before anybody is inside
        self.log_in(0, ADA, right=True, remember=False)
        self.log_in(1, ADA, right=True, remember=True)

    # What the model says.

    def is_live(self, session: Session | None) -> bool:
        """Whether this log-in still opens the door."""
        if session is None or session.ended or not self.accounts[session.email].active:
            return False
        idle, absolute = (43_200, 43_200) if session.remembered else (30, 720)
        return (
            self.now - session.last_seen < idle
            and self.now - session.created < absolute
        )

    def comes_in(self, browser: Browser) -> Session | None:
        """Note that this browser visits a page; gives the log-in it came in with, if
        any.
        """
        if not self.is_live(browser.session):
            return None
        browser.session.last_seen = self.now
        return browser.session

    def is_fresh(self, session: Session | None) -> bool:
        """Whether this log-in opens the account page, too: sudo mode."""
        if session is None:
            return False
        return self.now - session.created <= 15 or not self.last_step

    def end(self, email: str, *, keep: Session | None = None) -> None:
        """Note that all of a member's log-ins are over, or all but one."""
        for session in self.accounts[email].sessions:
            session.ended = session.ended or session is not keep

    def start(self, browser: Browser, email: str, remembered: bool) -> None:
        """Note a log-in."""
        if session := self.comes_in(browser):
            session.ended = True
        (newest,) = query(self.app, "SELECT max(id) AS id FROM user_sessions")
        browser.session = Session(newest["id"], email, remembered, self.now, self.now)
        self.accounts[email].sessions.append(browser.session)

    def has_room(self, email: str) -> bool:
        """Whether one more log-in ends no other."""
        return (
            sum(not session.ended for session in self.accounts[email].sessions)
            < MOST_SESSIONS
        )

    def inside(self, number: int) -> Browser:
        """One of the browsers that are inside, if there are any; so that most of what
        is tried can be done.
        """
        live = [browser for browser in self.browsers if self.is_live(browser.session)]
        return live[number % len(live)] if live else self.browsers[number]

    def password(self, email: str, right: bool) -> str:
        """The member's password, or the one that is not."""
        actual = self.accounts[email].password if email in self.accounts else PASSWORD
        return actual if right else PASSWORDS[1 - PASSWORDS.index(actual)]

    def members_page(self, browser: Browser, path: str) -> TestResponse | None:
        """Open a page that wants a fresh log-in; None, and rightly so, if this browser
        may not.
        """
        session = self.comes_in(browser)
        page = browser.visitor.get(path)
        may_enter = self.is_fresh(session)
        assert page.status_int == (200 if may_enter else 302), (
            f"{path}: {page.status}, but the model says {may_enter}"
        )
        return page if may_enter else None

    # What people do.

    @rule(browser=st.sampled_from(BROWSERS), email=EMAILS)
    def sign_up(self, browser: int, email: str) -> None:
        """Somebody makes an account, or tries to make it twice."""
        here = self.browsers[browser]
        if self.comes_in(here):
            assert here.visitor.get("/signup").status_int == 302
            return

        known = self.accounts.setdefault(email, Account(PASSWORD, created=self.now))

        forget_attempts(self.app)
        answer = here.visitor.sign_up(email)

        # The same password in the same minute is the second click on the button.
        is_welcome = known.created == self.now and known.password == PASSWORD
        assert answer.status_int == (302 if is_welcome else 422)

    @rule(
        browser=st.sampled_from(BROWSERS),
        email=EMAILS,
        right=MOSTLY,
        remember=st.booleans(),
    )
    def log_in(self, browser: int, email: str, right: bool, remember: bool) -> None:
        """Somebody logs in, with the right password or with the one that an account had
        before.
        """
        here, account = self.browsers[browser], self.accounts.get(email)
        if self.is_fresh(self.comes_in(here)):
            assert here.visitor.get("/login").status_int == 302
            return
        password = self.password(email, right)
        let_in = right and account is not None and account.active
        if let_in and not self.has_room(email):
            return

        forget_attempts(self.app)
        answer = here.visitor.log_in(email, password, remember=remember)

        assert answer.status_int == (302 if let_in else 422)
        if let_in:
            self.start(here, email, remember)

    @rule(browser=st.sampled_from(BROWSERS))
    def log_out(self, browser: int) -> None:
        """Somebody presses the log-out button, if the page has one."""
        here = self.inside(browser)
        session = self.comes_in(here)
        assert here.visitor.logged_in == (session is not None)
        if session is None:
            return

        assert here.visitor.log_out().status_int == 302

        session.ended = True
        here.session = None

    @rule(browser=st.sampled_from(BROWSERS))
    def close_the_browser(self, browser: int) -> None:
        """Cookies that last as long as the browser is open are gone."""
        here = self.inside(browser)
        here.visitor.close_browser()
        if here.session and not here.session.remembered:
            here.session = None

    @rule(browser=st.sampled_from(BROWSERS), thief=st.sampled_from(BROWSERS))
    def copy_the_cookies(self, browser: int, thief: int) -> None:
        """Somebody has seen the cookies once: they must be worth no more than the log-
        in that they stand for.
        """
        here, there = self.inside(browser), self.browsers[thief]
        if here is there:
            return
        there.visitor.reset()
        here.visitor.copy_cookies_to(there.visitor)
        there.session = here.session

    @rule()
    def everybody_looks(self) -> None:
        """In each browser somebody opens the dashboard."""
        for here in self.browsers:
            session = self.comes_in(here)

            page = here.visitor.get("/dashboard")

            inside = page.status_int == 200 and "You are logged in as" in page.text
            assert inside == (session is not None), (
                f"{page.status}, but the model says {session}"
            )
            if session:
                assert session.email in page.text

    @precondition(lambda self: self.last_step)
    @rule(browser=st.sampled_from(BROWSERS), right=MOSTLY)
    def change_the_password(self, browser: int, right: bool) -> None:
        """A member changes the password: all other log-ins are over."""
        here = self.inside(browser)
        page = self.members_page(here, "/account/password")
        if page is None:
            return
        old = here.session
        current, new = self.password(old.email, right), self.password(old.email, False)

        forget_attempts(self.app)
        answer = here.visitor.submit(
            page, {"current_password": current, "new_password": new, "confirm": new}
        )

        assert answer.status_int == (302 if right else 422)
        if right:
            self.accounts[old.email].password = new
            self.end(old.email)
            self.start(here, old.email, old.remembered)

    @precondition(lambda self: self.last_step)
    @rule(
        browser=st.sampled_from(BROWSERS),
        which=st.integers(0, 3),
        all_others=MOSTLY.map(lambda mostly: not mostly),
    )
    def end_log_ins(self, browser: int, which: int, all_others: bool) -> None:
        """A member looks where the account is logged in, and ends one of the others, or
        all.
        """
        here = self.inside(browser)
        page = self.members_page(here, "/account")
        if page is None:
            return
        sessions = [
            session
            for session in self.accounts[here.session.email].sessions
            if self.is_live(session)
        ]
        forms = {
            form.action: form
            for form in page.forms.values()
            if "/account/sessions/" in form.action
        }
        everywhere = forms.pop("/account/sessions/end-others")
        offered = {
            f"/account/sessions/{session.id}/end": session
            for session in sessions
            if session is not here.session
        }
        assert forms.keys() == offered.keys()

        if all_others:
            assert everywhere.submit().status_int == 302
            self.end(here.session.email, keep=here.session)
        elif offered:
            action = sorted(offered)[which % len(offered)]
            assert forms[action].submit().status_int == 302
            offered[action].ended = True

    def run(self, command: str, email: str) -> None:
        """Give a command: each of them ends what log-ins the member has."""
        result = self.app.test_cli_runner().invoke(args=[command, email])

        assert (result.exit_code == 0) == (email in self.accounts), result.output
        if email in self.accounts:
            self.end(email)

    @precondition(lambda self: self.last_step)
    @rule(email=EMAILS, deactivate=st.booleans())
    def keep_a_member_out(self, email: str, deactivate: bool) -> None:
        """Whoever runs the site ends all log-ins of a member; perhaps the member is to
        stay out, too.
        """
        self.run("deactivate" if deactivate else "end-sessions", email)
        if deactivate and email in self.accounts:
            self.accounts[email].active = False

    @precondition(
        lambda self: not all(account.active for account in self.accounts.values())
    )
    @rule()
    def reactivate(self) -> None:
        """Whoever runs the site lets everybody in again; not into the log-ins of
        before.
        """
        for email, account in self.accounts.items():
            if not account.active:
                self.run("reactivate", email)
                account.active = True

    @rule(minutes=st.sampled_from(SHORT))
    def a_while_passes(self, minutes: int) -> None:
        """Nobody does anything: every row becomes older."""
        self.now += minutes
        self.age("users", "created", minutes)
        self.age("user_sessions", "created", minutes)
        self.age("user_sessions", "last_seen", minutes)

    @rule(minutes=st.sampled_from(LONG))
    def a_long_time_passes(self, minutes: int) -> None:
        """The same; a rule of its own, for it ends more than the short one does."""
        self.a_while_passes(minutes)

    @rule()
    def everybody_stays_for_an_hour(self) -> None:
        """Whoever looks at a page now and then stays in."""
        for _ in range(3):
            self.a_while_passes(21)
            self.everybody_looks()

    @rule(minutes=st.sampled_from(LONG))
    def everybody_stays_for_long(self, minutes: int) -> None:
        """Whoever is inside goes on to look at pages all the time; that must not keep
        them in for ever.
        """
        here = [
            session
            for account in self.accounts.values()
            for session in account.sessions
            if self.is_live(session)
        ]
        for session in here:
            session.last_seen += minutes
        self.now += minutes
        but_not = {session.id for session in here}
        self.age("users", "created", minutes)
        self.age("user_sessions", "created", minutes)
        self.age("user_sessions", "last_seen", minutes, but_not)

    def age(
        self, table: str, column: str, minutes: int, but_not: Collection[int] = ()
    ) -> None:
        """Make the moments in this column earlier."""
        change = f"UPDATE {table} SET {column} = :moment WHERE id = :id"
        for row in query(self.app, f"SELECT id, {column} AS moment FROM {table}"):
            if row["id"] in but_not:
                continue
            moment = datetime.fromisoformat(str(row["moment"]))
            moment -= timedelta(minutes=minutes)
            text = moment.isoformat(" ", timespec="microseconds")  # as SQLAlchemy does
            query(self.app, change, id=row["id"], moment=text)

    def teardown(self) -> None:
        """At the end everybody looks once more."""
        self.everybody_looks()


def test_nobody_is_inside_who_should_not_be_and_nobody_is_locked_out(
    step: Step, fuzz_database: str
) -> None:
    """Sign-ups, log-ins, log-outs, changes, ends, thefts and pauses in any order: the
    app agrees with a model of it.
    """
    app = step.create_app(
        SQLALCHEMY_DATABASE_URI=fuzz_database, PROPAGATE_EXCEPTIONS=True
    )
    app.logger.propagate = False
    init_db(app)
    profile = settings()
    few = settings(
        profile,
        max_examples=max(1, profile.max_examples * 2 // 3),
        stateful_step_count=30,
    )

    run_state_machine_as_test(lambda: Visitors(app, step.number == 6), settings=few)

    close(app)
