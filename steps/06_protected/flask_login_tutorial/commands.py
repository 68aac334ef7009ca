"""The commands for the site's operator: `flask --help` lists them."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from email_validator import EmailNotValidError
from flask import Blueprint, current_app
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from .database import (
    DATABASE_ERRORS,
    db,
    explain_database_error,
    missing_tables_and_columns,
    utcnow,
)
from .models import IDLE_TIMEOUT, User, UserSession, delete_sessions, normalise_email
from .passwords import password_problem
from .visible_text import visible_text_problem

bp = Blueprint("commands", __name__, cli_group=None)


@contextmanager
def database_errors_explained() -> Iterator[None]:
    """Turn errors of a database that is away into one sentence."""
    try:
        yield
    except DATABASE_ERRORS as error:
        explanation = explain_database_error(error)
        if explanation is None:
            raise
        raise click.ClickException(explanation) from None


@bp.cli.command("init-db")
def init_db() -> None:
    """Make the tables that are missing. Safe to repeat."""
    # A command and not part of create_app: several workers that start at once would
    # be a race condition.
    with database_errors_explained():
        check_encoding()
        db.create_all()
        missing = missing_tables_and_columns()
    if missing:
        raise click.ClickException(
            f"The database lacks {', '.join(missing)}. init-db makes missing tables, "
            "but changes none. Change the table yourself, or rename the old database "
            "(with SQLite: instance/workbook.db) and run init-db again."
        )
    url = db.engine.url.render_as_string(hide_password=True)
    click.echo(f"The tables are ready in {url}")


def check_encoding() -> None:
    """Refuse a PostgreSQL database that cannot store every name."""
    if db.engine.dialect.name != "postgresql":
        return
    encoding = db.session.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise click.ClickException(
            f"This database stores {encoding}, not UTF8. Make a new one: "
            "createdb --encoding=UTF8 --template=template0 NAME"
        )


@bp.cli.command("add-user")
@click.argument("email")
@click.option("--name", help="What to call them; the part before the @ if not given.")
@click.password_option()
def add_user(email: str, name: str | None, password: str) -> None:
    """Make an account for EMAIL; asks for the password."""
    name = name or email.partition("@")[0]
    check_email_or_fail(email)
    if len(name) > 100:
        raise click.ClickException("The name is longer than 100 characters.")
    problem = visible_text_problem(name) or password_problem(password, name, email)
    if problem:
        raise click.ClickException(problem)
    with database_errors_explained():
        user = User(email=email, name=name)
        user.set_password(password)
        db.session.add(user)
        try:
            db.session.commit()
        except IntegrityError:
            db.session.rollback()
            if User.find(email) is None:
                raise
            raise click.ClickException(f"{email} has an account already.") from None
    current_app.logger.info("Account %s: the operator made it", user.id)
    click.echo(f"{user.email} has an account now.")


def check_email_or_fail(email: str) -> None:
    """Hold an address to the rule of the sign-up form; raises ClickException."""
    try:
        normalise_email(email)
    except EmailNotValidError as error:
        message = f"{email} is not an email address. {error}"
        raise click.ClickException(message) from error


def find_user_or_fail(email: str) -> User:
    """Return the user with this address; raises ClickException."""
    user = User.find(email)
    if user is None:
        raise click.ClickException(f"No account has the address {email}.")
    return user


@bp.cli.command("deactivate")
@click.argument("email")
def deactivate(email: str) -> None:
    """Keep EMAIL out from now on, and end every session they have."""
    with database_errors_explained():
        user = find_user_or_fail(email)
        user.end_sessions()
        user.is_active = False
        db.session.commit()
    current_app.logger.info("Account %s: the operator deactivated it", user.id)
    click.echo(f"{user.email} is deactivated and logged out everywhere.")


@bp.cli.command("reactivate")
@click.argument("email")
def reactivate(email: str) -> None:
    """Let EMAIL log in again."""
    with database_errors_explained():
        user = find_user_or_fail(email)
        user.end_sessions()  # a session from before must not come back to life
        user.is_active = True
        db.session.commit()
    current_app.logger.info("Account %s: the operator reactivated it", user.id)
    click.echo(f"{user.email} can log in again.")


@bp.cli.command("end-sessions")
@click.argument("email")
def end_sessions(email: str) -> None:
    """Log EMAIL out on every device."""
    with database_errors_explained():
        user = find_user_or_fail(email)
        user.end_sessions()
        db.session.commit()
    click.echo(f"{user.email} is logged out everywhere.")


@bp.cli.command("set-password")
@click.argument("email")
@click.password_option()
def set_password(email: str, password: str) -> None:
    """Give EMAIL a new password, and log them out everywhere; asks for it."""
    with database_errors_explained():
        user = find_user_or_fail(email)
        problem = password_problem(password, user.name, user.email)
        if problem:
            raise click.ClickException(problem)
        user.set_password(password)
        user.end_sessions()
        db.session.commit()
    current_app.logger.info("Account %s: the operator set a password", user.id)
    click.echo(f"{user.email} has a new password, and is logged out everywhere.")


@bp.cli.command("delete-user")
@click.argument("email")
@click.confirmation_option(prompt="Delete the account and all that belongs to it?")
def delete_user(email: str) -> None:
    """Delete the account of EMAIL for good; asks first."""
    with database_errors_explained():
        user = find_user_or_fail(email)
        email, number = user.email, user.id
        db.session.delete(user)  # the database deletes the sessions (ON DELETE CASCADE)
        db.session.commit()
    current_app.logger.info("Account %s: the operator deleted it", number)
    click.echo(f"{email} has no account any more.")


@bp.cli.command("clear-sessions")
def clear_sessions() -> None:
    """Delete expired sessions. Run it once a day."""
    # One that is past its absolute timeout, but was used just now, goes the next time.
    with database_errors_explained():
        idle = UserSession.last_seen <= utcnow() - IDLE_TIMEOUT
        candidates = db.session.scalars(select(UserSession).where(idle))
        expired = [row for row in candidates if row.has_expired()]
        delete_sessions(expired)
        db.session.commit()
    click.echo(f"{len(expired)} expired sessions were deleted.")
