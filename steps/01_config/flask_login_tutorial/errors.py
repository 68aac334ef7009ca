"""One page for every error: what happened, in plain words, and nothing internal."""

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, LengthRequired, SecurityError

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
LOGGED = (400, 403, 404, 411, 413, 415, 429)  # an attack shows in these


def init_app(app: Flask) -> None:
    """Answer every error of this app with our page."""
    app.before_request(refuse_unknown_length)
    app.register_error_handler(HTTPException, error_page)


def error_page(error: HTTPException) -> Response:
    """Return the page for this error, with the error's own status and headers."""
    response = current_app.make_response(error.get_response())
    status = response.status_code
    if status in LOGGED:
        log_refusal(error, status)
    # Not render_template: it may ask the database for the user, and that may be what
    # failed.
    page = current_app.jinja_env.get_template("error.html")
    response.set_data(page.render(code=status, words=words_for(error, status)))
    response.content_type = "text/html; charset=utf-8"
    return response


def words_for(error: HTTPException, status: int) -> str:
    """Return what to tell the visitor."""
    if isinstance(error, SecurityError):
        return WRONG_HOST
    return WORDS.get(status, "That did not work.")


def log_refusal(error: HTTPException, status: int) -> None:
    """Log who asked for what, and why it was refused."""
    reason = ""
    if isinstance(error, SecurityError):
        reason = f" (the host {request.environ.get('HTTP_HOST')!r} is not trusted)"
    current_app.logger.warning(
        "%r from %s got a %s%s", request.path, request.remote_addr, status, reason
    )


def refuse_unknown_length() -> None:
    """Refuse a body of unknown length: MAX_CONTENT_LENGTH would only cut it off."""
    if "Transfer-Encoding" in request.headers:
        raise LengthRequired
