"""Signing up and logging in: for now the pages check and explain, and do nothing else."""

from flask import Blueprint, flash, render_template
from flask.typing import ResponseReturnValue

from .forms import LoginForm, SignupForm

bp = Blueprint("auth", __name__)


@bp.route("/signup", methods=["GET", "POST"])
def signup() -> ResponseReturnValue:
    """Check what was typed; step 04 stores it."""
    form = SignupForm()
    if form.validate_on_submit():
        flash("Everything in this form is fine. Nothing was stored: that comes in step 04.")
        return render_template("signup.html", form=SignupForm(formdata=None))
    return render_template("signup.html", form=form), 422 if form.is_submitted() else 200


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Check what was typed; step 05 logs in."""
    form = LoginForm()
    if form.validate_on_submit():
        flash("This form is filled in well. Nobody was logged in: that comes in step 05.")
        return render_template("login.html", form=LoginForm(formdata=None))
    return render_template("login.html", form=form), 422 if form.is_submitted() else 200
