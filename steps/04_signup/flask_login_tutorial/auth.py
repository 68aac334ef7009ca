"""Signing up works; logging in still only checks what was typed."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError

from .database import db, utcnow
from .forms import LoginForm, SignupForm
from .models import DOUBLE_CLICK, User

bp = Blueprint("auth", __name__)


@bp.route("/signup", methods=["GET", "POST"])
def signup() -> ResponseReturnValue:
    """Make an account."""
    form = SignupForm()
    if form.validate_on_submit():
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
    """Check what was typed; step 05 logs in."""
    form = LoginForm()
    if form.validate_on_submit():
        flash(
            "This form is filled in well. Nobody was logged in: that comes in step 05."
        )
        return render_template("login.html", form=LoginForm(formdata=None))
    return form_page("login.html", form)


def form_page(template: str, form: FlaskForm) -> ResponseReturnValue:
    """Show a form: status 422 if it was sent and refused."""
    status = 422 if form.is_submitted() else 200
    return render_template(template, form=form), status
