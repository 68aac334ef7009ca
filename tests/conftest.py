"""Which tests run against which app, and the apps and visitors they get."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from tests.support.harness import (
    OPEN_APPS,
    PASSWORD,
    ROOT,
    STEPS,
    Step,
    Visitor,
    WrongDatabaseError,
    close,
    init_db,
    query,
    try_to_empty,
)

if TYPE_CHECKING:
    from tests.support.tables import Tables

# Leave no __pycache__ in the steps: it would show in their diffs.
sys.dont_write_bytecode = True


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the workbook's own options."""
    group = parser.getgroup("workbook")
    group.addoption(
        "--step",
        help="run the suites up to this step against it: 04 or 04_signup; 04.2: those "
        "of the steps before, and what step 04 does after its second lesson",
    )
    group.addoption(
        "--app",
        help="with --step: the folder of somebody's own version; write it --app=DIR, in one word",
    )
    group.addoption(
        "--database-uri",
        default="sqlite://",
        help="an empty database to run in, instead of SQLite",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read --step and --app, and raise UsageError if one of them is wrong."""
    word = config.getoption("--step") or ""
    folder = config.getoption("--app")
    config.workbook_step = None
    config.workbook_tests = None  # of the step's own suite; None: all of them
    if not word and folder:
        raise pytest.UsageError(
            "--app needs --step: which step's suites should judge that folder?"
        )
    if "." in word:
        choose_lesson(config, word)
    elif word:
        config.workbook_step = find_step(word)
    if not folder:
        return
    path = Path(folder).resolve()
    if not (path / "flask_login_tutorial" / "__init__.py").is_file():
        raise pytest.UsageError(
            f"{path} is no step: it holds no flask_login_tutorial/__init__.py"
        )
    STEPS[config.workbook_step] = Step(config.workbook_step, path)


def choose_lesson(config: pytest.Config, word: str) -> None:
    """Judge the app after a lesson by the behaviours of the lessons up to it.

    Raises UsageError if there is no such lesson, or if its chapter is stale.
    """
    # Imported only here: a run without lessons needs nothing of the tool.
    from workbook.lessons import (
        State,
        WorkbookError,
        behaviours_of,
        find_lesson,
        state_folder,
    )

    try:
        lesson = find_lesson(word)
        folder = config.getoption("--app")
        path = (
            Path(folder) if folder else state_folder(State(lesson.step, lesson.number))
        )
    except WorkbookError as error:
        raise pytest.UsageError(str(error)) from None
    number = int(lesson.step[:2])
    config.workbook_step = number
    STEPS[number] = Step(number, path)
    config.workbook_tests = set()
    for of_lesson, tests in behaviours_of(lesson.step).items():
        if of_lesson <= lesson.number:
            config.workbook_tests.update(tests)


def find_step(name: str) -> int:
    """The number of the step called 4, 04 or 04_signup.

    Raises UsageError if there is none.
    """
    for number, step in STEPS.items():
        if name in (str(number), f"{number:02}", step.name):
            return number
    steps = ", ".join(step.name for step in STEPS.values())
    raise pytest.UsageError(f"There is no step {name}. The steps: {steps}")


def suite_number(path: Path) -> int | None:
    """The step a test file belongs to; None for the tests of the workbook itself."""
    folder = path.relative_to(ROOT / "tests").parts[0]
    return int(folder[:2]) if folder[:2].isdecimal() else None


def has_tests_for(path: Path, step_number: int) -> bool:
    """Whether this file is in the suite of that step, or of an earlier one."""
    suite = suite_number(path)
    return suite is not None and suite <= step_number


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --step, ignore the files without tests for that step: they may need packages
    that are not installed. None leaves the decision to pytest.
    """
    if config.workbook_step is None or collection_path.suffix != ".py":
        return None
    if has_tests_for(collection_path, config.workbook_step):
        return None
    return True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a suite against that step and every later one.

    With --step, against the step named there alone.
    """
    suite = suite_number(metafunc.definition.path)
    if suite is None or "step" not in metafunc.fixturenames:
        return
    steps = steps_of_test(metafunc.definition, suite)
    if metafunc.config.workbook_step is not None:
        steps = [step for step in steps if step.number == metafunc.config.workbook_step]
    metafunc.parametrize(
        "step", steps, ids=[step.name for step in steps], scope="session"
    )


def steps_of_test(test: pytest.Function, suite: int) -> list[Step]:
    """The steps that a test of this suite is written for.

    All from the suite's own step on, unless @pytest.mark.steps(first, last) names others.
    """
    first = suite
    last = max(STEPS)
    marker = test.get_closest_marker("steps")
    if marker:
        first, last = marker.args
    return [STEPS[number] for number in range(first, last + 1)]


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """With --step, keep what judges that step, or that lesson, alone."""
    if config.workbook_step is None:
        return
    selected = [item for item in items if judges_the_step(item)]
    deselected = [item for item in items if not judges_the_step(item)]
    config.hook.pytest_deselected(items=deselected)
    items[:] = selected


def judges_the_step(item: pytest.Item) -> bool:
    """Return whether a test runs against the step, or the lesson, named by --step."""
    step = STEPS[item.config.workbook_step]
    if step_of(item) is not step:
        return False
    tests = item.config.workbook_tests
    is_own_suite = suite_number(item.path) == step.number
    return tests is None or not is_own_suite or item.originalname in tests


def step_of(item: pytest.Item) -> Step | None:
    """The step that a collected test runs against; None if it asks for none."""
    if not hasattr(item, "callspec"):
        return None
    return item.callspec.params.get("step")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop before the first test if the app would run on another database than it is
    given.
    """
    if session.config.workbook_step is None or not session.items:
        return
    step = STEPS[session.config.workbook_step]
    try:
        close(
            step.create_app(
                SQLALCHEMY_DATABASE_URI=session.config.getoption("--database-uri")
            )
        )
    except WrongDatabaseError as error:
        pytest.exit(str(error), returncode=1)
    except (Exception, SystemExit):  # an app that does not start: the tests say so
        return


@pytest.fixture(autouse=True)
def every_app_is_closed(kept: dict[Step, Flask]) -> Iterator[None]:
    """Close what a test has made, but for the apps that are kept from test to test."""
    yield
    for app in list(OPEN_APPS):
        if not any(app is each for each in kept.values()):
            close(app)


@pytest.fixture(scope="session")
def database_uri(request: pytest.FixtureRequest) -> str:
    """The database given with --database-uri; SQLite in memory otherwise."""
    return request.config.getoption("--database-uri")


@pytest.fixture
def make_app(
    step: Step, database_uri: str, tables: "Tables | None"
) -> Callable[..., Flask]:
    """Make the step's app with the settings given, its tables made and empty."""
    if tables:
        tables.empty(step)

    def make(**config: Any) -> Flask:
        app = step.create_app(**{"SQLALCHEMY_DATABASE_URI": database_uri, **config})
        if step.number > 1:
            init_db(app)
        return app

    return make


@pytest.fixture(scope="session")
def tables(database_uri: str) -> "Iterator[Tables | None]":
    """What empties the database given with --database-uri; nothing is needed for SQLite
    in memory.
    """
    if database_uri.startswith("sqlite"):
        yield None
        return
    # Not at the top: step 01 has no database, and its suite should not wait for
    # SQLAlchemy.
    from tests.support.tables import Tables

    tables = Tables(database_uri)
    yield tables
    tables.engine.dispose()


@pytest.fixture
def own_app(make_app: Callable[..., Flask]) -> Flask:
    """An app for one test alone, to add pages to."""
    return make_app()


@pytest.fixture(scope="session")
def kept() -> Iterator[dict[Step, Flask]]:
    """The app of each step, kept from test to test: to make one takes longer than most
    tests.
    """
    kept: dict[Step, Flask] = {}
    yield kept
    for app in kept.values():
        close(app)


@pytest.fixture
def app(
    step: Step, database_uri: str, tables: "Tables | None", kept: dict[Step, Flask]
) -> Flask:
    """The step's app, as a real site would set it up, with nobody in it yet; `make_app`
    is for other settings.
    """
    if step in kept:
        # Apps of one package share what stands in its modules, so one made since may
        # have changed it.
        if kept[step] is step.newest and try_to_empty(kept[step]):
            return kept[step]
        close(kept.pop(step))
    if tables:
        tables.empty(step)
    app = step.create_app(SQLALCHEMY_DATABASE_URI=database_uri)
    if step.number > 1:
        init_db(app)
    kept[step] = app
    return app


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    """Somebody who has never been here."""
    return Visitor(app)


@pytest.fixture
def member(step: Step, app: Flask) -> Visitor:
    """Somebody with an account (ada@example.com), not logged in."""
    models = step.module.models
    with app.app_context():
        user = step.new_user()
        user.set_password(PASSWORD)
        models.db.session.add(user)
        models.db.session.commit()
    return Visitor(app)


@pytest.fixture
def sql(app: Flask) -> Callable[..., list[Any]]:
    """Run SQL in the app's database: `sql("SELECT ... WHERE id = :id", id=1)`."""

    def run(statement: str, **values: Any) -> list[Any]:
        return query(app, statement, **values)

    return run
