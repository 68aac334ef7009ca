"""A project made by `new` has room for what people add: its tests stay green.

Each change is made as the project's README says. They share a project, because its
tests take a good part of a minute.
"""

from collections.abc import Callable
from typing import Any

import pytest


def add_pages(owner: Any) -> None:
    """A page for members, a public page, a JSON endpoint, a page with a header of its
    own.
    """
    owner.edit(
        "package/routes.py",
        "from flask import Blueprint, render_template\n"
        "from flask_login import login_required\n",
        "from flask import Blueprint, Response, render_template\n"
        "from flask_login import current_user, login_required\n",
    )
    owner.append(
        "package/routes.py",
        '''@bp.get("/notes")
@login_required
def notes() -> str:
    """Show a page for members."""
    return render_template("notes.html")


@bp.get("/notes/<int:number>/pages/<name>")
@login_required
def note(number: int, name: str) -> dict[str, str]:
    """Answer a script of ours."""
    return {"member": current_user.name, "number": str(number), "name": name}


@bp.post("/api/notes")
@login_required
def add_note() -> dict[str, str]:
    """Do what a script of ours asks for."""
    return {"stored": "yes"}


@bp.get("/feed")
def feed() -> Response:
    """Show a public page that caches may keep."""
    response = Response("news", content_type="text/plain")
    response.headers["Cache-Control"] = "public, max-age=60"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
''',
    )
    owner.write(
        "package/templates/notes.html",
        """{% extends "base.html" %}
{% block title %}Notes{% endblock %}
{% block main %}<h1>Notes</h1>{% endblock %}
""",
    )
    owner.edit(
        "tests/test_rules.py",
        'PUBLIC = {\n    "/",',
        'PUBLIC = {\n    "/",\n    "/feed",',
    )
    owner.write(
        "tests/test_my_pages.py",
        '''"""My own pages."""

from tests.support.harness import Visitor, log_in


def test_members_see_their_notes(app, user):
    member = Visitor(app)
    log_in(member, user)

    assert "Notes" in member.get("/notes").text
    assert member.get("/notes/7/pages/x").json["member"] == user.name


def test_a_script_sends_the_token_in_a_header(app, user):
    member = Visitor(app)
    log_in(member, user)
    page = member.get("/account/password")
    token = page.html.find("input", {"name": "csrf_token"})["value"]

    answer = member.post_json("/api/notes", {}, headers={"X-CSRFToken": token})

    assert answer.json == {"stored": "yes"}


def test_a_header_that_a_view_has_set_stays(visitor):
    headers = visitor.get("/feed").headers

    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["Content-Security-Policy"].endswith("sandbox")
    assert headers["X-Content-Type-Options"] == "nosniff"
''',
    )


def add_landing_page(owner: Any) -> None:
    """A start page of one's own design: no navigation, no current_user."""
    owner.write(
        "package/templates/index.html",
        "<!doctype html>\n<html lang='en'><title>Hello</title><h1>Buy our bread</h1>\n",
    )


def add_script(owner: Any) -> None:
    """A script of one's own on the dashboard."""
    owner.write("package/static/site.js", 'fetch("/notes/1/pages/a");\n')
    owner.edit(
        "package/templates/dashboard.html",
        "<h1>Dashboard</h1>",
        "<h1>Dashboard</h1>\n<script src=\"{{ url_for('static', filename='site.js') }}\" defer></script>",
    )
    owner.edit(
        "package/headers.py",
        "CONTENT_SECURITY_POLICY = {\n",
        "CONTENT_SECURITY_POLICY = {\n"
        '    "script-src": "\'self\'",\n    "connect-src": "\'self\'",\n',
    )


def add_columns(owner: Any) -> None:
    """A column, a unique one, one that must not be empty, and rows of a member's."""
    owner.edit(
        "package/models.py",
        "from sqlalchemy import ForeignKey,",
        "from sqlalchemy import false, ForeignKey,",
    )
    owner.edit(
        "package/models.py",
        "    last_login: Mapped[datetime | None]\n",
        "    last_login: Mapped[datetime | None]\n"
        "    is_admin: Mapped[bool] = mapped_column(default=False, server_default=false())\n"
        "    phone: Mapped[str | None] = mapped_column(String(40))\n"
        '    city: Mapped[str] = mapped_column(String(80), server_default="")\n'
        "    username: Mapped[str | None] = mapped_column(\n"
        "        String(40), unique=True, index=True\n"
        "    )\n",
    )
    owner.append(
        "package/models.py",
        '''class Post(db.Model):
    """What a member has written."""

    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str] = mapped_column(String(500))
''',
    )


def add_sign_up_fields(owner: Any) -> None:
    """Required fields of several kinds, and a user name that only one may have."""
    owner.edit(
        "package/forms.py",
        "from wtforms import BooleanField,",
        "from wtforms import DateField, IntegerField, SelectField\n"
        "from wtforms import BooleanField,",
    )
    owner.edit(
        "package/forms.py",
        "    def validate_password(self,",
        """    username = StringField("User name", validators=[DataRequired(), Length(3, 40)])
    city = SelectField("City", choices=["", "Berlin", "Paris"], validators=[DataRequired()])
    terms = BooleanField("I agree to the terms", validators=[InputRequired()])
    born = DateField("Born on", validators=[InputRequired()])
    shoes = IntegerField("Size of shoes", validators=[InputRequired()])

    def validate_password(self,""",
    )
    owner.edit(
        "package/templates/signup.html",
        "  {{ field(form.name) }}\n",
        "  {{ field(form.name) }}\n  {{ field(form.username) }}\n  {{ field(form.city) }}\n"
        "  {{ field(form.terms) }}\n  {{ field(form.born) }}\n  {{ field(form.shoes) }}\n",
    )
    owner.edit(
        "package/auth.py",
        "website=form.website.data or None\n",
        "website=form.website.data or None,\n"
        "        username=form.username.data, city=form.city.data,\n",
    )


def add_admin_page(owner: Any) -> None:
    """A page for administrators alone, and the deletion of one's account."""
    owner.edit(
        "package/routes.py",
        "from flask import Blueprint, Response, render_template\n"
        "from flask_login import current_user, login_required\n",
        "from flask import Blueprint, Response, abort, redirect, render_template, url_for\n"
        "from flask_login import current_user, login_required\n\n"
        "from .database import db\n"
        "from .sessions import end_session, fresh_login_required\n",
    )
    owner.append(
        "package/routes.py",
        '''@bp.get("/admin")
@login_required
def admin() -> str:
    """Show what administrators see."""
    if not current_user.is_admin:
        abort(403)
    return render_template("dashboard.html")


@bp.post("/account/delete")
@fresh_login_required
def delete_account():
    """Delete the account, and all that belongs to it."""
    user = current_user._get_current_object()
    end_session()
    db.session.delete(user)
    db.session.commit()
    return redirect(url_for("pages.index"))
''',
    )
    owner.edit(
        "tests/test_rules.py",
        "FOR_SOME_MEMBERS: set[str] = set()",
        'FOR_SOME_MEMBERS = {"/admin"}',
    )
    owner.write(
        "tests/test_my_tables.py",
        '''"""My own tables."""

import pytest

from my_shop.models import Post, User, db
from tests.support.harness import Visitor, log_in, query


@pytest.mark.parametrize(("is_admin", "status"), [(True, 200), (False, 403)])
def test_administrators_alone_see_their_page(app, user, sql, is_admin, status):
    sql("UPDATE users SET is_admin = :is_admin", is_admin=is_admin)
    member = Visitor(app)
    log_in(member, user)

    assert member.get("/admin", expect_errors=True).status_code == status


def test_what_belongs_to_a_member_goes_with_the_account(app, user, sql):
    member = Visitor(app)
    log_in(member, user)
    with app.app_context():
        db.session.add(Post(user_id=user.id, text="hello"))
        db.session.commit()
    page = member.get("/account")
    token = page.html.find("input", {"name": "csrf_token"})["value"]

    answer = member.post("/account/delete", {"csrf_token": token})

    assert answer.status_code == 302
    assert sql("SELECT * FROM users") == []
    assert sql("SELECT * FROM posts") == []
    assert sql("SELECT * FROM user_sessions") == []


def test_what_the_new_fields_hold_is_stored(visitor, sql):
    visitor.sign_up(username="countess")

    (row,) = sql("SELECT username, city FROM users")
    assert dict(row) == {"username": "countess", "city": "Berlin"}
''',
    )


def run_suite(owner: Any) -> str:
    """Run the project's tests; return their last line."""
    return owner.python("pytest", "-q", "-p", "no:cacheprovider").splitlines()[-1]


@pytest.mark.slow
def test_the_suite_stays_green_with_what_people_add(
    new_project: Callable[..., Any],
) -> None:
    """Also with another title and another name: a suite that turns red for nothing is
    soon not run any more.

    The tables change by a revision that `flask db migrate` has written; the members
    who are there already stay, and so do their sessions.
    """
    owner = new_project("my_shop", 'Zoë\'s “<b>Café</b>” & \\ "{{ 7*7 }}" ☕')
    owner.python("flask", "init-db")
    add_pages(owner)
    add_landing_page(owner)
    add_script(owner)
    add_columns(owner)
    add_sign_up_fields(owner)
    add_admin_page(owner)
    owner.python("flask", "db", "migrate", "-m", "what members have written")
    owner.python("flask", "init-db")

    last_line = run_suite(owner)

    assert "passed" in last_line
    assert "failed" not in last_line
