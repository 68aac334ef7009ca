"""Step 03: forms that say what is wrong, and take nothing from a page that is not ours."""

import hashlib
import time
from collections.abc import Mapping

from flask import Flask
from flask.logging import default_handler
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from . import auth, commands, errors, routes
from .config import load_config
from .models import db


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Make the app. What `config` holds wins over the environment; raises ConfigError if a setting is unsafe."""
    app = Flask(__name__)
    app.logger.setLevel("INFO")  # what goes well too: who gets in matters as much as who does not
    default_handler.formatter.converter, default_handler.formatter.default_msec_format = time.gmtime, "%s.%03dZ"  # UTC
    app.config.from_mapping(load_config(config or {}))
    app.session_interface = type(app.session_interface)()  # one of our own: Flask shares one among all apps
    app.session_interface.digest_method = hashlib.sha256  # signs the cookie; Flask's own choice is SHA-1
    if hops := app.config["PROXY_COUNT"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    db.init_app(app)
    CSRFProtect(app)  # every POST, whether it comes from a form class or not
    errors.init_app(app)
    app.register_blueprint(routes.bp)
    app.register_blueprint(auth.bp)
    app.register_blueprint(commands.bp)
    return app
