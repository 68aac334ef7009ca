"""Step 01: an app that starts only when its settings are safe, and whose error pages leak nothing."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import errors, routes
from .config import load_config


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app. What `config` holds wins over the environment; raises ConfigError if a setting is unsafe."""
    app = Flask(__name__)
    app.logger.setLevel("INFO")
    app.config.from_mapping(load_config(config or {}))
    if hops := app.config["PROXY_COUNT"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    errors.init_app(app)
    app.register_blueprint(routes.bp)
    return app
