"""Signing up and logging in. Signing up works; logging in still only checks and explains."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from .forms import LoginForm, SignupForm
from .models import User, db
from .throttle import limiter

bp = Blueprint("auth", __name__)


@bp.route("/signup", methods=["GET", "POST"])
@limiter.limit("30 per hour", methods=["POST"])  # each costs a slow hash, and tells whether an address has an account
def signup() -> ResponseReturnValue:
    """Make an account."""
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
            flash(f"Welcome, {user.name}! Your account is ready.")
            return redirect(url_for("auth.login"))
    return render_template("signup.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Check what was typed; step 05 logs in."""
    form = LoginForm()
    if form.validate_on_submit():
        flash("This form is filled in well. Nobody was logged in: that comes in step 05.")
        return render_template("login.html", form=LoginForm(formdata=None))
    return render_template("login.html", form=form), 422 if form.is_submitted() else 200
