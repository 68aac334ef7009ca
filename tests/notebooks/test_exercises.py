"""The exercises at the end of each notebook: one way to do each, and what the suites say to it."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from harness import CONFIG, PASSWORD, STEPS, Step, Visitor, init_db, query, visible_text
from mistakes.runner import Runner

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Exercise:
    """What is changed in a step, which tests go red by it, and how one sees that it works."""

    step: int
    changes: list[tuple[str, str, str]]  # file, what stands there once, what is put there
    red: set[str] = field(default_factory=set)  # names of tests; the notebook says that there are some
    works: Callable[[Step], None] = lambda _step: None
    renamed: tuple[str, str] | None = None


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
        with pytest.raises(step.module.config.ConfigError, match="SESSION_COOKIE_SECURE"):
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
    twice = visitor.sign_up("ada@example.com", "gravel otter mirror pancake", nickname="enchantress")

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
    statuses = [visitor.get(f"/signup/free?email={n}@example.com", expect_errors=True).status_code for n in range(100)]
    assert statuses[-1] == 429


def the_dashboard_shows_the_log_in_before(step: Step) -> None:
    """Not this one: who reads it wants to know whether somebody else was here."""
    member = member_of(step)
    assert "You were here last" not in visible_text(member.get("/dashboard"))
    long_ago = step.module.database.utcnow() - timedelta(days=700)
    query(member.app, "UPDATE users SET last_login = :time", time=long_ago)
    member.log_out()
    member.log_in()
    assert f"You were here last on {long_ago:%Y-%m-%d}" in visible_text(member.get("/dashboard"))


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


TEMPLATES = [
    (f"templates/{name}.html", '{% extends "base.html" %}', '{% extends "base.jinja2" %}')
    for name in ("index", "login", "signup")
]
LOG_IN_TIMES = [
    (
        "models.py",
        "    last_login: Mapped[datetime | None]\n",
        "    last_login: Mapped[datetime | None]\n    login_before: Mapped[datetime | None]\n",
    ),
    (
        "models.py",
        '        values = {"last_login": utcnow(), "password_hash": password_hash}\n',
        '        values = {"last_login": utcnow(), "password_hash": password_hash}\n'
        '        values["login_before"] = user.last_login\n',
    ),
    (
        "templates/dashboard.html",
        "{% if current_user.website %}",
        "{% if current_user.login_before %}\n"
        "<p>You were here last on {{ current_user.login_before.strftime('%Y-%m-%d') }}.</p>\n"
        "{% endif %}\n{% if current_user.website %}",
    ),
]
ARGON2 = [
    ("config.py", '"PASSWORD_HASH_METHOD": "scrypt:32768:8:3"', '"PASSWORD_HASH_METHOD": "argon2"'),
    (
        "passwords.py",
        "    return generate_password_hash(normalise_password(password), method=method)\n",
        '    if method == "argon2":\n'
        '        return "argon2$" + PasswordHasher().hash(normalise_password(password))\n'
        "    return generate_password_hash(normalise_password(password), method=method)\n",
    ),
    (
        "passwords.py",
        '    if not password_hash.startswith("sha256$"):\n',
        '    if password_hash.startswith("argon2$"):\n'
        "        try:\n"
        '            return PasswordHasher().verify(password_hash.removeprefix("argon2$"), password)\n'
        "        except VerifyMismatchError:\n"
        "            return False\n"
        '    if not password_hash.startswith("sha256$"):\n',
    ),
    (
        "passwords.py",
        "from flask import current_app\n",
        "from argon2 import PasswordHasher\n"
        "from argon2.exceptions import VerifyMismatchError\n"
        "from flask import current_app\n",
    ),
]
NICKNAME = [
    (
        "models.py",
        "    website: Mapped[str | None]",
        "    nickname: Mapped[str | None] = mapped_column(String(40), unique=True)\n    website: Mapped[str | None]",
    ),
    (
        "forms.py",
        '    password = PasswordField(\n        "Password",\n        validators=[InputRequired("Choose a password.")],',
        '    nickname = StringField("Nickname", validators=[Optional(), Length(max=40), check_visible])\n'
        '    password = PasswordField(\n        "Password",\n        validators=[InputRequired("Choose a password.")],',
    ),
    (
        "templates/signup.html",
        "  {{ field(form.email) }}\n",
        "  {{ field(form.email) }}\n  {{ field(form.nickname) }}\n",
    ),
    (
        "auth.py",
        "website=form.website.data or None\n",
        "website=form.website.data or None, nickname=form.nickname.data or None\n",
    ),
    (
        "auth.py",
        "        if existing is None:\n            raise",
        "        if existing is None and is_taken(form.nickname.data):\n"
        '            form.nickname.errors = ["Somebody else has this nickname."]\n'
        "            return False\n"
        "        if existing is None:\n            raise",
    ),
    (
        "auth.py",
        '        form.email.errors = ["There is an account',
        '        if not form.nickname.errors:\n            form.email.errors = ["There is an account',
    ),
    (
        "auth.py",
        "def is_double_click(",
        "def is_taken(nickname: str) -> bool:\n"
        "    return User.query.filter_by(nickname=nickname).first() is not None\n\n\n"
        "def is_double_click(",
    ),
]
DELETE_PAGE = """
{% extends "base.html" %}
{% from "macros.html" import field, top %}
{% block title %}Delete your account{% endblock %}
{% block main %}
<h1>Delete your account</h1>
<form method="post">{{ top(form) }}{{ field(form.password) }}<button>Delete it</button></form>
{% endblock %}
"""
DELETE = [
    (
        "account.py",
        '@bp.post("/sessions/end-others")',
        '@bp.route("/delete", methods=["GET", "POST"])\n'
        "@fresh_login_required\n"
        "def delete_account() -> ResponseReturnValue:\n"
        "    form = DeleteForm()\n"
        "    if form.validate_on_submit():\n"
        "        rate_limits.count_password_change(current_user.id)\n"
        "        if current_user.check_password(form.password.data):\n"
        "            db.session.delete(current_user._get_current_object())\n"
        "            db.session.commit()\n"
        "            session.clear()\n"
        '            return redirect(url_for("pages.index"))\n'
        '        form.password.errors = ["That is not your password."]\n'
        '    return form_page("delete.html", form)\n\n\n'
        '@bp.post("/sessions/end-others")',
    ),
    ("account.py", "    render_template,\n", "    render_template,\n    session,\n"),
    ("account.py", "from .forms import PasswordForm\n", "from .forms import DeleteForm, PasswordForm\n"),
    (
        "forms.py",
        "class PasswordForm(BaseForm):",
        'class DeleteForm(BaseForm):\n    """`/account/delete`."""\n\n'
        '    password = PasswordField("Password", validators=[InputRequired("Type your password.")])\n\n\n'
        "class PasswordForm(BaseForm):",
    ),
    ("templates/delete.html", "", DELETE_PAGE.lstrip()),
]

EXERCISES = {
    "01.1": Exercise(
        1,
        [("config.py", '    "SESSION_COOKIE_SAMESITE": "Lax",  # other sites cannot send it with a POST\n', "")],
        red={"test_other_sites_cannot_send_the_session_cookie_with_a_post"},
    ),
    "01.2": Exercise(
        1,
        [
            (
                "config.py",
                '    config["SECRET_KEY"] = check_key(settings["SECRET_KEY"])\n',
                '    config["SECRET_KEY"] = check_key(from_file(settings["SECRET_KEY"]))\n',
            ),
            (
                "config.py",
                "def check_key(setting: Setting) -> str:\n",
                "def from_file(setting: Setting) -> Setting:\n"
                '    path = os.environ.get("SECRET_KEY_FILE")\n'
                "    if setting.value or not path:\n"
                "        return setting\n"
                '    return Setting(setting.name, Path(path).read_text("utf-8").strip(), f"from {path}")\n\n\n'
                "def check_key(setting: Setting) -> str:\n",
            ),
        ],
        works=a_key_from_a_file,
    ),
    "01.3": Exercise(
        1,
        [
            (
                "config.py",
                "    env_file = read_env_file()\n    settings = {}\n",
                "    env_file = read_env_file()\n    settings = {}\n"
                "    for name in {*os.environ, *env_file} - {*DEFAULTS}:\n"
                "        for meant in get_close_matches(name, DEFAULTS, n=1, cutoff=0.9):\n"
                '            raise ConfigError(f"{name} is no setting. Is it {meant}?")\n',
            ),
            ("config.py", "import re\n", "import re\nfrom difflib import get_close_matches\n"),
        ],
        works=a_typo_in_a_name_is_refused,
    ),
    "02.1": Exercise(
        2,
        [
            (
                "models.py",
                "    last_login: Mapped[datetime | None]\n",
                "    last_login: Mapped[datetime | None]\n    password_changed: Mapped[datetime | None]\n",
            ),
            (
                "models.py",
                "        self.password_hash = hash_password(password)\n",
                "        self.password_hash = hash_password(password)\n        self.password_changed = utcnow()\n",
            ),
        ],
        works=a_password_is_dated,
    ),
    "02.2": Exercise(2, [("config.py", '"scrypt:32768:8:3"', '"scrypt:65536:8:2"')]),
    "02.3": Exercise(
        2, ARGON2, red={"test_a_hash_costs_what_owasp_asks_for"}, works=argon2_hashes_and_scrypt_still_opens
    ),
    "03.1": Exercise(3, [("templates/macros.html", "{{ form.csrf_token }}\n", "")], red={"more than ten"}),
    "03.2": Exercise(
        3,
        [
            (
                "forms.py",
                "        validators=[Optional(), Length(max=255), check_visible, check_web_link],\n"
                "        filters=[strip],\n",
                "        validators=[Optional(), Length(max=255), check_visible, check_web_link],\n"
                "        filters=[strip, complete_link],\n",
            ),
            (
                "forms.py",
                "def check_visible(",
                "def complete_link(text: str | None) -> str | None:\n"
                '    if text and re.fullmatch(r"[\\w-]+(\\.[\\w-]+)+", text):\n'
                '        return f"https://{text}"\n'
                "    return text\n\n\n"
                "def check_visible(",
            ),
        ],
        red={"test_a_link_that_is_not_to_a_web_page_is_refused"},
        works=a_bare_host_becomes_a_link,
    ),
    "03.3": Exercise(
        3,
        [
            (
                "passwords.py",
                "    if is_common(password)",
                "    mailbox = about[-1].partition('@')[0].lower() if about else ''\n"
                "    if len(mailbox) > 3 and mailbox in password.lower().replace('0', 'o'):\n"
                "        return 'Leave out the first part of your own address.'\n"
                "    if is_common(password)",
            )
        ],
        works=the_own_mailbox_is_no_password,
    ),
    "04.1": Exercise(4, NICKNAME, works=two_columns_can_refuse),
    "04.2": Exercise(
        4,
        TEMPLATES,
        red={"test_markup_in_a_name_is_shown_and_not_run"},
        renamed=("templates/base.html", "templates/base.jinja2"),
    ),
    "04.2, mended": Exercise(
        4,
        [
            *TEMPLATES,
            (
                "__init__.py",
                "    app = Flask(__name__)\n",
                "    app = Flask(__name__)\n    app.jinja_env.autoescape = True\n",
            ),
        ],
        renamed=("templates/base.html", "templates/base.jinja2"),
    ),
    "04.2, signup": Exercise(
        4,
        [("auth.py", 'form_page("signup.html", form)', 'form_page("signup.jinja2", form)')],
        renamed=("templates/signup.html", "templates/signup.jinja2"),
    ),
    "04.3": Exercise(
        5,
        [
            (
                "auth.py",
                '@bp.post("/logout")\n',
                '@bp.get("/signup/free")\n'
                "def is_free() -> str:\n"
                "    rate_limits.count_signup()\n"
                '    return "taken" if User.find(request.args["email"]) else "free"\n\n\n'
                '@bp.post("/logout")\n',
            )
        ],
        works=asking_for_addresses_is_limited,
    ),
    "05.1": Exercise(
        5,
        [
            ("sessions.py", "    login_user(user)\n", "    login_user(user, remember=remember)\n"),
            ("config.py", '    "REMEMBER_COOKIE_NAME": "off;",  # no cookie can have this name: see sessions.py\n', ""),
        ],
        red={
            "test_every_cookie_of_a_remembered_member_is_guarded",
            "test_a_log_out_deletes_cookies_in_a_way_that_browsers_obey",
            "test_a_made_up_cookie_opens_nothing_and_breaks_nothing",
        },
    ),
    "05.2": Exercise(
        5,
        [
            (
                "auth.py",
                "    if SAFE_PATH.fullmatch(target):\n",
                "    has_control_characters = any(character < ' ' for character in target)\n"
                "    is_path = target.startswith('/') and target[1:2] not in ('/', '\\\\')\n"
                "    if is_path and not has_control_characters:\n",
            )
        ],
    ),
    "05.3": Exercise(5, LOG_IN_TIMES, works=the_dashboard_shows_the_log_in_before),
    "06.1": Exercise(
        6, DELETE, red={"test_there_is_no_address_but_those_that_are_meant"}, works=an_account_can_be_deleted
    ),
    "06.2": Exercise(
        6,
        [
            (
                "templates/account.html",
                '<td>{{ row.user_agent or "unknown" }}',
                '<td>{{ row.user_agent or "unknown" }}, {{ row.networks }}',
            )
        ],
        works=the_account_shows_networks,
    ),
    "06.3": Exercise(
        6,
        [
            (
                "templates/dashboard.html",
                "<h1>Dashboard</h1>\n",
                '<h1>Dashboard</h1>\n<script src="https://analytics.example/count.js"></script>\n',
            )
        ],
        red={"test_pages_are_made_of_html_and_css_alone"},
    ),
}


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    """What runs the suites on the copies."""
    runner = Runner()
    yield runner
    runner.close()


@pytest.fixture
def solved(request: pytest.FixtureRequest, tmp_path: Path) -> Step:
    """A copy of the exercise's step, with the exercise done."""
    exercise = EXERCISES[request.param]
    copy = tmp_path / STEPS[exercise.step].name
    shutil.copytree(STEPS[exercise.step].path, copy, ignore=shutil.ignore_patterns("instance", ".env", "__pycache__"))
    package = copy / "flask_login_tutorial"
    for file, old, new in exercise.changes:
        path = package / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert not old or text.count(old) == 1, f"{file} does not hold this once:\n{old}"
        path.write_text(text.replace(old, new) if old else new, encoding="utf-8")
    if exercise.renamed:
        before, after = exercise.renamed
        (package / before).rename(package / after)
    return Step(exercise.step, copy)


def test_every_exercise_of_the_notebooks_is_tried() -> None:
    """An exercise that promises a red test has to turn one red."""
    written = set()
    for path in sorted((ROOT / "notebooks").glob("0*_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"]).partition("## Now you")[2].partition("## What to read")[0]
            written |= {f"{path.name[:2]}.{number}" for number in re.findall(r"(?m)^(\d)\. ", text)}

    assert {name.partition(",")[0] for name in EXERCISES} == written
    assert len(written) == 18


@pytest.mark.parametrize(("name", "solved"), [(name, name) for name in EXERCISES], indirect=["solved"])
def test_an_exercise_can_be_done_and_turns_the_tests_red_that_it_should(
    runner: Runner, name: str, solved: Step
) -> None:
    """What the notebook promises comes, and every other test stays green."""
    exercise = EXERCISES[name]

    exercise.works(solved)
    outcomes = runner.judge(f"{exercise.step:02}", solved.path)

    red = {test.rpartition("::")[2] for test in outcomes["failed"]}
    if exercise.red == {"more than ten"}:
        assert len(red) > 10, sorted(red)
    else:
        assert red == exercise.red
    assert len(outcomes["passed"]) > 20
