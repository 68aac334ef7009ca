"""The pages that are not about logging in."""

from flask import Blueprint, render_template
from flask_login import login_required

bp = Blueprint("pages", __name__)


@bp.get("/")
def index() -> str:
    """Show the start page, which is open to everybody."""
    return render_template("index.html")


@bp.get("/dashboard")
@login_required
def dashboard() -> str:
    """Greet the member who is logged in."""
    return render_template("dashboard.html")
