"""The servers that the proof runs on: those of this machine where they let us in, else
private ones.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from tests.system.servers import (
    Database,
    MariaDB,
    PostgreSQL,
    drop_database,
    new_database,
    usable,
)

KINDS = {"postgresql": PostgreSQL, "mariadb": MariaDB}
DATABASES = ["sqlite", *KINDS]
# MariaDB's default was OFF, and is ON from 11.6.2 on: each changes what two requests at
# once see of each other.
SNAPSHOT_ISOLATION = {
    "mariadb": "SET SESSION innodb_snapshot_isolation = OFF",
    "mariadb-snapshot": "SET SESSION innodb_snapshot_isolation = ON",
}


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for the servers' data, which other users may pass through: PostgreSQL
    refuses to run as root.
    """
    with tempfile.TemporaryDirectory(
        prefix="proof-", ignore_cleanup_errors=True
    ) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def servers(folder: Path) -> Iterator[dict[str, URL]]:
    """The database servers by name; starts and stops those that do not answer."""
    found, ours = {}, []
    try:
        for name, kind in KINDS.items():
            if not usable(kind.shared):
                ours.append(kind(folder / name).start())
            found[name] = (
                ours[-1].uri if ours and isinstance(ours[-1], kind) else kind.shared
            )
        yield found
    finally:
        for server in ours:
            server.stop()


@pytest.fixture(scope="module", params=DATABASES)
def database_uri(
    request: pytest.FixtureRequest, folder: Path, servers: dict[str, URL]
) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        path = folder / "proof.db"
        path.unlink(missing_ok=True)
        yield f"sqlite:///{path}"
        return
    server = servers[request.param.partition("-")[0]]
    name = f"proof_{os.getpid()}"
    uri = make_url(new_database(server, name))
    if command := SNAPSHOT_ISOLATION.get(request.param):
        uri = uri.update_query_dict({"init_command": command})
    yield uri.render_as_string(hide_password=False)
    drop_database(server, name)


@pytest.fixture(params=list(KINDS))
def private_server(request: pytest.FixtureRequest, folder: Path) -> Iterator[Database]:
    """A database server that may be stopped: nobody else uses it."""
    with KINDS[request.param](folder / f"private-{request.param}") as server:
        yield server
