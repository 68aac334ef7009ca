"""Form classes and their validators."""

import re

from email_validator import EmailNotValidError
from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType
from wtforms import EmailField, PasswordField, StringField, URLField
from wtforms.validators import (
    DataRequired,
    EqualTo,
    InputRequired,
    Length,
    Optional,
    ValidationError,
)

from .models import normalise_email
from .passwords import password_problem
from .visible_text import visible_text_problem

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
WEB_LINK = re.compile(
    r"""
    https?://
    [^\s\\/?#@:\[\]]+       # a host name; no user:password@ before it
    (:\d{1,5})?             # perhaps a port
    ([/?#][^\s\\]*)?        # no \ : browsers read it as /
    """,
    re.IGNORECASE | re.VERBOSE,
)


class BaseForm(FlaskForm):
    """A form that reads what HTML forms send. FlaskForm reads JSON and files, too."""

    class Meta(FlaskForm.Meta):
        """How the form gets its data."""

        def wrap_formdata(
            self, form: FlaskForm, formdata: MultiDict | None
        ) -> MultiDict | None:
            """Return the fields that were sent; raises 415 for any other body."""
            if formdata is None or isinstance(formdata, MultiDict):
                return formdata
            if not form.is_submitted():
                return None
            if request.mimetype not in FORM_TYPES:
                raise UnsupportedMediaType
            return request.form


def strip(text: str | None) -> str | None:
    """Drop blanks at the ends. Never used on passwords."""
    if text is None:
        return None
    return text.strip()


def check_visible(_form: FlaskForm, field: StringField) -> None:
    """Refuse what cannot be seen."""
    problem = visible_text_problem(field.data)
    if problem:
        raise ValidationError(problem)


def check_email(_form: FlaskForm, field: EmailField) -> None:
    """Refuse what is no address. Whether it has a mailbox, only a message can tell."""
    try:
        normalise_email(field.data)
    except EmailNotValidError as error:
        raise ValidationError(f"That is not an email address. {error}") from error


def check_web_link(_form: FlaskForm, field: URLField) -> None:
    """Allow http and https alone: a javascript: link would be cross-site scripting."""
    if not WEB_LINK.fullmatch(field.data):
        raise ValidationError(
            "Give the whole address, from https:// on, or leave this empty."
        )


class SignupForm(BaseForm):
    """`/signup`."""

    name = StringField(
        "Name",
        validators=[DataRequired("Tell us your name."), Length(max=100), check_visible],
        filters=[strip],
        render_kw={"autocomplete": "name"},
    )
    email = EmailField(
        "Email address",
        validators=[
            DataRequired("Give your email address."),
            Length(max=254),
            check_email,
        ],
        filters=[strip],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password",
        validators=[InputRequired("Choose a password.")],
        render_kw={"autocomplete": "new-password"},
    )
    confirm = PasswordField(
        "The password again",
        validators=[
            InputRequired("Type it once more."),
            EqualTo("password", "The two passwords differ."),
        ],
        render_kw={"autocomplete": "new-password"},
    )
    website = URLField(
        "Website",
        validators=[Optional(), Length(max=255), check_visible, check_web_link],
        filters=[strip],
        render_kw={"autocomplete": "url"},
    )

    def validate_password(self, field: PasswordField) -> None:
        """Hold the password to our rules, given what is known about its owner."""
        about = (self.name.data or "", self.email.data or "")
        problem = password_problem(field.data, *about)
        if problem:
            raise ValidationError(problem)


class LoginForm(BaseForm):
    """`/login`. No password rules: an old password that is short must still get in."""

    email = EmailField(
        "Email address",
        validators=[
            DataRequired("Give your email address."),
            Length(max=254),
            check_email,
        ],
        filters=[strip],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password",
        validators=[InputRequired("Type your password.")],
        render_kw={"autocomplete": "current-password"},
    )
