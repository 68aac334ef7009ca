"""The pages that are not about logging in."""

from flask import Blueprint, render_template
from sqlalchemy import func, select

from .models import User, db

bp = Blueprint("pages", __name__)


@bp.get("/")
def index() -> str:
    """Say which step this is, what works, and how many accounts there are."""
    return render_template("index.html", accounts=db.session.scalar(select(func.count()).select_from(User)))


@bp.get("/dashboard")
def dashboard() -> str:
    """Show what current_user is, logged in or not: nothing keeps anybody out yet."""
    return render_template("dashboard.html")
