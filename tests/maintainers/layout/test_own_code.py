"""What the suites cannot ask of everybody's app: functions and macros of our steps."""

from collections.abc import Iterator

import pytest
from flask import Flask
from wtforms import BooleanField, Form
from wtforms.validators import InputRequired

from tests.support.harness import STEPS, Step, close


@pytest.fixture(params=list(STEPS.values())[2:], ids=lambda step: step.name)
def app(request: pytest.FixtureRequest) -> Iterator[Flask]:
    """Each step's app that has forms."""
    app = request.param.create_app()
    yield app
    close(app)


class ConsentForm(Form):
    """A form with a box that has to be ticked."""

    accept = BooleanField("I accept the terms", validators=[InputRequired()])


def test_a_box_that_was_not_ticked_says_so(app: Flask) -> None:
    """Who adds one to a form uses the same macro: in silence, nobody could sign up."""
    form = ConsentForm()
    form.validate()
    with app.test_request_context():
        draw = app.jinja_env.get_template("macros.html").module.field
        html = draw(form.accept, hint="See below.")

    assert "This field is required." in html
    assert 'aria-describedby="accept-hint accept-errors"' in html
    assert 'aria-invalid="true"' in html
    assert html.index("<input") < html.index("<label")


@pytest.mark.parametrize("step", list(STEPS.values())[1:], ids=lambda step: step.name)
def test_only_the_drivers_that_were_tried_are_given_options(step: Step) -> None:
    """Another driver of PostgreSQL does not know them, and every page would fail."""
    options = step.module.config.engine_options

    tried = options("postgresql+psycopg://owner@localhost/site")
    another = options("postgresql+asyncpg://owner@localhost/site")

    assert tried["connect_args"]["connect_timeout"] == 5
    assert another["connect_args"] == {}
