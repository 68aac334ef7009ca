"""How hard the fuzzers try.

In CI every run tries the same examples, few enough for a minute. To look further, with new ones each time:

    FUZZ=20000 pytest tests/proof/fuzz
    FUZZ=2000 FUZZ_STEP=5 pytest tests/proof/fuzz --database-uri postgresql+psycopg://...

FUZZ is the number of examples for each test (the machine of visitors plays a tenth as many rounds), FUZZ_STEP the step
(6 if it is not given; 5 is the first one that has log-ins), and the database an empty one.
"""

import os

import pytest
from harness import STEPS, Step
from hypothesis import HealthCheck, Phase, settings
from proof.fuzz.world import World

EXAMPLES = int(os.environ.get("FUZZ", "0"))

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("long", settings.get_profile("ci"), derandomize=False, max_examples=EXAMPLES or 1)
settings.load_profile("long" if EXAMPLES else "ci")


@pytest.fixture(scope="session")
def step() -> Step:
    """The step to attack."""
    return STEPS[int(os.environ.get("FUZZ_STEP", "6"))]


@pytest.fixture(scope="session")
def fuzz_database(request: pytest.FixtureRequest) -> str:
    """SQLite in memory, or the database given."""
    return request.config.getoption("--database-uri")


@pytest.fixture(scope="module")
def world(step: Step, fuzz_database: str) -> World:
    """The app under attack, as a real site would set it up."""
    return World.make(step, fuzz_database)
