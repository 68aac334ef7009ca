"""What the tests of the forms share."""

import itertools
from collections.abc import Callable

import pytest
from webtest.response import TestResponse

from tests.support.checks import assert_marked
from tests.support.harness import PASSWORD, Visitor


@pytest.fixture
def sign_up(visitor: Visitor) -> Callable[..., TestResponse]:
    """Send the sign-up form filled in well, but for what is given; each time with a new
    address.
    """
    page = visitor.get("/signup")
    numbers = itertools.count()

    def send(password: str = PASSWORD, **fields: str) -> TestResponse:
        valid = {
            "name": "Ada",
            "email": f"member{next(numbers)}@example.com",
            "website": "",
            "password": password,
            "confirm": password,
        }
        return visitor.submit(page, {**valid, **fields})

    return send


@pytest.fixture
def assert_details(sign_up: Callable[..., TestResponse]) -> Callable[..., None]:
    """Check which of name, email and website the sign-up form marks:
    `assert_details({"name"}, name="")`.

    Sent without a password: nothing gets stored, and no time goes into judging one.
    """

    def check(expected: set[str], **fields: str) -> None:
        __tracebackhide__ = True
        answer = sign_up(password="", **fields)
        assert_marked(answer, expected, ignored=frozenset({"password", "confirm"}))

    return check
