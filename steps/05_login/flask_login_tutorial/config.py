"""The settings: read from the environment and checked once, when the app is made."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from click import ClickException
from dotenv import dotenv_values
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

ENV_FILE = Path(__file__).parent.parent / ".env"
NEW_KEY = 'python3 -c "import secrets; print(secrets.token_hex(32))"'
PLACEHOLDERS = ("changeme", "change-me", "change_me", "replace", "placeholder", "example", "secret", "password")

DEFAULTS = {
    "SECRET_KEY": "",
    "SECRET_KEY_FALLBACKS": "",
    "SESSION_COOKIE_SECURE": "1",
    "TRUSTED_HOSTS": "",
    "PROXY_COUNT": "0",
    "SQLALCHEMY_DATABASE_URI": "sqlite:///workbook.db",
    "RATELIMIT_STORAGE_URI": "memory://",
}

FIXED = {
    "SESSION_COOKIE_HTTPONLY": True,  # no script can read the cookie
    "SESSION_COOKIE_SAMESITE": "Lax",  # other sites cannot send it with a POST
    "MAX_CONTENT_LENGTH": 64 * 1024,  # bytes; a form has no business being larger
    "WTF_CSRF_TIME_LIMIT": None,  # a form is good as long as the session: a page left open must still log out
    # N=2^15, r=8, p=3: OWASP's minimum for scrypt at this N. Werkzeug's own default has p=1.
    "PASSWORD_HASH_METHOD": "scrypt:32768:8:3",
    "SQLALCHEMY_ENGINE_OPTIONS": {
        "hide_parameters": True,  # else a failed INSERT writes the password hash into the log
        "pool_pre_ping": True,  # after the database was away, the next request works again
    },
    "REMEMBER_COOKIE_DURATION": timedelta(days=30),
    "REMEMBER_COOKIE_SAMESITE": "Lax",
    "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,  # without its Redis the app still counts, each process for itself
    "RATELIMIT_SWALLOW_ERRORS": True,  # nor does the request fail that was under way when the Redis went
    "RATELIMIT_STORAGE_OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},  # seconds, if it is a Redis
}


class ConfigError(ClickException):
    """A setting is missing or unsafe. A ClickException, so `flask` prints the one line and no traceback."""


def load_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings from, in rising order: our defaults, the .env file, the environment, `given`.

    Raises ConfigError, which names the setting and says what to do.
    """
    environment = {**dotenv_values(ENV_FILE), **os.environ}
    found = {name: environment[name] for name in DEFAULTS if environment.get(name)}
    config = {**DEFAULTS, **FIXED, **found, **given}

    config["SECRET_KEY_FALLBACKS"] = as_list(config["SECRET_KEY_FALLBACKS"])
    check_key("SECRET_KEY", config["SECRET_KEY"])
    for key in config["SECRET_KEY_FALLBACKS"]:
        check_key("SECRET_KEY_FALLBACKS", key)  # a weak old key forges cookies as well as a weak new one

    config["SESSION_COOKIE_SECURE"] = as_bool("SESSION_COOKIE_SECURE", config["SESSION_COOKIE_SECURE"])
    # Browsers refuse a __Host- cookie unless it is Secure and set by this very host.
    prefix = "__Host-" if config["SESSION_COOKIE_SECURE"] else ""
    config["SESSION_COOKIE_NAME"] = f"{prefix}session"
    config["REMEMBER_COOKIE_NAME"] = f"{prefix}remember"
    config["REMEMBER_COOKIE_SECURE"] = config["SESSION_COOKIE_SECURE"]

    config["TRUSTED_HOSTS"] = as_list(config["TRUSTED_HOSTS"]) or None
    if not str(config["PROXY_COUNT"]).isdecimal():
        raise ConfigError("PROXY_COUNT is the number of proxies in front of the app: 0, 1, 2, ...")
    config["PROXY_COUNT"] = int(config["PROXY_COUNT"])
    check_database(config["SQLALCHEMY_DATABASE_URI"])
    return config


def check_key(name: str, key: object) -> None:
    """Refuse a key that somebody could guess: whoever has it can sign a cookie for any account."""
    if not isinstance(key, str) or not key:
        problem = "is missing"
    elif len(key) < 32:
        problem = "is shorter than 32 characters"
    elif len(set(key)) < 8 or any(word in key.lower() for word in PLACEHOLDERS):
        problem = "is a placeholder, not a secret"
    else:
        return
    raise ConfigError(f"{name} {problem}. Make a key with\n    {NEW_KEY}\nand put it into {ENV_FILE} as {name}=...")


def check_database(uri: object) -> None:
    """Refuse an address that no installed driver can open. Never prints it: it may hold a password."""
    try:
        make_url(uri).get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ImportError, AttributeError, ValueError):
        raise ConfigError(
            "SQLALCHEMY_DATABASE_URI is malformed, or its driver is not installed. .env.example shows how it looks;\n"
            "the drivers: pip install 'psycopg[binary]' for postgresql+psycopg, pip install pymysql for mysql+pymysql"
        ) from None  # the error may quote the address


def as_bool(name: str, value: object) -> bool:
    """Read 1/0, true/false, yes/no or on/off; anything else is a ConfigError, not a guess."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise ConfigError(f"{name} is {value!r}. Write 1 for yes or 0 for no.")
    return words[str(value).lower()]


def as_list(value: object) -> list[Any]:
    """Read a comma-separated text; a list stays as it is."""
    parts = value.split(",") if isinstance(value, str) else value or []
    return [part.strip() for part in parts if part.strip()]
