"""How the session cookie is signed."""

import hashlib

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer


class UndatedSigner(TimestampSigner):
    """Checks the signature of a cookie, but not its date.

    Otherwise a cookie from an app server whose clock is a second fast comes "from the
    future" for another server, and its owner is logged out. How old a log-in may be is
    decided by its row in the database (from step 05 on).
    """

    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, **options: bool
    ) -> object:
        """Return the signed value; raises BadSignature."""
        del max_age  # ignored: Flask asks for its PERMANENT_SESSION_LIFETIME here
        return super().unsign(signed_value, max_age=None, **options)


class SessionInterface(SecureCookieSessionInterface):
    """Flask's session in a signed cookie. Signs with SHA-256; Flask's own is SHA-1."""

    digest_method = staticmethod(hashlib.sha256)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return Flask's serializer, with the signer above."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = UndatedSigner
        return serializer
