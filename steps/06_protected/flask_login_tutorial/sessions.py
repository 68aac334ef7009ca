"""Between Flask-Login and the user_sessions table: who is this visitor, and how do they get in and out."""

from flask import Response, after_this_request, current_app, request, session
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_login.utils import decode_cookie
from sqlalchemy import select

from .models import MINUTE, User, UserSession, db, utcnow

login_manager = LoginManager()


def prepare_request() -> None:
    """Make up for three things that Flask-Login 0.6.3 gets wrong, before it looks at the request."""
    # It believes this header, which anybody can write. ProxyFix, where configured, has already read it.
    request.environ.pop("HTTP_X_FORWARDED_FOR", None)

    cookie = request.cookies.get(current_app.config["REMEMBER_COOKIE_NAME"], "")
    if not cookie.isascii():
        session["_remember"] = "clear"  # it fails with a 500 on such a forgery; this makes it drop the cookie instead
    elif cookie and "_user_id" not in session and not decode_cookie(cookie):
        # It tries SECRET_KEY alone. With the old keys too, a new key does not log out everybody who is remembered.
        for key in current_app.config["SECRET_KEY_FALLBACKS"]:
            if token := decode_cookie(cookie, key):
                session.update(_user_id=token, _fresh=False, _remember="set")


@login_manager.user_loader
def load_user(token: str) -> User | None:
    """Find whose session this is. Flask-Login calls it when current_user is first looked at."""
    # str: MySQL takes the number 0 for any text that begins with a letter.
    row = db.session.scalar(select(UserSession).where(UserSession.token == str(token)))
    if row is None or not row.is_live():
        return None
    row.touch()
    if session.get("_fresh") and utcnow() - row.created > 15 * MINUTE:  # then the account wants the password again
        session["_fresh"] = False
    row.user.current_session = row
    return row.user


def start_session(user: User, remember: bool) -> None:
    """Log this user in: a new row, and nothing left of what the cookie held before."""
    if current_user.is_authenticated:
        current_user.current_session.end()  # typing the password again replaces the session, it does not add one
    user.current_session = UserSession(user=user, remembered=remember, user_agent=request.user_agent.string[:255])
    db.session.add(user.current_session)
    user.end_oldest_sessions()
    db.session.commit()
    session.clear()
    if not remember:
        delete_remember_cookie()
    login_user(user, remember=remember)


def end_session() -> None:
    """Log this visitor out: without the row, a copy of the cookie opens nothing."""
    if current_user.is_authenticated:
        current_user.current_session.end()
        db.session.commit()
    session.clear()
    delete_remember_cookie()
    logout_user()  # after the clear, which would wipe the note that this leaves in the session for Flask-Login


def delete_remember_cookie() -> None:
    """Delete it as it was set. Flask-Login forgets Secure, and without it browsers leave a __Host- cookie alone."""

    @after_this_request
    def delete(response: Response) -> Response:
        config = current_app.config
        response.delete_cookie(config["REMEMBER_COOKIE_NAME"], secure=config["REMEMBER_COOKIE_SECURE"], httponly=True)
        return response
