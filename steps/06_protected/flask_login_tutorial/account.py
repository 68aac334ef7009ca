"""The member's account page: sessions and password. Every view wants a fresh log-in."""

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from . import rate_limits
from .auth import form_page
from .database import db
from .forms import PasswordForm
from .models import UserSession
from .sessions import fresh_login_required, start_session

MAX_ID = 2**31 - 1  # the largest INTEGER of the database

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@fresh_login_required
def index() -> str:
    """Show the account, and where it is logged in."""
    return render_template("account.html", sessions=current_user.live_sessions())


@bp.route("/password", methods=["GET", "POST"])
@fresh_login_required
def password() -> ResponseReturnValue:
    """Change the password, and log out everywhere else."""
    form = PasswordForm()
    if form.validate_on_submit():
        user = current_user._get_current_object()  # the user, not Flask-Login's proxy
        rate_limits.count_password_change(user.id)
        if user.change_password(form.current_password.data, form.new_password.data):
            remembered = user.current_session.remembered
            # Also the sessions of somebody who knew the old password.
            start_session(user, remembered, end_others=True)
            current_app.logger.info("Account %s changed its password", user.id)
            flash("Your password is changed, and every other device is logged out.")
            return redirect(url_for("account.index"))
        current_app.logger.warning("Account %s gave a wrong current password", user.id)
        form.current_password.errors = ["That is not your current password."]
    return form_page("password.html", form)


@bp.post(f"/sessions/<int(max={MAX_ID}):session_id>/end")
@fresh_login_required
def end_one(session_id: int) -> ResponseReturnValue:
    """Log one device out; only one of the member's own (prevents IDOR)."""
    user_session = db.session.get(UserSession, session_id)
    if user_session is not None and user_session.user_id == current_user.id:
        user_session.end()
        db.session.commit()
    else:
        # The same answer for the second click and for another member's session: it
        # must not reveal that the session exists.
        current_app.logger.warning(
            "Account %s asked to end session %s, which is not one of its own",
            current_user.id,
            session_id,
        )
    flash("That device is logged out.")
    return redirect(url_for("account.index"))


@bp.post("/sessions/end-others")
@fresh_login_required
def end_others() -> ResponseReturnValue:
    """Log out every device but this one."""
    current_user.end_sessions(except_session=current_user.current_session)
    db.session.commit()
    flash("Every other device is logged out.")
    return redirect(url_for("account.index"))
