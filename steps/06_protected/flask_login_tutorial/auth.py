"""Signing up, logging in, logging out."""

import re

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError

from . import rate_limits
from .database import db, utcnow
from .forms import LoginForm, SignupForm
from .models import DOUBLE_CLICK, User
from .sessions import end_session, is_login_fresh, start_session

# A path on this site: one slash first. Browsers read // and /\ as the beginning of
# another site's name, and drop tabs and newlines before they look.
SAFE_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f]*")

bp = Blueprint("auth", __name__)


@bp.route("/signup", methods=["GET", "POST"])
def signup() -> ResponseReturnValue:
    """Make an account."""
    if current_user.is_authenticated:
        return redirect(url_for("pages.dashboard"))
    form = SignupForm()
    if form.validate_on_submit():
        rate_limits.count_signup()
        if create_account(form):
            flash(f"Welcome, {form.name.data}! Your account is ready.")
            return redirect(url_for("auth.login"))
        form.email.errors = ["There is an account with this address already."]
    return form_page("signup.html", form)


def create_account(form: SignupForm) -> bool:
    """Store the account; False if the address has one already."""
    user = User(
        name=form.name.data, email=form.email.data, website=form.website.data or None
    )
    user.set_password(form.password.data)
    db.session.add(user)
    try:
        db.session.commit()  # a SELECT first would be a race condition
    except IntegrityError:
        db.session.rollback()
        existing = User.find(form.email.data)
        if existing is None:
            raise  # not the address: a mistake in the code
        return is_double_click(existing, form)
    current_app.logger.info("Account %s was made", user.id)
    return True


def is_double_click(user: User, form: SignupForm) -> bool:
    """Return True if the account was made by the first of two clicks."""
    is_new = utcnow() - user.created < DOUBLE_CLICK
    is_same = user.name == form.name.data
    return is_new and is_same and user.check_password(form.password.data)


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Log in; also asks a member for the password again where a page wants that."""
    if is_login_fresh():
        return redirect(safe_next_url())
    form = LoginForm()
    if form.validate_on_submit():
        rate_limits.count_login(form.email.data)
        user = User.authenticate(form.email.data, form.password.data)
        if user is not None and user.is_active:
            return log_in(user, form)
        refuse_login(user, form)
    elif current_user.is_authenticated and not form.is_submitted():
        form.remember.data = current_user.current_session.remembered
    return form_page("login.html", form)


def log_in(user: User, form: LoginForm) -> ResponseReturnValue:
    """Start a session, and go to the page that was asked for."""
    rate_limits.forget_guesses(form.email.data)
    start_session(user, remember=form.remember.data)
    current_app.logger.info(
        "Account %s logged in from %s", user.id, request.remote_addr
    )
    if user.previous_login is not None:
        when = user.previous_login.strftime("%Y-%m-%d at %H:%M")
        flash(f"You last logged in on {when} (UTC).")
    return redirect(safe_next_url())


def refuse_login(user: User | None, form: LoginForm) -> None:
    """Count and log a refused log-in, and tell the visitor why."""
    rate_limits.count_failed_login()
    key = rate_limits.guess_key(form.email.data)
    current_app.logger.warning(
        "A log-in was refused: %s from %s", key, request.remote_addr
    )
    if user is None:
        form.form_errors = ["The email address or the password is wrong."]
    else:
        form.form_errors = ["This account is deactivated."]


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Log out. A POST: with a GET, a link on another site could log members out."""
    end_session()
    flash("You are logged out.")
    return redirect(url_for("pages.index"))


def safe_next_url() -> str:
    """Return the page in ?next= if it is on this site, else the dashboard.

    Prevents an open redirect.
    """
    target = request.args.get("next", "")
    if SAFE_PATH.fullmatch(target):
        return target
    return url_for("pages.dashboard")


def form_page(template: str, form: FlaskForm) -> ResponseReturnValue:
    """Show a form: status 422 if it was sent and refused."""
    status = 422 if form.is_submitted() else 200
    return render_template(template, form=form), status
