"""Step 03: forms that check what was typed, and take nothing from other sites."""

import time
from collections.abc import Mapping

from flask import Flask
from flask.logging import default_handler
from werkzeug.middleware.proxy_fix import ProxyFix

from . import auth, commands, errors, routes
from .config import load_config
from .cookies import SessionInterface
from .csrf import csrf
from .database import db


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Make the app.

    What `config` holds wins over the environment. Raises ConfigError if a setting is
    missing or unsafe.
    """
    app = Flask(__name__)
    app.config.from_mapping(load_config(config or {}))
    app.session_interface = SessionInterface()
    set_up_log(app)
    trust_proxies(app, app.config["PROXY_COUNT"])
    errors.init_app(app)
    db.init_app(app)
    csrf.init_app(app)
    app.register_blueprint(routes.bp)
    app.register_blueprint(auth.bp)
    app.register_blueprint(commands.bp)
    return app


def set_up_log(app: Flask) -> None:
    """Log in UTC, and log what goes well too: who got in matters after an attack."""
    app.logger.setLevel("INFO")
    formatter = default_handler.formatter
    formatter.converter = time.gmtime
    formatter.default_msec_format = "%s.%03dZ"


def trust_proxies(app: Flask, count: int) -> None:
    """Believe the X-Forwarded headers of that many proxies, and of nobody else."""
    if count > 0:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)
