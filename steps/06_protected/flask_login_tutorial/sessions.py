"""Connects Flask-Login to the user_sessions table: logging in, logging out."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    g,
    redirect,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user, login_url, login_user, logout_user
from sqlalchemy import Executable, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from .database import db, utcnow
from .errors import release_database_connection
from .models import DOUBLE_CLICK, VISIT_INTERVAL, User, UserSession
from .network import client_network

login_manager = LoginManager()
# The rows know when and where the password was typed. Flask-Login's own protection
# believes X-Forwarded-For, a header that anybody can write.
login_manager.session_protection = None


def init_app(app: Flask) -> None:
    """Let Flask-Login find this app's members, and note their visits.

    Its remember cookie stays off, by a name that no cookie can have (see config.py): a
    second cookie with the same power, and with faults that ours does not have. So
    login_user(user, remember=True) remembers nobody; start_session does.
    """
    login_manager.init_app(app)
    app.after_request(save_visit)


@login_manager.user_loader
def load_user(token: str) -> User | None:
    """Return the user whose session has this token, or None.

    Flask-Login calls it when current_user is first looked at.
    """
    # Convert to str: MySQL compares a text with the number 0 as equal.
    statement = select(UserSession).where(UserSession.token == str(token))
    user_session = db.session.scalar(statement)
    if user_session is None:
        return None
    g.after_visit = statement_after_visit(user_session)  # for save_visit
    if user_session.has_expired() or not user_session.user.is_active:
        return None
    user_session.user.current_session = user_session
    return user_session.user


def statement_after_visit(user_session: UserSession) -> Executable | None:
    """Return what is to be written about this visit, if anything.

    An expired row goes. A visit is noted once a minute at most: a page view should not
    cost a write.
    """
    this_row = UserSession.id == user_session.id
    now = utcnow()
    if user_session.has_expired():
        return delete(UserSession).where(this_row)
    if now - user_session.last_seen >= VISIT_INTERVAL:
        return update(UserSession).where(this_row).values(last_seen=now)
    return None


def save_visit(response: Response) -> Response:
    """Write what load_user has found, after the view and on a connection of its own.

    So it never commits what the view has left undone, and never fails the request.
    """
    statement = g.get("after_visit")
    if statement is None or response.is_streamed:
        return response
    release_database_connection(response)  # else SQLite would wait for ourselves
    try:
        with db.engine.begin() as connection:
            connection.execute(statement)
    except SQLAlchemyError:
        current_app.logger.warning("A visit could not be noted; the next one will be")
    return response


def start_session(user: User, remember: bool, end_others: bool = False) -> None:
    """Log this user in: store a new row, and put its token into the session cookie.

    `end_others`: log the user out everywhere else, in the same transaction. Commits,
    with whatever the caller has changed.
    """
    networks = known_networks(user)
    if current_user.is_authenticated:
        # The password was typed again: replace the session, do not add one.
        current_user.current_session.end()
    login_page = session.get("csrf_token")
    user_session = session_of_first_click(user, login_page)
    if user_session is None:
        user_session = UserSession(user=user, login_page=login_page)
        db.session.add(user_session)
    user_session.remembered = remember
    user_session.user_agent = request.user_agent.string[:255]
    user_session.networks = networks
    user.current_session = user_session
    db.session.flush()
    if end_others:
        user.end_sessions(except_session=user_session)
    user.delete_old_sessions()
    db.session.commit()
    session.clear()  # prevents session fixation: nothing of an earlier visitor stays
    session.permanent = remember
    # Flask-Login's own fresh_login_required does not know when the password was typed:
    # it refuses everybody now, should somebody import it in place of ours.
    login_user(user, fresh=False)


def known_networks(user: User) -> str:
    """Return the networks where this user has typed the password.

    That is this one, and what the session that is replaced knows, if the password was
    typed just now there, too.
    """
    network = client_network()
    if current_user.is_authenticated and current_user.id == user.id:
        replaced = current_user.current_session
        if replaced.is_recent():
            return add_network(network, replaced.networks)
    return network


def add_network(network: str, networks: str) -> str:
    """Return this network and the last other one.

    A home may reach us from two: by IPv4 and IPv6, or by two providers.
    """
    others = [other for other in networks.split(" ") if other != network]
    return " ".join([*others[-1:], network])


def session_of_first_click(user: User, login_page: str | None) -> UserSession | None:
    """Return the session that the same page has started a moment ago, if any.

    Two clicks on a button are two requests, and nobody knows which is answered last.
    With one row for both, it does not matter which cookie the browser keeps.
    """
    if login_page is None:
        return None
    return db.session.scalar(
        select(UserSession).where(
            UserSession.user_id == user.id,
            UserSession.login_page == login_page,
            UserSession.created > utcnow() - DOUBLE_CLICK,
        )
    )


def end_session() -> None:
    """Log this visitor out. Deleting the row invalidates every copy of the cookie."""
    if current_user.is_authenticated:
        current_user.current_session.end()
        db.session.commit()
    logout_user()
    session.clear()


@login_manager.unauthorized_handler
def handle_unauthorized() -> ResponseReturnValue:
    """Send the visitor to the log-in page, and from there to the page asked for."""
    current_app.logger.info(
        "%r: %s is asked to log in", request.path, request.remote_addr
    )
    if current_user.is_authenticated:
        flash_once("Please type your password again.")
    else:
        flash_once("Please log in first.")
    # After the log-in comes a GET: a POST cannot be sent again by a redirect.
    if request.method in ("GET", "HEAD"):
        next_url = request.url  # login_url makes a path of it: see safe_next_url
    else:
        next_url = url_for("account.index")
    return redirect(login_url("auth.login", next_url))


def flash_once(message: str) -> None:
    """Flash a message, unless it waits already: the cookie must not fill up."""
    waiting = session.get("_flashes", [])
    if ("message", message) not in waiting:
        flash(message)


def fresh_login_required(view: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for the password again before this view, unless it was typed just now.

    Also called sudo mode. A stolen or forgotten session can read, but not take over
    the account.
    """

    @wraps(view)
    def guarded_view(*args: object, **kwargs: object) -> ResponseReturnValue:
        if not is_login_fresh():
            return handle_unauthorized()
        return view(*args, **kwargs)

    return guarded_view


def is_login_fresh() -> bool:
    """Return True if a member is logged in who has typed the password just now."""
    return current_user.is_authenticated and current_user.current_session.is_fresh()
