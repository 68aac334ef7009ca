"""The exercises at the end of each notebook.

One way to do each, and what the suites say to it.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.harness import (
    CONFIG,
    PASSWORD,
    ROOT,
    STEPS,
    Step,
    Visitor,
    init_db,
    query,
    visible_text,
)
from tests.support.suites import SuiteRunner

# One way to do each: in which file what stands there once, and what takes its place.
SOLUTIONS = Path(__file__).parent / "exercises"
MANY = {"more than ten"}


@dataclass(frozen=True)
class Exercise:
    """What is to be seen when an exercise was done in a copy of this step."""

    step: int
    red: set[str] = field(default_factory=set)  # the tests that do not pass any more
    works: Callable[[Step], None] = lambda _step: None  # asserts that it does
    renamed: tuple[str, str] | None = None


def changes(name: str) -> list[tuple[str, str, str]]:
    """Read a solution: for each change the file, what stands there, what comes there.

    "=== file", the old lines, "---", the new lines. Without old lines it is a new file.
    """
    found = []
    text = (SOLUTIONS / f"{name}.txt").read_text(encoding="utf-8")
    for part in re.split("(?m)^=== ", text)[1:]:
        file, _, lines = part.partition("\n")
        old, _, new = f"\n{lines}".partition("\n---\n")
        found.append((file, old.removeprefix("\n"), new.removesuffix("\n")))
    return found


def visit(step: Step, **config: object) -> Visitor:
    """Somebody at this step, with an empty database."""
    app = step.create_app(**config)
    if step.number > 1:
        init_db(app)
    return Visitor(app)


def member_of(step: Step, **config: object) -> Visitor:
    """A member who is logged in."""
    visitor = visit(step, **config)
    visitor.sign_up()
    visitor.log_in()
    return visitor


def a_key_from_a_file(step: Step) -> None:
    """The file's key is used, and checked like one from the environment."""
    file = step.path / "key"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_KEY_FILE", str(file))
        file.write_text(f"{CONFIG['SECRET_KEY']}\n", encoding="utf-8")
        assert step.module.create_app({}).secret_key == CONFIG["SECRET_KEY"]
        file.write_text("changeme", encoding="utf-8")
        with pytest.raises(step.module.config.ConfigError, match="shorter"):
            step.module.create_app({})


def a_typo_in_a_name_is_refused(step: Step) -> None:
    """One letter is missing; what is not like any setting of ours is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRETS_OF_ANOTHER_PROGRAM", "1")
        step.create_app()
        patch.setenv("SESION_COOKIE_SECURE", "0")
        with pytest.raises(
            step.module.config.ConfigError, match="SESSION_COOKIE_SECURE"
        ):
            step.create_app()


def a_password_is_dated(step: Step) -> None:
    """The column is set with the password."""
    app = visit(step).app
    with app.app_context():
        user = step.module.models.User(name="Ada", email="ada@example.com")
        user.set_password(PASSWORD)
        assert user.password_changed is not None


def argon2_hashes_and_scrypt_still_opens(step: Step) -> None:
    """New hashes are Argon2's; old rows of either kind are read."""
    passwords = step.module.passwords
    with step.create_app(PASSWORD_HASH_METHOD="argon2").app_context():
        new = passwords.hash_password(PASSWORD)
        assert new.startswith("argon2$")
        assert passwords.verify_password(new, PASSWORD)
        assert not passwords.verify_password(new, f"{PASSWORD}!")
    with step.create_app().app_context():
        assert passwords.verify_password(passwords.hash_password(PASSWORD), PASSWORD)


def a_bare_host_becomes_a_link(step: Step) -> None:
    """What one may mean is completed, and the rest is refused as before."""
    assert visit(step).sign_up(website="example.org").status_code == 200
    for website in ("javascript:alert(1)", "//example.org", "data:text/html,hi"):
        assert visit(step).sign_up(website=website).status_code == 422


def the_own_mailbox_is_no_password(step: Step) -> None:
    """The word before the @ is found behind digits, too."""
    for password in ("wonderful trombones", "w0nderful tr0mb0nes!"):
        answer = visit(step).sign_up(email="trombone@example.com", password=password)
        assert "your own address" in visible_text(answer)
    assert visit(step).sign_up(email="trombone@example.com").status_code == 422
    assert visit(step).sign_up().status_code == 200


def two_columns_can_refuse(step: Step) -> None:
    """Each refusal stands at its own field, and no nickname is as good as another."""
    visitor = visit(step)
    assert visitor.sign_up("ada@example.com", nickname="countess").status_code == 302
    taken = visitor.sign_up("bob@example.com", nickname="countess")
    twice = visitor.sign_up(
        "ada@example.com", "gravel otter mirror pancake", nickname="enchantress"
    )

    assert taken.html.select_one("#nickname-errors")
    assert not taken.html.select_one("#email-errors")
    assert twice.html.select_one("#email-errors")
    for email in ("cy@example.com", "dot@example.com"):
        assert visitor.sign_up(email).status_code == 302


def asking_for_addresses_is_limited(step: Step) -> None:
    """A stranger with a list of addresses would learn who is a member."""
    visitor = visit(step)
    visitor.sign_up()
    assert visitor.get("/signup/free?email=Ada@example.com").text == "taken"
    assert visitor.get("/signup/free?email=eve@example.com").text == "free"
    statuses = [
        visitor.get(
            f"/signup/free?email={n}@example.com", expect_errors=True
        ).status_code
        for n in range(100)
    ]
    assert statuses[-1] == 429


def the_dashboard_shows_the_log_in_before(step: Step) -> None:
    """Not this one: who reads it wants to know whether somebody else was here."""
    member = member_of(step)
    assert "You were here last" not in visible_text(member.get("/dashboard"))
    long_ago = step.module.database.utcnow() - timedelta(days=700)
    query(member.app, "UPDATE users SET last_login = :time", time=long_ago)
    member.log_out()
    member.log_in()
    assert f"You were here last on {long_ago:%Y-%m-%d}" in visible_text(
        member.get("/dashboard")
    )


def an_account_can_be_deleted(step: Step) -> None:
    """With the password once more; the sessions go with it."""
    member = member_of(step)
    assert member.submit("/account/delete", {"password": "a guess"}).status_code == 422
    assert member.submit("/account/delete", {"password": PASSWORD}).status_code == 302
    assert query(member.app, "SELECT id FROM users") == []
    assert query(member.app, "SELECT id FROM user_sessions") == []
    assert not member.logged_in


def the_account_shows_networks(step: Step) -> None:
    """The one that the password was typed in."""
    assert "192.0.2.1" in visible_text(member_of(step).get("/account"))


EXERCISES = {
    "01.1": Exercise(
        1, red={"test_other_sites_cannot_send_the_session_cookie_with_a_post"}
    ),
    "01.2": Exercise(1, works=a_key_from_a_file),
    "01.3": Exercise(1, works=a_typo_in_a_name_is_refused),
    "02.1": Exercise(2, works=a_password_is_dated),
    "02.2": Exercise(2),
    "02.3": Exercise(
        2,
        red={"test_a_hash_costs_what_owasp_asks_for"},
        works=argon2_hashes_and_scrypt_still_opens,
    ),
    "03.1": Exercise(3, red=MANY),
    "03.2": Exercise(
        3,
        red={"test_a_link_that_is_not_to_a_web_page_is_refused"},
        works=a_bare_host_becomes_a_link,
    ),
    "03.3": Exercise(3, works=the_own_mailbox_is_no_password),
    "04.1": Exercise(4, works=two_columns_can_refuse),
    "04.2": Exercise(
        4,
        red={"test_markup_in_a_name_is_shown_and_not_run"},
        renamed=("templates/base.html", "templates/base.jinja2"),
    ),
    "04.2-mended": Exercise(
        4, renamed=("templates/base.html", "templates/base.jinja2")
    ),
    "04.2-signup": Exercise(
        4, renamed=("templates/signup.html", "templates/signup.jinja2")
    ),
    "04.3": Exercise(5, works=asking_for_addresses_is_limited),
    "05.1": Exercise(
        5,
        red={
            "test_a_log_out_deletes_cookies_in_a_way_that_browsers_obey",
            "test_a_made_up_cookie_opens_nothing_and_breaks_nothing",
            "test_every_cookie_of_a_remembered_member_is_guarded",
        },
    ),
    "05.2": Exercise(5),
    "05.3": Exercise(5, works=the_dashboard_shows_the_log_in_before),
    "06.1": Exercise(
        6,
        red={"test_there_is_no_address_but_those_that_are_meant"},
        works=an_account_can_be_deleted,
    ),
    "06.2": Exercise(6, works=the_account_shows_networks),
    "06.3": Exercise(6, red={"test_pages_are_made_of_html_and_css_alone"}),
}


@pytest.fixture(scope="module")
def runner() -> Iterator[SuiteRunner]:
    """What runs the suites on the copies."""
    with SuiteRunner(warm=True) as runner:
        yield runner


@pytest.fixture
def solved(request: pytest.FixtureRequest, tmp_path: Path) -> Step:
    """A copy of the exercise's step, with the exercise done."""
    exercise = EXERCISES[request.param]
    original = STEPS[exercise.step]
    copy = tmp_path / original.name
    left_out = shutil.ignore_patterns("instance", ".env", "__pycache__")
    shutil.copytree(original.path, copy, ignore=left_out)
    package = copy / "flask_login_tutorial"
    for file, old, new in changes(request.param):
        path = package / file
        if not old:
            path.write_text(new, encoding="utf-8")
            continue
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} does not hold this once:\n{old}"
        path.write_text(text.replace(old, new), encoding="utf-8")
    if exercise.renamed:
        before, after = exercise.renamed
        (package / before).rename(package / after)
    return Step(exercise.step, copy)


def exercises_in(path: Path) -> list[str]:
    """The numbers of a notebook's exercises, such as 04.2."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    everything = "\n".join("".join(cell["source"]) for cell in cells)
    exercises = everything.partition("## Now you")[2].partition("## What to read")[0]
    numbers = re.findall(r"(?m)^(\d)\. ", exercises)
    return [f"{path.name[:2]}.{number}" for number in numbers]


def test_every_exercise_of_the_notebooks_is_tried() -> None:
    """An exercise that promises a red test has to turn one red."""
    written = []
    for path in sorted((ROOT / "notebooks").glob("0*_*.ipynb")):
        written += exercises_in(path)

    assert {name.partition("-")[0] for name in EXERCISES} == set(written)
    assert {path.stem for path in SOLUTIONS.glob("*.txt")} == set(EXERCISES)
    assert len(written) == 18


@pytest.mark.parametrize(
    ("name", "solved"), [(name, name) for name in EXERCISES], indirect=["solved"]
)
def test_an_exercise_can_be_done_and_turns_the_tests_red_that_it_should(
    runner: SuiteRunner, name: str, solved: Step
) -> None:
    """What the notebook promises comes; all else in the suite stays green."""
    exercise = EXERCISES[name]
    suite = f"tests/{STEPS[exercise.step].name}"

    exercise.works(solved)
    outcomes = runner.judge(f"{exercise.step:02}", solved.path, [suite])

    red = {test.rpartition("::")[2] for test in outcomes.failed}
    if exercise.red == MANY:
        assert len(red) > 10, sorted(red)
    else:
        assert red == exercise.red
    assert len(outcomes.passed) > 10
