"""Suite 04: one visitor cannot sign up for ever."""

from collections.abc import Callable

import pytest
from checks import assert_error_page
from harness import Visitor
from webtest.response import TestResponse

Knock = Callable[[str], TestResponse]


@pytest.fixture
def knock(visitor: Visitor) -> Knock:
    """Send the sign-up form, with nothing filled in, from this IP address."""
    token = visitor.get("/signup").html.find("input", {"name": "csrf_token"})["value"]

    def send(ip: str) -> TestResponse:
        return visitor.post("/signup", {"csrf_token": token}, extra_environ={"REMOTE_ADDR": ip}, expect_errors=True)

    return send


@pytest.mark.asvs("2.4.1")
def test_after_thirty_sign_ups_in_an_hour_a_visitor_has_to_wait(knock: Knock) -> None:
    """Each one costs us a slow hash, and tells whether an address has an account: nobody needs thousands of them."""
    before = {knock("192.0.2.1").status_code for _ in range(30)}

    answer = knock("192.0.2.1")

    assert before == {422}
    assert_error_page(answer, 429)
    assert 0 < int(answer.headers.get("Retry-After", 0)) <= 3600


def test_one_visitors_sign_ups_do_not_keep_others_out(knock: Knock) -> None:
    """A limit for all visitors together is a switch with which anybody can close the site."""
    for _ in range(31):
        knock("192.0.2.1")

    assert knock("192.0.2.2").status_code == 422


def test_the_ipv6_addresses_of_one_household_count_as_one(knock: Knock) -> None:
    """Every home has 18 quintillion of them. Counted one by one, a limit per address is none."""
    for number in range(30):
        knock(f"2001:db8:0:1::{number + 1:x}")

    assert knock("2001:db8:0:1:ffff::1").status_code == 429
    assert knock("2001:db8:0:2::1").status_code == 422
