"""Security headers for every response."""

from flask import Flask, Response, current_app, request

CONTENT_SECURITY_POLICY = {
    # Our stylesheet, images and forms; no script at all.
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",  # no <base> that sends our forms elsewhere
    "frame-ancestors": "'none'",  # prevents clickjacking
}

HEADERS = {
    "X-Content-Type-Options": "nosniff",  # prevents MIME sniffing
    "Referrer-Policy": "same-origin",  # other sites do not learn our addresses
    "Cross-Origin-Opener-Policy": "same-origin",  # who opened our page cannot steer it
    "Cross-Origin-Resource-Policy": "same-origin",  # other sites cannot embed our files
}

# Prevents SSL stripping. Two years in seconds. Browsers then refuse plain HTTP for this
# host and every host below it: shorten it before you first go live, if some of those
# have no HTTPS.
HSTS = "max-age=63072000; includeSubDomains"


def init_app(app: Flask) -> None:
    """Put the headers on every response, error pages too."""
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add the headers."""
    directives = [f"{name} {value}" for name, value in CONTENT_SECURITY_POLICY.items()]
    response.headers["Content-Security-Policy"] = "; ".join(directives)
    response.headers.update(HEADERS)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers["Strict-Transport-Security"] = HSTS
    if request.endpoint != "static":
        response.headers["Cache-Control"] = (
            "no-store"  # Back shows nothing after log-out
        )
    return response
