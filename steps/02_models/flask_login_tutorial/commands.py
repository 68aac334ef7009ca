"""The commands for whoever runs the app: `flask --help` lists them."""

import click
from email_validator import EmailNotValidError
from flask import Blueprint
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from .models import User, db, password_problem

NO_DATABASE = "The database does not answer, or has no tables yet (flask init-db makes them). It says:"

bp = Blueprint("commands", __name__, cli_group=None)


@bp.cli.command("init-db")
def init_db() -> None:
    """Make the tables that are missing. Safe to repeat."""
    # A command and not part of create_app: several workers that start at once would trip over each other.
    try:
        db.create_all()
    except OperationalError as error:
        raise click.ClickException(f"{NO_DATABASE} {error.orig}") from error
    click.echo(f"The tables are ready in {db.engine.url.render_as_string(hide_password=True)}")


@bp.cli.command("add-user")
@click.argument("email")
@click.option("--name", help="What to call them; the part before the @ if not given.")
@click.password_option()
def add_user(email: str, name: str | None, password: str) -> None:
    """Make an account for EMAIL; asks for the password."""
    name = name or email.partition("@")[0]
    if problem := password_problem(password):
        raise click.ClickException(problem)
    try:
        user = User(email=email, name=name[:100])
        user.set_password(password)
        db.session.add(user)
        db.session.commit()
    except EmailNotValidError as error:
        raise click.ClickException(f"{email} is not an email address. {error}") from error
    except IntegrityError as error:
        raise click.ClickException(f"{email} has an account already.") from error
    except (OperationalError, ProgrammingError) as error:
        raise click.ClickException(f"{NO_DATABASE} {error.orig}") from error
    click.echo(f"{user.email} has an account now.")
