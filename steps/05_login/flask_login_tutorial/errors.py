"""One page for every error: what happened, in plain words, and nothing internal."""

from contextlib import suppress

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import (
    HTTPException,
    LengthRequired,
    SecurityError,
    ServiceUnavailable,
)

from .database import DATABASE_ERRORS, db, explain_database_error

WORDS = {
    400: "The server did not understand that request.",
    403: "You are not allowed to do that.",
    404: "There is no page at this address, or there is none any more.",
    405: "This address exists, but not for that kind of request.",
    411: "This site accepts only requests that say how long they are.",
    413: "That was more than this site accepts in one go (64 KiB).",
    415: "This address accepts only what its own form sends.",
    429: "Too many attempts. Wait a little, then try again.",
    500: "Something broke on our side. It has been written to the log.",
    503: "Part of this site is not answering just now. Please try again in a minute.",
}
WRONG_HOST = "This site does not answer to that name. Check the address."
NOT_OUR_FORM = (
    "This form was open for too long, or another site has sent it. Nothing was "
    "changed. Open the page again, and send it once more."
)
LOGGED = (400, 403, 404, 411, 413, 415, 429)  # an attack shows in these


def init_app(app: Flask) -> None:
    """Answer every error of this app with our page."""
    app.before_request(refuse_unknown_length)
    app.after_request(release_database_connection)
    app.register_error_handler(HTTPException, error_page)
    for error in DATABASE_ERRORS:
        app.register_error_handler(error, handle_database_error)


def error_page(error: HTTPException) -> Response:
    """Return the page for this error, with the error's own status and headers."""
    response = current_app.make_response(error.get_response())
    status = response.status_code
    if status in LOGGED:
        log_refusal(error, status)
    # Not render_template: it may ask the database for the user, and that may be what
    # failed.
    page = current_app.jinja_env.get_template("error.html")
    response.set_data(
        page.render(
            code=status,
            words=words_for(error, status),
            reopen=page_to_reopen(error),
        )
    )
    response.content_type = "text/html; charset=utf-8"
    return response


def words_for(error: HTTPException, status: int) -> str:
    """Return what to tell the visitor."""
    if isinstance(error, CSRFError):
        return NOT_OUR_FORM
    if isinstance(error, SecurityError):
        return WRONG_HOST
    return WORDS.get(status, "That did not work.")


def page_to_reopen(error: HTTPException) -> str | None:
    """Return the address of the form that was refused, if it can be opened again."""
    if not isinstance(error, CSRFError) or "GET" not in request.url_rule.methods:
        return None
    return request.script_root + request.full_path.removesuffix("?")


def log_refusal(error: HTTPException, status: int) -> None:
    """Log who asked for what, and why it was refused."""
    reason = ""
    if isinstance(error, CSRFError):
        reason = f" ({error.description})"
    if isinstance(error, SecurityError):
        reason = f" (the host {request.environ.get('HTTP_HOST')!r} is not trusted)"
    current_app.logger.warning(
        "%r from %s got a %s%s", request.path, request.remote_addr, status, reason
    )


def refuse_unknown_length() -> None:
    """Refuse a body of unknown length: MAX_CONTENT_LENGTH would only cut it off."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired


def release_database_connection(response: Response) -> Response:
    """Return the connection to the pool before the response is sent.

    If that failed later, the visitor would get an error in place of the finished page.
    A streamed page may still need the connection.
    """
    if not response.is_streamed:
        with suppress(SQLAlchemyError):
            db.session.close()
    return response


def handle_database_error(error: SQLAlchemyError) -> Response:
    """Answer 503 if the database is away; an error in the code stays a 500."""
    explanation = explain_database_error(error)
    if explanation is None:
        raise error
    current_app.logger.error("%r got a 503: %s", request.path, explanation)
    return error_page(ServiceUnavailable(retry_after=60))
