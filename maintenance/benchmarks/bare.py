"""The least that a member's page can be: Flask, its signed cookie, one query by an
indexed token, and an answer.

No Flask-Login, no check of times, no form token, no limits, no headers. `/page` asks by
the same model as step 06 and
draws a page with the same navigation: that is the limit we measure against. `/plain`
has neither, for comparison.
"""

import hashlib

from flask import Flask, render_template, session
from jinja2 import DictLoader
from sqlalchemy import select, text

from tests.support.harness import STEPS

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Dashboard</title>
<link rel="stylesheet" href="{{ url_for('static', filename='style.css') }}"></head>
<body><nav><a href="{{ url_for('page') }}">Home</a> <a href="{{ url_for('plain') }}">Dashboard</a></nav>
<main><h1>Dashboard</h1><p>Hello, {{ user.name }}. You are logged in as {{ user.email }}.</p></main></body></html>
"""
QUERY = text(
    "SELECT u.name FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE s.token = :token"
)


def create_app(database_uri: str, secret_key: str) -> Flask:
    """Two views on the tables of step 06."""
    models = STEPS[6].module.models
    app = Flask(__name__)
    app.config.from_mapping(SQLALCHEMY_DATABASE_URI=database_uri, SECRET_KEY=secret_key)
    app.config["SESSION_COOKIE_NAME"] = "__Host-session"
    app.session_interface.digest_method = hashlib.sha256
    app.jinja_env.loader = DictLoader(
        {"page.html": PAGE}
    )  # compiled once, as those in files are
    models.db.init_app(app)

    @app.get("/page")
    def page() -> str:
        row = models.db.session.scalar(
            select(models.UserSession).where(
                models.UserSession.token == session["_user_id"]
            )
        )
        return render_template("page.html", user=row.user)

    @app.get("/plain")
    def plain() -> str:
        return (
            f"Hello, {models.db.session.scalar(QUERY, {'token': session['_user_id']})}."
        )

    return app
