"""Passwords: hashing them, checking them, and judging new ones."""

import hmac
import re
import unicodedata
from functools import cache
from pathlib import Path

from flask import current_app
from werkzeug.security import check_password_hash, generate_password_hash
from zxcvbn import zxcvbn

# Characters: NIST SP 800-63B-4, where there is no second factor.
PASSWORD_MIN = 15
PASSWORD_MAX = 128
SITE_NAME = "Flask-Login Workbook"


def normalise_password(password: str) -> str:
    """Return the password in Unicode's normal form NFC.

    A Mac sends ü as two characters, Windows as one. RFC 8265, NIST SP 800-63B-4.
    """
    return unicodedata.normalize("NFC", password)


def hash_password(password: str) -> str:
    """Return a slow, salted hash. Nobody can turn it back into the password."""
    method = current_app.config["PASSWORD_HASH_METHOD"]
    return generate_password_hash(normalise_password(password), method=method)


def verify_password(password_hash: str, password: str) -> bool:
    """Return True if this is the password behind the hash."""
    normal = normalise_password(password)
    if hash_matches(password_hash, normal):
        return True
    # An account from before the passwords were normalised: as it was typed.
    return normal != password and hash_matches(password_hash, password)


def hash_matches(password_hash: str, password: str) -> bool:
    """Compare with one hash; also with the tutorial's, which Werkzeug 3 cannot read."""
    if not password_hash.startswith("sha256$"):
        return check_password_hash(password_hash, password)
    _method, salt, expected = password_hash.split("$", 2)
    digest = hmac.digest(salt.encode(), password.encode(), "sha256").hex()
    return hmac.compare_digest(digest, expected)


def dummy_hash() -> str:
    """Return a hash that no password has, and that takes as long to check as others."""
    return current_app.config["PASSWORD_HASH_METHOD"] + "$salt$00"


def is_outdated(password_hash: str) -> bool:
    """Return True if the settings now ask for another way of hashing."""
    method = current_app.config["PASSWORD_HASH_METHOD"]
    return not password_hash.startswith(f"{method}$")


def needs_new_hash(password_hash: str, password: str) -> bool:
    """Return True if the right password is to be hashed anew at this log-in."""
    if is_outdated(password_hash):
        return True
    normal = normalise_password(password)
    return normal != password and not hash_matches(password_hash, normal)


def password_problem(password: str, *about: str) -> str | None:
    """Say in a sentence what is wrong with a new password; None if it is good.

    `about`: the owner's name and address, which are guessed first.
    """
    password = normalise_password(password)
    if len(password) < PASSWORD_MIN:
        return (
            f"Use at least {PASSWORD_MIN} characters. "
            "Four or five unrelated words are easy to remember."
        )
    if len(password) > PASSWORD_MAX:
        return f"Use at most {PASSWORD_MAX} characters."
    if is_common(password) or is_easy_to_guess(password, *about):
        return (
            "That is too easy to guess. "
            "Use four or five unrelated words, and not your own name."
        )
    return None


def is_common(password: str) -> bool:
    """Return True for a favourite password or phrase, however it is decorated.

    Blanks and signs between the words and a number at the end make it no better.
    """
    lower = unicodedata.normalize("NFKC", password).casefold()
    words = re.sub(r"[\W_]+", "", lower)
    spellings = {lower, words, words.rstrip("0123456789")}
    return not spellings.isdisjoint(common_passwords())


@cache
def common_passwords() -> frozenset[str]:
    """Return the passwords in common_passwords.txt, read once."""
    file = Path(__file__).with_name("common_passwords.txt")
    lines = file.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


def is_easy_to_guess(password: str, *about: str) -> bool:
    """Return True if little is left of it without its owner's and the site's names."""
    text = " ".join([*about, SITE_NAME]).casefold()
    personal_words = re.findall(r"[^\W_]{3,}", text)
    rest = "".join(password.casefold().split())
    for word in personal_words:
        rest = rest.replace(word, "")
    if not rest:
        return True
    # zxcvbn is slow on long input, and 32 characters are enough to judge.
    return zxcvbn(rest[:32], user_inputs=personal_words)["score"] < 3
