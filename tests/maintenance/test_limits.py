"""A limit that takes too many requests to reach for the suites that a learner waits for."""

import pytest
from harness import HOST, PASSWORD, STEPS, Step, Visitor, init_db


@pytest.mark.asvs("2.4.1")
@pytest.mark.parametrize("step", [STEPS[5], STEPS[6]], ids=lambda step: step.name)
def test_one_place_cannot_log_in_more_than_600_times_an_hour(step: Step) -> None:
    """The right password costs a slow hash too: without a limit, one account is enough to keep the server busy."""
    app = step.create_app()
    init_db(app)
    Visitor(app).sign_up()
    fields = {"email": "ada@example.com", "password": PASSWORD}
    origin = {"Origin": f"https://{HOST}"}

    statuses = [Visitor(app).post("/login", fields, headers=origin, expect_errors=True).status_code for _ in range(601)]

    assert statuses == [302] * 600 + [429]
