"""What the measurements share: one figure, the apps to measure, and requests without a
network in between.
"""

import contextlib
import secrets
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, make_url, text
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.support.harness import CONFIG, HOST, STEPS
from tests.system.servers import PostgreSQL, new_database, usable

AGENT = "Firefox on Linux"
SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"


@dataclass(frozen=True)
class Figure:
    """One number that was measured, and the one that was promised."""

    what: str
    value: float
    unit: str = ""
    limit: float | None = None
    at_least: bool = False  # whether the limit is a floor; else a ceiling
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether it keeps to the limit."""
        if self.limit is None:
            return ""
        holds = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "holds" if holds else "falls short"

    @property
    def promised(self) -> str:
        """The limit in words."""
        if self.limit is None:
            return ""
        return f"{'at least' if self.at_least else 'at most'} {self.limit:g} {self.unit}".strip()


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[Callable[[str], str]]:
    """Make databases by name: on the server of this machine if it answers, else on a
    private one.
    """
    if usable(PostgreSQL.shared):
        yield lambda name: new_database(PostgreSQL.shared, name)
    else:
        with PostgreSQL(folder / "postgresql") as server:
            yield server.new_database


def make_app(database_uri: str, **config: Any) -> Flask:
    """Step 06 with the suites' settings; its hash is a cheap one unless `config` says
    otherwise.
    """
    app = STEPS[6].module.create_app(
        {**CONFIG, "SQLALCHEMY_DATABASE_URI": database_uri, **config}
    )
    with app.app_context():
        STEPS[6].module.models.db.create_all()
    return app


def fill(database_uri: str, accounts: int) -> None:
    """Write so many accounts, each logged in once: `token` of number 7 is its number,
    padded to 64 digits.
    """
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    later = now + timedelta(
        hours=1
    )  # nothing is written while we measure: `last_seen` is due once a minute
    postgres = make_url(database_uri).get_backend_name() == "postgresql"
    numbers = "SELECT generate_series(1, :accounts) AS n" if postgres else (
        "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :accounts)"
        " SELECT n FROM numbers"
    )  # fmt: skip
    token = "lpad(n::text, 64, '0')" if postgres else "printf('%064d', n)"
    engine = create_engine(database_uri)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO users (id, name, email, email_key, password_hash, is_active, created)"
                " SELECT n, 'Member ' || n, 'member' || n || '@example.com', 'member' || n || '@example.com', 'x',"
                f" :yes, :now FROM ({numbers}) AS s"
            ),
            {"accounts": accounts, "yes": True, "now": now},
        )
        connection.execute(
            text(
                "INSERT INTO user_sessions (token, user_id, created, last_seen, user_agent, remembered, networks)"
                f" SELECT {token}, n, :now, :later, :agent, :no, :network FROM ({numbers}) AS s"
            ),
            {
                "accounts": accounts,
                "now": now,
                "later": later,
                "agent": AGENT,
                "no": False,
                "network": "192.0.2.1",
            },
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def token_of(number: int) -> str:
    """The token that `fill` gave this account."""
    return f"{number:064}"


def member_request(
    app: Flask, path: str, token: str, ip: str = "192.0.2.1"
) -> dict[str, Any]:
    """The WSGI environment of a request by the member with this token."""
    builder = EnvironBuilder(
        path, base_url=f"https://{HOST}/", headers={"User-Agent": AGENT}
    )
    environ = {**builder.get_environ(), "REMOTE_ADDR": ip}
    session = {"_user_id": token, "_fresh": True, "csrf_token": secrets.token_hex(20)}
    value = app.session_interface.get_signing_serializer(app).dumps(session)
    environ["HTTP_COOKIE"] = f"{app.config['SESSION_COOKIE_NAME']}={value}"
    return environ


def ask(app: Flask, environ: dict[str, Any]) -> None:
    """One request to the app, answered in full; raises RuntimeError if it is not a
    page.
    """
    body, status, _headers = run_wsgi_app(app.wsgi_app, environ.copy(), buffered=True)
    if not status.startswith("200") or not b"".join(body):
        raise RuntimeError(f"{environ['PATH_INFO']} answered {status}")


def rate(do: Callable[[], Any], seconds: float) -> float:
    """How many times a second it can be done."""
    count = 0
    spent = 0.0
    start = time.perf_counter()
    while spent < seconds:
        do()
        count += 1
        spent = time.perf_counter() - start
    return count / spent


def took(do: Callable[[], Any]) -> float:
    """How long it takes, in seconds."""
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


def median_ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the ratios of what was measured side by side: a machine that is
    busy slows both.
    """
    return statistics.median(a / b for a, b in zip(over, under, strict=True))
