"""An empty factory: it runs, and answers every address with 404."""

from collections.abc import Mapping
from typing import Any

from flask import Flask


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Make the app. What `config` holds wins over everything else."""
    app = Flask(__name__)
    app.config.from_mapping(config or {})
    return app
