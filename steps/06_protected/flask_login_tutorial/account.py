"""What members do about their own account. Every view here wants a fresh log-in: see sessions.py."""

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, fresh_login_required, login_url

from .forms import PasswordForm
from .models import UserSession, db, hash_password
from .sessions import login_manager, start_session
from .throttle import limiter

bp = Blueprint("account", __name__, url_prefix="/account")


@login_manager.unauthorized_handler
@login_manager.needs_refresh_handler
def ask_to_log_in() -> ResponseReturnValue:
    """Send the visitor to the log-in page, and from there to the page asked for."""
    current_app.logger.info("%r: %s is asked to log in", request.path, request.remote_addr)
    flash("Please type your password again." if current_user.is_authenticated else "Please log in first.")
    # After the log-in comes a GET: where a POST was stopped, go to the page that it was sent from.
    page = request.url if request.method in ("GET", "HEAD") else url_for("account.index")
    return redirect(login_url("auth.login", page))


@bp.get("")
@fresh_login_required
def index() -> str:
    """Show the account and the places where it is logged in."""
    return render_template("account.html", sessions=current_user.live_sessions())


@bp.route("/password", methods=["GET", "POST"])
@fresh_login_required
@limiter.limit("10 per 15 minutes", key_func=lambda: f"user {current_user.id}", methods=["POST"])
def password() -> ResponseReturnValue:
    """Change the password, and log out everywhere else."""
    form = PasswordForm()
    if form.validate_on_submit():
        user, remembered = current_user._get_current_object(), current_user.current_session.remembered
        if user.check_password(form.current_password.data) and user.write_if_password_unchanged(
            password_hash=hash_password(form.new_password.data)
        ):
            user.end_sessions()  # whoever knew the old password is out with it
            start_session(user, remembered)
            current_app.logger.info("Account %s changed its password", user.id)
            flash("Your password is changed, and every other device is logged out.")
            return redirect(url_for("account.index"))
        current_app.logger.warning("Account %s gave a wrong current password", user.id)
        form.current_password.errors = ["That is not your current password."]
    return render_template("password.html", form=form), 422 if form.is_submitted() else 200


@bp.post("/sessions/<int(max=2147483647):session_id>/end")
@fresh_login_required
def end_one(session_id: int) -> ResponseReturnValue:
    """Log one device out."""
    row = db.session.get(UserSession, session_id)
    if row is None or row.user_id != current_user.id:  # another member's session does not exist, for you
        abort(404)
    row.end()
    db.session.commit()
    flash("That device is logged out.")
    return redirect(url_for("account.index"))


@bp.post("/sessions/end-others")
@fresh_login_required
def end_others() -> ResponseReturnValue:
    """Log out every device but this one."""
    current_user.end_sessions(keep=current_user.current_session)
    db.session.commit()
    flash("Every other device is logged out.")
    return redirect(url_for("account.index"))
