"""What a visitor may type, and what to say when it will not do."""

import re
from collections.abc import Callable

from email_validator import EmailNotValidError
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField, URLField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, Optional, ValidationError

from .models import normalise_email, password_problem

# Control characters, line separators, characters of no width (but the two that Persian and emoji need), and the marks
# that turn the direction of the text around them.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def strip(text: str | None) -> str | None:
    """Forget blanks at the ends. Never used on passwords: they are taken exactly as typed."""
    return text.strip() if text else text


def printable(_form: FlaskForm, field: StringField) -> None:
    """Refuse what cannot be seen: it fakes names, and PostgreSQL cannot store NUL."""
    if UNPRINTABLE.search(field.data):
        raise ValidationError("Leave out the invisible control characters.")


def email_address(_form: FlaskForm, field: EmailField) -> None:
    """Refuse what is not an address. Whether somebody reads that mailbox, only a message to it can tell."""
    try:
        normalise_email(field.data)
    except EmailNotValidError as error:
        raise ValidationError(f"That is not an email address. {error}") from error


def web_link(_form: FlaskForm, field: URLField) -> None:
    """Accept http and https only: a javascript: link would run in the browser of whoever clicks it."""
    # A host, perhaps a port, then anything but blanks, and \ that browsers would read as /.
    if not re.fullmatch(r"https?://[^\s\\/?#@:\[\]]+(:\d{1,5})?([/?#][^\s\\]*)?", field.data, re.IGNORECASE):
        raise ValidationError("Give the whole address, from https:// on, or leave this empty.")


def new_password(form: FlaskForm, field: PasswordField) -> None:
    """Hold a new password to the rules that go with the user model."""
    if problem := password_problem(field.data, form.name.data or "", form.email.data or ""):
        raise ValidationError(problem)


def same_as(other: str) -> EqualTo:
    """Refuse what differs from the other field: a slip that cannot be seen would lock its owner out."""
    return EqualTo(other, "The two passwords differ.")


def text_field(kind: type[StringField], label: str, autocomplete: str, *checks: Callable) -> StringField:
    """A field that browsers may fill in; blanks at its ends are dropped."""
    return kind(label, checks, filters=[strip], render_kw={"autocomplete": autocomplete})


def email_field() -> StringField:
    """The address, which is what members log in with."""
    checks = [DataRequired("Give your email address."), Length(max=254), email_address]
    return text_field(EmailField, "Email address", "username", *checks)


def password_field(label: str, missing: str, autocomplete: str, *checks: Callable) -> PasswordField:
    """A password, which browsers and password managers may fill in and offer to make up."""
    return PasswordField(label, [InputRequired(missing), *checks], render_kw={"autocomplete": autocomplete})


class SignupForm(FlaskForm):
    """`/signup`."""

    name = text_field(StringField, "Name", "name", DataRequired("Tell us your name."), Length(max=100), printable)
    email = email_field()
    password = password_field("Password", "Choose a password.", "new-password", new_password)
    confirm = password_field("The password again", "Type it once more.", "new-password", same_as("password"))
    website = text_field(URLField, "Website", "url", Optional(), Length(max=255), printable, web_link)


class LoginForm(FlaskForm):
    """`/login`. It judges no password rules: an old password that is too short today must still get in."""

    email = email_field()
    password = password_field("Password", "Type your password.", "current-password")
