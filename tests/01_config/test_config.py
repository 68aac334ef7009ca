"""Suite 01: the app starts only when its settings are safe, and its error pages leak nothing."""

import pytest
from harness import Step


def refusal(step: Step, **config: object) -> str:
    """What the app says when it refuses to start."""
    with pytest.raises(Exception, match="SECRET_KEY") as refused:
        step.create_app(**config)
    return str(refused.value)


@pytest.mark.parametrize("key", ["", None])
def test_without_a_key_the_app_does_not_start(step: Step, key: object) -> None:
    """A key that is silently None gives a 500 on the first page that needs the session."""
    message = refusal(step, SECRET_KEY=key)

    assert "token_hex" in message, "the message should hold the command that makes a key"
