"""How hard the fuzzers try.

In CI every run tries the same examples, few enough for a minute. To look further, with
new ones each time:

    FUZZ=20000 pytest tests/system/fuzz
    FUZZ=2000 pytest tests/system/fuzz --database-uri postgresql+psycopg://...
    FUZZ=2000 FUZZ_STEP=5 pytest tests/system/fuzz -k "not asked_for"

FUZZ is the number of examples for each test (the visitors of test_visitors.py play two
thirds as many rounds); the database is an empty one. FUZZ_STEP is 6 or 5: the earlier
steps have no log-in, and in 5 no page needs one.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.support.harness import STEPS, Step, close
from tests.system.fuzz.world import World

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
settings.register_profile(
    "long", settings.get_profile("ci"), derandomize=False, max_examples=EXAMPLES or 1
)
settings.load_profile("long" if EXAMPLES else "ci")


@pytest.fixture(scope="session")
def step() -> Step:
    """The step to attack."""
    return STEPS[int(os.environ.get("FUZZ_STEP", "6"))]


@pytest.fixture(scope="session")
def fuzz_database(request: pytest.FixtureRequest) -> str:
    """SQLite in memory, or the database given."""
    return request.config.getoption("--database-uri")


@pytest.fixture(autouse=True)
def every_app_is_closed() -> None:
    """Not here: the world lives longer than a test, and its app is closed with it."""


@pytest.fixture(scope="module")
def world(step: Step, fuzz_database: str) -> Iterator[World]:
    """The app under attack, as a real site would set it up."""
    world = World.make(step, fuzz_database)
    yield world
    close(world.app)
