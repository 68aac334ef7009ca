"""Connects Flask-Login to the user_sessions table: logging in, logging out."""

from flask import Flask, Response, current_app, g, request, session
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy import Executable, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from .database import db, utcnow
from .errors import release_database_connection
from .models import DOUBLE_CLICK, VISIT_INTERVAL, User, UserSession

login_manager = LoginManager()
# Flask-Login's own protection believes X-Forwarded-For, which anybody can write.
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


def start_session(user: User, remember: bool) -> None:
    """Log this user in: store a new row, and put its token into the session cookie."""
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
    user.current_session = user_session
    db.session.flush()
    user.delete_old_sessions()
    db.session.commit()
    session.clear()  # prevents session fixation: nothing of an earlier visitor stays
    session.permanent = remember
    login_user(user)


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
