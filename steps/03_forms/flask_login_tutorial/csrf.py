"""Protection against cross-site request forgery (CSRF): forms sent by other sites."""

from flask import abort, current_app, g, request
from flask_wtf import CSRFProtect


class OriginOrTokenProtect(CSRFProtect):
    """Accept what our own pages send; check Flask-WTF's token where that is not sure.

    A token goes bad when the session is renewed in another tab, or the key is changed.
    A browser's Origin header does not, and another site cannot forge it.
    https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
    """

    def protect(self, apply_exemptions: bool = False) -> None:
        """Refuse this request with a 400 unless it comes from one of our pages."""
        if None in request.form:
            abort(400)  # a part of the body without a name: Flask-WTF fails on it
        if sent_by_our_own_page():
            g.csrf_valid = True  # tells FlaskForm not to check the token again
        else:
            super().protect(apply_exemptions=apply_exemptions)


def sent_by_our_own_page() -> bool:
    """Return True if the browser says that a page of this very site sends this."""
    scheme = request.scheme
    if current_app.config["SESSION_COOKIE_SECURE"]:
        scheme = "https"  # whatever the proxy says: our pages work over HTTPS alone
    own_origin = f"{scheme}://{request.host}"
    return request.headers.get("Origin") == own_origin


csrf = OriginOrTokenProtect()
