"""Log somebody in without a request: for tests that are not about logging in."""

from datetime import timedelta
from typing import Any

from flask import session
from flask.testing import FlaskClient
from flask_login_tutorial import models, sessions

from tests.support.visitor import HOST, Visitor

LONG_AGO = timedelta(hours=1)  # the password was typed too long ago for /account


def log_in(client: Visitor | FlaskClient, user: Any, fresh: bool = True) -> None:
    """Log a user in. `client` is a Visitor, or Flask's own `app.test_client()`.

    `fresh`: the password was typed just now, so that pages open that ask for that.
    """
    if isinstance(client, FlaskClient):
        app = client.application
        ip = "127.0.0.1"
        agent = "Flask"
    else:
        app = client.app
        ip = client.extra_environ["REMOTE_ADDR"]
        agent = client.extra_environ["HTTP_USER_AGENT"]
    environ = {"REMOTE_ADDR": ip, "HTTP_USER_AGENT": agent}
    with app.test_request_context(base_url=f"https://{HOST}", environ_base=environ):
        row = models.db.session.get(models.User, user.id)
        sessions.start_session(row, remember=False)
        if not fresh:
            row.current_session.created -= LONG_AGO
            models.db.session.commit()
        cookie = signed_session(app)
    client.set_cookie(app.config["SESSION_COOKIE_NAME"], cookie)


def signed_session(app: Any) -> str:
    """The value of the session cookie for what is in `session` now."""
    serializer = app.session_interface.get_signing_serializer(app)
    return serializer.dumps(dict(session))
