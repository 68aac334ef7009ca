"""What every answer tells the browser not to do."""

from flask import Response, current_app, request

HEADERS = {
    # Our stylesheet and our forms; no script, no frame around us, and no <base> that sends the forms elsewhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",  # a file is what its Content-Type says
    "Referrer-Policy": "same-origin",  # other sites do not learn which of our pages a member came from
    "Cross-Origin-Opener-Policy": "same-origin",  # a page that opened ours in a window cannot steer it
    "Cross-Origin-Resource-Policy": "same-origin",
}


def add_headers(response: Response) -> Response:
    """Put them on everything, error pages too; two of them depend on the request or the settings."""
    response.headers.update(HEADERS)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"  # seconds: two years
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"  # after the log-out, Back shows nothing
    return response
