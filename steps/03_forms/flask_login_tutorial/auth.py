"""The forms to sign up and to log in; for now they only check what was typed."""

from flask import Blueprint, flash, render_template
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm

from .forms import LoginForm, SignupForm

bp = Blueprint("auth", __name__)


@bp.route("/signup", methods=["GET", "POST"])
def signup() -> ResponseReturnValue:
    """Check what was typed; step 04 stores it."""
    form = SignupForm()
    if form.validate_on_submit():
        flash(
            "Everything in this form is fine. Nothing was stored: "
            "that comes in step 04."
        )
        return render_template("signup.html", form=SignupForm(formdata=None))
    return form_page("signup.html", form)


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
