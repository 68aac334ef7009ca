"""The suites ask for results: an app that reaches them in another way holds as well."""

import shutil
from pathlib import Path

import pytest

from tests.support.harness import STEPS
from tests.support.suites import SuiteRunner

# What another author may write: file, our text, theirs.
OTHER_WAYS = {
    "commits expire objects, as SQLAlchemy does by itself": (
        "database.py",
        ', session_options={"expire_on_commit": False}',
        "",
    ),
    "addresses in redirects are whole": (
        "__init__.py",
        "    app = Flask(__name__)\n",
        "    app = Flask(__name__)\n    app.response_class = type(\n"
        '        "Response", (app.response_class,), {"autocorrect_location_header": True}\n    )\n',
    ),
    "object-src is left to default-src": (
        "headers.py",
        '    "object-src": "\'none\'",\n',
        "",
    ),
    "a part of an address has another name": ("account.py", "session_id", "number"),
    "and so it has in the page": ("templates/account.html", "session_id=", "number="),
    "forms name their own address": (
        "templates/login.html",
        '<form method="post"',
        '<form method="post" action="{{ request.script_root ~ request.full_path }}"',
    ),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The last step, written in all these other ways."""
    folder = tmp_path / "06_protected"
    shutil.copytree(
        STEPS[6].path,
        folder,
        ignore=shutil.ignore_patterns("__pycache__", "instance", ".env"),
    )
    for file, ours, theirs in OTHER_WAYS.values():
        path = folder / "flask_login_tutorial" / file
        text = path.read_text(encoding="utf-8")
        assert ours in text, f"{file} does not hold {ours!r} any more"
        path.write_text(text.replace(ours, theirs), encoding="utf-8")
    return folder


def test_an_app_that_is_written_in_another_way_holds_as_well(copy: Path) -> None:
    """A test that fails here demands a way, and a learner who found another one is told
    that it is wrong.
    """
    with SuiteRunner() as runner:
        outcomes = runner.judge("06_protected", copy)

    assert not outcomes.failed, "\n".join(sorted(outcomes.failed))
    assert len(outcomes.passed) > 200
