"""A limit that takes too many requests to reach for the suites that a learner waits for."""

import pytest
from harness import PASSWORD, STEPS, Step, Visitor, init_db


@pytest.mark.asvs("2.4.1")
@pytest.mark.parametrize("step", [STEPS[5], STEPS[6]], ids=lambda step: step.name)
def test_one_place_cannot_log_in_more_than_600_times_an_hour(step: Step) -> None:
    """The right password costs a slow hash too: without a limit, one account is enough to keep the server busy."""
    app = step.create_app()
    init_db(app)
    member = Visitor(app)
    member.sign_up()
    member.log_in()
    token = member.get("/").forms[0]["csrf_token"].value
    fields = {"email": "ada@example.com", "password": PASSWORD, "csrf_token": token}

    statuses = [member.post("/login", fields, expect_errors=True).status_code for _ in range(600)]

    assert statuses == [302] * 599 + [429]
