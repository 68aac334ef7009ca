"""Database models: User and UserSession."""

import secrets
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask_login import UserMixin
from sqlalchemy import ForeignKey, String, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from .database import db, utcnow
from .passwords import (
    dummy_hash,
    hash_password,
    is_outdated,
    needs_new_hash,
    verify_password,
)

DOUBLE_CLICK = timedelta(minutes=1)
VISIT_INTERVAL = timedelta(minutes=1)
IDLE_TIMEOUT = timedelta(minutes=30)
ABSOLUTE_TIMEOUT = timedelta(hours=12)
REMEMBERED_TIMEOUT = timedelta(days=30)
MAX_SESSIONS = 20


def normalise_email(text: str) -> str:
    """Return the address in its normal form; raises EmailNotValidError.

    Letters before the @ must be ASCII: browsers refuse others in an email field.
    """
    options = {"check_deliverability": False, "allow_smtputf8": False}
    return validate_email(text.strip(), **options).normalized


def key_for_email(email: str) -> str:
    """Return the spelling by which addresses are compared.

    Lower case, not casefold(): that turns straße.de into strasse.de, another's domain.
    """
    try:
        spelling = normalise_email(email)
    except EmailNotValidError:
        spelling = email.strip()
    return spelling.lower()


class User(UserMixin, db.Model):
    """An account. Its columns are as long as the forms allow."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))  # for sending mail
    email_key: Mapped[str] = mapped_column(String(254), unique=True)  # for comparing
    website: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    is_active: Mapped[bool] = mapped_column(default=True)  # Flask-Login asks for it
    created: Mapped[datetime] = mapped_column(default=utcnow)
    last_login: Mapped[datetime | None]

    current_session = None  # not a column: the UserSession of this request

    def __repr__(self) -> str:
        return f"<User {self.id}>"  # no name and no address: this ends up in logs

    def __eq__(self, other: object) -> bool:
        """Compare the ids. UserMixin compares get_id(), which may store a session."""
        return isinstance(other, User) and self.id == other.id

    __hash__ = UserMixin.__hash__  # a class that defines __eq__ loses it

    @validates("email")
    def normalise_email_column(self, _column: str, email: str) -> str:
        """Store the normal form, and the key beside it; raises EmailNotValidError."""
        normal = normalise_email(email)
        self.email_key = key_for_email(normal)
        return normal

    def set_password(self, password: str) -> None:
        """Store a password's hash, and the password itself nowhere."""
        self.password_hash = hash_password(password)

    def check_password(self, password: str) -> bool:
        """Return True if this is the user's password."""
        return verify_password(self.password_hash, password)

    def get_id(self) -> str:
        """Return what Flask-Login keeps in the session cookie: the session's token.

        The user's id would open the account for ever; a token can be ended. Code that
        calls login_user without start_session (sessions.py) gets a session as well.
        """
        if self.current_session is None:
            self.current_session = UserSession(user=self)
            db.session.add(self.current_session)
            db.session.commit()
        return self.current_session.token

    @staticmethod
    def find(email: str) -> "User | None":
        """Return the user with this address, in any spelling."""
        statement = select(User).where(User.email_key == key_for_email(email))
        return db.session.scalar(statement)

    @staticmethod
    def authenticate(email: str, password: str) -> "User | None":
        """Return the user with this address and password, or None.

        Also notes the log-in, and stores a new hash if one is due. This locks the
        user's row until the caller commits.
        """
        user = User.find(email)
        if user is None:
            verify_password(dummy_hash(), password)  # no user enumeration by timing
            return None
        if is_outdated(user.password_hash):
            # An old hash may be quick to check: take at least as long as for others.
            verify_password(dummy_hash(), password)
        if not user.check_password(password):
            return None
        password_hash = user.password_hash
        if needs_new_hash(password_hash, password):
            password_hash = hash_password(password)
        values = {"last_login": utcnow(), "password_hash": password_hash}
        if user.update_if_password_unchanged(**values):
            return user
        db.session.commit()  # nothing was changed; this lets go of SQLite's lock
        db.session.expire(user)
        return User.authenticate(email, password)

    def update_if_password_unchanged(self, **values: object) -> bool:
        """Update this row; False if its password was changed since it was read.

        Optimistic locking: checking a password takes long, and another request may
        change it meanwhile. A successful update locks the row until the commit.
        """
        statement = (
            update(User)
            .where(User.id == self.id, User.password_hash == self.password_hash)
            .values(**values)
        )
        return db.session.execute(statement).rowcount == 1

    def all_sessions(self) -> list["UserSession"]:
        """Return the user's sessions, the newest first."""
        statement = select(UserSession).where(UserSession.user_id == self.id)
        return list(db.session.scalars(statement.order_by(UserSession.id.desc())))

    def delete_old_sessions(self) -> None:
        """Delete expired sessions, and the oldest if there are too many.

        The caller commits.
        """
        rows = self.all_sessions()
        old = rows[MAX_SESSIONS:]
        old += [row for row in rows[:MAX_SESSIONS] if row.has_expired()]
        delete_sessions(old)


def new_token() -> str:
    """Return a random session token of 256 bits."""
    return secrets.token_hex(32)


class UserSession(db.Model):
    """One log-in on one device.

    The session cookie holds the token. Deleting the row invalidates every copy of it.
    """

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True, default=new_token)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    created: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen: Mapped[datetime] = mapped_column(default=utcnow)
    user_agent: Mapped[str] = mapped_column(String(255), default="")
    remembered: Mapped[bool] = mapped_column(default=False)
    # The CSRF secret of the page: two clicks on its button send the same one.
    login_page: Mapped[str | None] = mapped_column(String(64))
    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)  # in one query

    def has_expired(self) -> bool:
        """Return True if the idle or the absolute timeout has passed."""
        if self.remembered:
            idle_timeout = REMEMBERED_TIMEOUT
            absolute_timeout = REMEMBERED_TIMEOUT
        else:
            idle_timeout = IDLE_TIMEOUT
            absolute_timeout = ABSOLUTE_TIMEOUT
        now = utcnow()
        is_idle = now - self.last_seen >= idle_timeout
        return is_idle or now - self.created >= absolute_timeout

    def end(self) -> None:
        """Log this device out. The caller commits."""
        delete_sessions([self])
        current_app.logger.info(
            "Account %s: session %s was ended", self.user_id, self.id
        )


def delete_sessions(rows: list[UserSession]) -> None:
    """Delete these rows. The caller commits."""
    ids = [row.id for row in rows]
    for start in range(0, len(ids), 1000):  # databases limit the length of a statement
        some_ids = ids[start : start + 1000]
        db.session.execute(delete(UserSession).where(UserSession.id.in_(some_ids)))
