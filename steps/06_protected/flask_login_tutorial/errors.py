"""One page for every error: what happened, in plain words, and nothing about our insides."""

from contextlib import suppress

from flask import Flask, Response, current_app, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from .models import db

WORDS = {
    400: "The server did not understand that request.",
    404: "There is no page at this address.",
    405: "This address exists, but not for that kind of request.",
    413: "That was more than this site accepts in one go (64 KiB).",
    429: "Too many attempts. Wait a little, then try again.",
    500: "Something broke on our side. It has been written to the log.",
    503: "Part of this site is not answering just now. Nothing was changed. Please try again in a minute.",
}
EXPIRED = "This form has expired. Nothing was changed. Go back, reload the page, and send it again."


def init_app(app: Flask) -> None:
    """Answer every error of this app with our page."""
    app.register_error_handler(HTTPException, error_page)
    app.after_request(let_go_of_the_database)
    for error in (OperationalError, InterfaceError, ProgrammingError, PoolTimeoutError):
        app.register_error_handler(error, database_down)


def error_page(error: HTTPException) -> Response:
    """The page for this error, with the error's own status and headers."""
    response = current_app.make_response(error.get_response())
    words = EXPIRED if isinstance(error, CSRFError) else WORDS.get(response.status_code, "That did not work.")
    if response.status_code in (400, 404, 413, 429):  # what an attack looks like while it goes on
        current_app.logger.warning("%r from %s got a %s", request.path, request.remote_addr, response.status_code)
    # Not render_template: it may ask the database for the user, and the database may be what failed.
    page = current_app.jinja_env.get_template("error.html")
    response.set_data(page.render(code=response.status_code, words=words))
    response.content_type = "text/html; charset=utf-8"
    return response


def let_go_of_the_database(response: Response) -> Response:
    """Give the connection back while we can still answer: if that fails later, the finished page is lost."""
    with suppress(DBAPIError):
        db.session.close()
    return response


def database_down(error: Exception) -> Response:
    """503, and a line for whoever runs the app. Missing tables end up here too."""
    current_app.logger.error("The database failed (has `flask init-db` been run?): %s", error)
    return error_page(ServiceUnavailable(retry_after=60))
