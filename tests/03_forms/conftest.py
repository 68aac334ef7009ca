"""What the tests of the forms share."""

import itertools
from collections.abc import Callable

import pytest
from webtest.response import TestResponse

from tests.support.checks import faults
from tests.support.harness import PASSWORD, Visitor


@pytest.fixture
def sign_up(visitor: Visitor) -> Callable[..., TestResponse]:
    """Send the sign-up form filled in well, but for what is given; each time with a new address."""
    page, numbers = visitor.get("/signup"), itertools.count()

    def send(**fields: str) -> TestResponse:
        well = {"name": "Ada", "email": f"member{next(numbers)}@example.com", "website": ""}
        passwords = {"password": fields.get("password", PASSWORD), "confirm": fields.get("password", PASSWORD)}
        return visitor.submit(page, {**well, **passwords, **fields})

    return send


@pytest.fixture
def faults_of(sign_up: Callable[..., TestResponse]) -> Callable[..., set[str]]:
    """Which of name, email and website the sign-up form finds fault with, if they are given so.

    Sent without a password: nothing gets stored, and no time goes into judging one.
    """
    return lambda **fields: faults(sign_up(password="", **fields)) - {"password", "confirm"}
