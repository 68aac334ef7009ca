"""What the tests of the accounts share."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.harness import Step


@pytest.fixture
def store(step: Step, app: Flask) -> Callable[..., Any]:
    """Store accounts with these addresses; gives the last one."""
    models = step.module.models

    def add(*emails: str) -> Any:
        with app.app_context():
            for email in emails:
                user = step.new_user(
                    email=email, password_hash="pbkdf2:sha256:1$salt$0123"
                )
                models.db.session.add(user)
            models.db.session.commit()
            models.db.session.refresh(
                user
            )  # a commit may have expired it, and outside of the session it cannot load
            return user

    return add
