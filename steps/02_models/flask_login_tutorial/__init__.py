"""Step 02: accounts, with passwords that are hashed so that a stolen database is hard work."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import commands, errors, routes
from .config import load_config
from .models import db


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app. What `config` holds wins over the environment; raises ConfigError if a setting is unsafe."""
    app = Flask(__name__)
    app.logger.setLevel("INFO")
    app.config.from_mapping(load_config(config or {}))
    if hops := app.config["PROXY_COUNT"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    db.init_app(app)
    errors.init_app(app)
    app.register_blueprint(routes.bp)
    app.register_blueprint(commands.bp)
    return app
