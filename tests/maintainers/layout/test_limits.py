"""Limits that take too many requests to reach for the suites that a learner waits
for."""

import pytest

from tests.support.harness import HOST, PASSWORD, STEPS, Step, Visitor, init_db


@pytest.mark.asvs("2.4.1")
@pytest.mark.parametrize("step", [STEPS[5], STEPS[6]], ids=lambda step: step.name)
def test_one_place_cannot_log_in_more_than_600_times_an_hour(step: Step) -> None:
    """The right password costs a slow hash too: without a limit, one account is enough
    to keep the server busy.
    """
    app = step.create_app()
    init_db(app)
    Visitor(app).sign_up()
    fields = {"email": "ada@example.com", "password": PASSWORD}
    origin = {"Origin": f"https://{HOST}"}

    statuses = [
        Visitor(app)
        .post("/login", fields, headers=origin, expect_errors=True)
        .status_code
        for _ in range(601)
    ]

    assert statuses == [302] * 600 + [429]


@pytest.mark.parametrize("step", [STEPS[5], STEPS[6]], ids=lambda step: step.name)
def test_a_guesser_who_is_refused_shuts_nobody_else_out(step: Step) -> None:
    """A stuck script behind the same address sends hundreds of wrong passwords in
    seconds; they cost no hash.
    """
    app = step.create_app()
    init_db(app)
    member = Visitor(app)
    member.sign_up()
    robot = Visitor(app)
    page = robot.get("/login")
    statuses = {
        robot.log_in("eve@example.com", "wrong", page=page).status_code
        for _ in range(620)
    }

    member.log_in()

    assert statuses == {422, 429}
    assert member.logged_in


@pytest.mark.parametrize("step", [STEPS[5], STEPS[6]], ids=lambda step: step.name)
def test_without_an_address_a_log_in_that_works_starts_the_count_anew(
    step: Step,
) -> None:
    """Behind a socket file too, logging in and out all day is no attack."""
    app = step.create_app()
    init_db(app)
    member = Visitor(app, ip="")
    member.sign_up()

    for _ in range(101):
        assert member.log_in().status_code == 302
        member.log_out()
