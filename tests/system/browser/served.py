"""A step behind a real web server on this machine, for a real browser to visit."""

import base64
import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, generate_adhoc_ssl_pair, make_server

from tests.support.harness import HOST, Step, init_db


class QuietHandler(WSGIRequestHandler):
    """Keeps connections open, as real servers do, and logs no request."""

    protocol_version = "HTTP/1.1"

    def log(self, *_arguments: Any) -> None:
        """Say nothing: the test says what went wrong."""


@dataclass(frozen=True)
class Certificate:
    """A certificate for HOST that this run has made for itself."""

    context: ssl.SSLContext
    fingerprint: str  # of its public key, as Chromium wants to be told whom to trust

    @classmethod
    def make(cls, folder: Path) -> "Certificate":
        """Make one, and keep it in `folder`."""
        certificate, key = generate_adhoc_ssl_pair(HOST)
        pem = key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        path = folder / "host.pem"
        path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        public = key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return cls(context, base64.b64encode(hashlib.sha256(public).digest()).decode())


@dataclass(frozen=True)
class Site:
    """A running step and where it answers."""

    step: Step
    app: Flask
    url: str


@contextmanager
def listening(app: Callable, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve a WSGI app on a free port of this machine; gives the port, and stops at the
    end.
    """
    server = make_server(
        "127.0.0.1",
        0,
        app,
        threaded=True,
        request_handler=QuietHandler,
        ssl_context=tls,
    )
    server.daemon_threads, server.block_on_close = (
        True,
        False,
    )  # a browser may keep a connection open for long
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(
    step: Step, folder: Path, tls: Certificate | None = None, **config: Any
) -> Iterator[Site]:
    """Make the step's app with a database in `folder`, and serve it; over TLS with
    cookies that are Secure.
    """
    host = HOST if tls else "127.0.0.1"
    app = step.create_app(
        **{
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / step.name}.db",
            "SESSION_COOKIE_SECURE": bool(tls),
            "TRUSTED_HOSTS": [host],
            **config,
        }
    )
    if step.number > 1:
        init_db(app)
    with listening(app, tls.context if tls else None) as port:
        yield Site(step, app, f"{'https' if tls else 'http'}://{host}:{port}")
    if step.number > 1:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
