"""The settings: read from the environment and checked once, when the app is made."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from click import ClickException
from dotenv import dotenv_values
from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

ENV_FILE = Path(__file__).parent.parent / ".env"
NEW_KEY_COMMAND = 'python3 -c "import secrets; print(secrets.token_hex(32))"'
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "placeholder",
    "example",
    "secret",
    "password",
)
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}
# A host name, or .name for all its subdomains; a port may follow.
HOST_NAME = re.compile(r"\.?\w[\w.-]*(:\d{1,5})?")
# Seconds. Without them a database server that is silent hangs every page for ever.
# By driver: each has names of its own for them.
TIMEOUTS = {
    "psycopg": {"connect_timeout": 5, "options": "-c lock_timeout=10s"},
    "pymysql": {"connect_timeout": 5, "read_timeout": 20, "write_timeout": 20},
}
STORAGES = ("memory://", "redis://", "rediss://", "redis+unix://")
GIVEN = "given to create_app"
ENVIRONMENT = "from the environment"

# Settings that the environment or the .env file can change.
DEFAULTS = {
    "SECRET_KEY": "",
    "SECRET_KEY_FALLBACKS": "",
    "SESSION_COOKIE_SECURE": "1",
    "TRUSTED_HOSTS": "",
    "PROXY_COUNT": "0",
    "SQLALCHEMY_DATABASE_URI": "sqlite:///workbook.db",
    "RATELIMIT_STORAGE_URI": "memory://",
}

# Settings that only the argument of create_app can change.
CODE_DEFAULTS = {
    "SESSION_COOKIE_HTTPONLY": True,  # no script can read the cookie
    "SESSION_COOKIE_SAMESITE": "Lax",  # other sites cannot send it with a POST
    "MAX_CONTENT_LENGTH": 64 * 1024,  # bytes; larger requests get 413
    "WTF_CSRF_TIME_LIMIT": None,  # CSRF tokens live as long as the session
    "WTF_CSRF_SSL_STRICT": False,  # csrf.py looks at Origin, not at Referer
    # N=2^15, r=8, p=3: OWASP's minimum for scrypt at this N. Werkzeug's default: p=1.
    "PASSWORD_HASH_METHOD": "scrypt:32768:8:3",
    "PERMANENT_SESSION_LIFETIME": timedelta(days=30),  # if the member is remembered
    "SESSION_REFRESH_EACH_REQUEST": False,  # else each file and page sets the cookie
    "REMEMBER_COOKIE_NAME": "off;",  # no cookie can have this name: see sessions.py
}


class ConfigError(ClickException):
    """A setting is missing or unsafe.

    A ClickException, so that `flask` prints one line and no traceback.
    """


@dataclass(frozen=True)
class Setting:
    """One setting, and where its value comes from."""

    name: str
    value: Any
    source: str

    def how_to_set(self) -> str:
        """Say how to give it a better value."""
        if self.source == GIVEN:
            return f"give it to create_app as {self.name}"
        if self.source == ENVIRONMENT:
            return f"set the variable {self.name} to it (it wins over {ENV_FILE})"
        return f"put it into {ENV_FILE} as {self.name}=..."

    def error(self, problem: str) -> ConfigError:
        """Return an error that names the setting, its source and the problem."""
        return ConfigError(f"{self.name} ({self.source}) {problem}")


def load_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return Flask's configuration.

    Raises ConfigError, which names the setting and says what to do.
    """
    settings = find_settings(given)
    config = {**CODE_DEFAULTS, **given}
    config["SECRET_KEY"] = check_key(settings["SECRET_KEY"])
    config["SECRET_KEY_FALLBACKS"] = check_old_keys(settings["SECRET_KEY_FALLBACKS"])
    config["SESSION_COOKIE_SECURE"] = as_bool(settings["SESSION_COOKIE_SECURE"])
    name = cookie_name(config["SESSION_COOKIE_SECURE"])
    config.setdefault("SESSION_COOKIE_NAME", name)
    config["TRUSTED_HOSTS"] = check_hosts(settings["TRUSTED_HOSTS"])
    config["PROXY_COUNT"] = check_proxy_count(settings["PROXY_COUNT"])
    uri = check_database(settings["SQLALCHEMY_DATABASE_URI"])
    config["SQLALCHEMY_DATABASE_URI"] = uri
    config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", engine_options(uri))
    config["RATELIMIT_STORAGE_URI"] = check_rate_limit_storage(
        settings["RATELIMIT_STORAGE_URI"]
    )
    return config


def find_settings(given: Mapping[str, Any]) -> dict[str, Setting]:
    """Find each setting: in `given`, the environment, the .env file, our defaults.

    The first of these that has it wins. An empty variable counts as not set.
    """
    env_file = read_env_file()
    settings = {}
    for name, default in DEFAULTS.items():
        variable = os.environ.get(name)
        if name in given:
            setting = Setting(name, given[name], GIVEN)
        # `flask` copies the file into the environment: the same value is the file's.
        elif variable and variable != env_file.get(name):
            setting = Setting(name, variable, ENVIRONMENT)
        elif env_file.get(name):
            setting = Setting(name, env_file[name], f"from {ENV_FILE}")
        else:
            setting = Setting(name, default, "not set")
        settings[name] = setting
    return settings


def read_env_file() -> Mapping[str, str | None]:
    """Read the .env file; an empty mapping if there is none."""
    try:
        return dotenv_values(ENV_FILE, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(
            f"{ENV_FILE} is not UTF-8 text. PowerShell's >> writes UTF-16: "
            "save the file again as UTF-8 with an editor."
        ) from None


def check_key(setting: Setting) -> str:
    """Refuse a key that somebody can guess: it signs a cookie for any account."""
    problem = key_problem(setting.value)
    if problem is None:
        return setting.value
    raise setting.error(
        f"{problem}. Make a key with\n    {NEW_KEY_COMMAND}\nand {setting.how_to_set()}"
    )


def check_old_keys(setting: Setting) -> list[str]:
    """Check the keys before this one: a weak old key forges cookies as well."""
    keys = as_list(setting)
    for key in keys:
        problem = key_problem(key)
        if problem:
            raise setting.error(
                f"has a key that {problem}. Take that one out: cookies that it has "
                "signed are good no more, and their owners log in again."
            )
    return keys


def key_problem(key: object) -> str | None:
    """Return what is wrong with a key, if anything."""
    if not isinstance(key, str) or not key:
        return "is missing"
    if len(key) < 32:
        return "is shorter than 32 characters"
    if len(set(key)) < 8 or any(word in key.lower() for word in PLACEHOLDERS):
        return "is a placeholder, not a secret"
    return None


def cookie_name(secure: bool) -> str:
    """Return the session cookie's name.

    Browsers take a __Host- cookie only over HTTPS and from this very host. Over plain
    HTTP the name holds a hash of the app's folder: cookies ignore ports, so two apps
    on one machine would overwrite each other's.
    """
    if secure:
        return "__Host-session"
    folder = hashlib.sha256(str(ENV_FILE.parent).encode()).hexdigest()
    return f"session_{folder[:8]}"


def check_hosts(setting: Setting) -> list[str] | None:
    """Check the names that this site answers to; None for any."""
    hosts = as_list(setting)
    for host in hosts:
        if not is_host_name(host):
            raise setting.error(
                f"has {host!r}, which is no host name. "
                "Write names alone, with commas: www.example.org,example.org"
            )
    return hosts or None


def is_host_name(text: str) -> bool:
    """Return True if a Host header can have this name."""
    name = text.lstrip(".").partition(":")[0]
    try:
        name.encode("idna")
    except UnicodeError:  # a..b, or a part of more than 63 characters
        return False
    return HOST_NAME.fullmatch(text) is not None


def check_proxy_count(setting: Setting) -> int:
    """Check how many proxies stand in front of the app."""
    if not str(setting.value).isdecimal():
        raise setting.error("is the number of proxies in front: 0, 1, 2, ...")
    return int(setting.value)


def check_database(setting: Setting) -> str:
    """Refuse an address that no installed driver can open.

    The messages never quote it: it may hold a password.
    """
    try:
        url = make_url(setting.value)
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ImportError, AttributeError, ValueError):
        raise setting.error(
            "is malformed, or its driver is not installed. .env.example shows how it "
            "looks; the drivers:\npip install 'psycopg[binary]' for postgresql+psycopg,"
            " pip install pymysql for mysql+pymysql"
        ) from None  # the error may quote the address
    if url.drivername.startswith("sqlite") and url.host:
        raise setting.error("needs three slashes: sqlite:///workbook.db")
    if "@" in (url.host or ""):
        raise setting.error("has an @ in its password: write %40 for it")
    if not url.drivername.startswith("sqlite") and not url.database:
        raise setting.error("names no database: its name comes last, after a slash")
    return setting.value


def engine_options(uri: str) -> dict[str, Any]:
    """Return SQLAlchemy's options for this database."""
    options: dict[str, Any] = {
        "hide_parameters": True,  # keeps password hashes out of error messages
        "pool_pre_ping": True,  # after an outage the next request works again
    }
    dialect = make_url(uri).get_dialect()
    if dialect.name != "sqlite":
        # With MySQL's REPEATABLE READ two requests at once see an old state of a row.
        options["isolation_level"] = "READ COMMITTED"
        options["connect_args"] = TIMEOUTS.get(dialect.driver, {})
    return options


def check_rate_limit_storage(setting: Setting) -> str:
    """Refuse an address at which attempts cannot be counted."""
    try:
        if not str(setting.value).startswith(STORAGES):
            raise ConfigurationError("a kind of storage that was never tried")
        storage_from_string(str(setting.value))
    except (ConfigurationError, ValueError):
        raise setting.error(
            "is malformed, or its driver is not installed. Write memory:// or "
            "redis://localhost:6379 (the driver: pip install redis)"
        ) from None
    return str(setting.value)


def as_bool(setting: Setting) -> bool:
    """Read 1/0, true/false, yes/no or on/off; raises ConfigError for anything else."""
    word = str(setting.value).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise setting.error(f"is {setting.value!r}. Write 1 for yes or 0 for no.")


def as_list(setting: Setting) -> list[Any]:
    """Read a comma-separated text; a list stays as it is."""
    if isinstance(setting.value, str):
        parts = setting.value.split(",")
    else:
        parts = setting.value or []
    texts = [str(part).strip() for part in parts]
    return [text for text in texts if text]
