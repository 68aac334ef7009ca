"""Database model: User."""

from datetime import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column, validates

from .database import db, utcnow
from .passwords import hash_password, verify_password


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


class User(db.Model):
    """An account. Its columns are as long as the forms allow."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))  # for sending mail
    email_key: Mapped[str] = mapped_column(String(254), unique=True)  # for comparing
    website: Mapped[str | None] = mapped_column(String(255))
    password_hash: Mapped[str] = mapped_column(String(255))
    created: Mapped[datetime] = mapped_column(default=utcnow)
    last_login: Mapped[datetime | None]

    def __repr__(self) -> str:
        return f"<User {self.id}>"  # no name and no address: this ends up in logs

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

    @staticmethod
    def find(email: str) -> "User | None":
        """Return the user with this address, in any spelling."""
        statement = select(User).where(User.email_key == key_for_email(email))
        return db.session.scalar(statement)
