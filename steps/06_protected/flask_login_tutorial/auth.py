"""Signing up, logging in, logging out."""

import re

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_fresh
from sqlalchemy.exc import IntegrityError

from .forms import LoginForm, SignupForm
from .models import User, db
from .sessions import end_session, start_session
from .throttle import address_and_network, limit_refusals, limiter

bp = Blueprint("auth", __name__)


@bp.route("/signup", methods=["GET", "POST"])
@limiter.limit("30 per hour", methods=["POST"])  # each costs a slow hash, and tells whether an address has an account
def signup() -> ResponseReturnValue:
    """Make an account."""
    if current_user.is_authenticated:
        return redirect(url_for("pages.dashboard"))
    form = SignupForm()
    if form.validate_on_submit():
        user = User(name=form.name.data, email=form.email.data, website=form.website.data or None)
        user.set_password(form.password.data)
        db.session.add(user)
        try:
            db.session.commit()
        except IntegrityError:  # asking beforehand would not do: somebody else may insert in between
            db.session.rollback()
            form.email.errors = ["There is an account with this address already."]
        else:
            current_app.logger.info("Account %s was made", user.id)
            flash(f"Welcome, {user.name}! Your account is ready.")
            return redirect(url_for("auth.login"))
    return render_template("signup.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/login", methods=["GET", "POST"])
@limit_refusals("10 per 15 minutes", key_func=address_and_network)
@limit_refusals("100 per hour")
@limiter.limit("600 per hour", methods=["POST"])  # the right password costs a slow hash too
def login() -> ResponseReturnValue:
    """Log in; also asks a member for the password again where a page wants a fresh log-in."""
    if current_user.is_authenticated and login_fresh():
        return redirect(page_asked_for())
    form = LoginForm()
    if form.validate_on_submit():
        user = User.authenticate(form.email.data, form.password.data)
        if user and user.is_active:
            start_session(user, remember=form.remember.data)
            current_app.logger.info("Account %s logged in from %s", user.id, request.remote_addr)
            return redirect(page_asked_for())
        current_app.logger.warning("A log-in was refused: %s", address_and_network())
        form.form_errors = ["This account is deactivated." if user else "The email address or the password is wrong."]
    return render_template("login.html", form=form), 422 if form.is_submitted() else 200


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Log out. A POST with a token: else an image on any other site could log our members out."""
    end_session()
    flash("You are logged out.")
    return redirect(url_for("pages.index"))


def page_asked_for() -> str:
    """The page in ?next= if a browser will take it for a path on this site, else the dashboard."""
    target = request.args.get("next", "")
    # Browsers drop tabs and newlines, and read \ as /; what starts with // is another site.
    if re.fullmatch(r"/(?![/\\])[^\x00-\x1f]*", target):
        return target
    return url_for("pages.dashboard")
