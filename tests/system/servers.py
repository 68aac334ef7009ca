"""Real servers for the proof, each on a free port of 127.0.0.1, in a folder of its own,
and gone afterwards.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import redis
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

ROOT = Path(__file__).parent.parent.parent
SECRET_KEY = "7c0e41d9a5f3b862" * 2
PATIENCE = 60  # seconds; nothing here takes so long unless it is broken
# Debian keeps these out of the PATH.
PLACES = [
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    "/usr/sbin",
    "/sbin",
]


class AbsentError(Exception):
    """A program is missing. It says which package has it: a proof that is skipped
    proves nothing.
    """


def program(name: str, package: str) -> str:
    """Where this program is; raises AbsentError if it is nowhere."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *PLACES]))
    if not found:
        raise AbsentError(
            f"{name} is not installed. On Debian: apt-get install {package}. "
            "Or run .ci/system, which does it."
        )
    return found


def free_port() -> int:
    """A port nobody listens on, below those that connections leave from: it has to be
    free again after a restart.
    """
    return next(
        port for port in random.sample(range(20000, 30000), 1000) if not answers(port)
    )


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def wait_for(
    what: str, ready: Callable[[], Any], process: subprocess.Popen | None = None
) -> None:
    """Ask until it is true. Raises TimeoutError if it never is, or at once if the
    process has ended.
    """
    limit = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > limit or (process and process.poll() is not None):
            raise TimeoutError(f"{what} did not come")
        time.sleep(0.02)


class Server:
    """A program that runs until it is told to stop. Its output is in `folder`/log."""

    user: str | None = None  # whom it runs as where we are root: some refuse to be root
    plug = signal.SIGKILL

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.process: subprocess.Popen | None = None

    def command(self) -> list[str]:
        """What to run."""
        raise TypeError("a Server says what it runs")

    @property
    def as_user(self) -> dict[str, Any]:
        """Keywords for subprocess."""
        return (
            {"user": self.user, "group": self.user, "extra_groups": []}
            if self.user and os.geteuid() == 0
            else {}
        )

    def ready(self) -> bool:
        """Whether it can be used."""
        return answers(self.port)

    def start(self, **keywords: Any) -> "Server":
        """Run it, and wait until it can be used."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.as_user,
                **keywords,
            )
        try:
            wait_for(type(self).__name__, self.ready, self.process)
        except TimeoutError as error:
            self.stop()
            said = self.log.read_text(errors="replace")[-2000:]
            raise TimeoutError(f"{error}. The end of its log:\n{said}") from None
        return self

    @property
    def log(self) -> Path:
        """What it has printed."""
        return self.folder / "log"

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Send it this signal and wait until it is gone; safe to repeat."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def crash(self) -> None:
        """Pull the plug: nothing is finished, nothing is tidied up."""
        self.stop(self.plug)

    def __enter__(self) -> "Server":
        return self if self.process else self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()


class Database(Server):
    """A database server; `uri` leads to its own administration, `new_database` to a
    fresh one.
    """

    uri: URL

    def ready(self) -> bool:
        """Whether it lets us in."""
        return usable(self.uri)

    def new_database(self, name: str = "proof") -> str:
        """Make an empty database, in place of any of that name; return its address."""
        return new_database(self.uri, name)


class PostgreSQL(Database):
    """A private PostgreSQL that trusts everybody on this machine. Data survives a stop,
    as it should.
    """

    user = "postgres"
    plug = (
        signal.SIGQUIT
    )  # a SIGKILL would leave its children behind; this has them drop everything too
    shared = make_url("postgresql+psycopg://postgres@127.0.0.1:5432/postgres")

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.uri = self.shared.set(port=self.port)
        self.data = self.folder / "data"
        if not self.data.exists():
            own(self.folder, self.user)
            initdb = [
                program("initdb", "postgresql"),
                "-D",
                self.data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
            ]
            run([*initdb, "--locale=C.UTF-8", "--no-sync"], **self.as_user)

    def command(self) -> list[str]:
        """The server, in the foreground."""
        return [
            program("postgres", "postgresql"),
            "-D",
            self.data,
            "-p",
            str(self.port),
            "-h",
            "127.0.0.1",
            "-k",
            "",
            # The disk may be late: a process that is stopped loses nothing by it.
            "-c",
            "fsync=off",
        ]

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT ends every connection and shuts down; SIGTERM would wait until the app
        has left.
        """
        super().stop(how)


class MariaDB(Database):
    """A private MariaDB whose root needs no password."""

    user = "mysql"
    shared = make_url("mysql+pymysql://root@127.0.0.1:3306/?charset=utf8mb4")

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.uri = self.shared.set(port=self.port)
        self.data = self.folder / "data"
        if not self.data.exists():
            own(self.folder, self.user)
            install = [
                program("mariadb-install-db", "mariadb-server"),
                "--no-defaults",
                f"--datadir={self.data}",
            ]
            run(
                [
                    *install,
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                ],
                **self.as_user,
            )

    def command(self) -> list[str]:
        """The server, in the foreground."""
        options = [
            f"--datadir={self.data}",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            # The disk may be late: a process that is stopped loses nothing by it.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
        ]
        where = [f"--port={self.port}", "--bind-address=127.0.0.1"]
        return [
            program("mariadbd", "mariadb-server"),
            "--no-defaults",
            *options,
            *where,
        ]


class Redis(Server):
    """A private Redis that keeps nothing."""

    def command(self) -> list[str]:
        """The server, in the foreground."""
        server = [
            program("redis-server", "redis-server"),
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
        ]
        return [*server, "--save", "", "--appendonly", "no", "--dir", str(self.folder)]

    @property
    def uri(self) -> str:
        """For RATELIMIT_STORAGE_URI."""
        return f"redis://127.0.0.1:{self.port}"

    def keys(self) -> int:
        """How many counters it holds."""
        with redis.Redis(port=self.port) as client:
            return client.dbsize()


class App(Server):
    """A step under gunicorn, set up by the environment alone, as on a real site."""

    def __init__(
        self,
        folder: Path,
        database_uri: str,
        port: int | None = None,
        **environment: str,
    ) -> None:
        super().__init__(folder, port)
        self.where, self.module = ROOT / "steps" / "06_protected", "wsgi:app"
        self.workers = ["--workers", "4", "--threads", "4"]
        self.environment = {
            **{
                name: value
                for name, value in os.environ.items()
                if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
            },
            # a __pycache__ in the steps would show in their diffs
            "PYTHONDONTWRITEBYTECODE": "1",
            "SECRET_KEY": SECRET_KEY,
            "SESSION_COOKIE_SECURE": "0",  # here the visitors come without TLS
            "SQLALCHEMY_DATABASE_URI": database_uri,
            **environment,
        }

    def cheaply(self) -> "App":
        """Hash passwords in a hundredth of the time, for tests that want many requests
        and not many hashes.
        """
        self.where, self.module = Path(__file__).parent, "cheap:app"
        return self

    def command(self) -> list[str]:
        """Gunicorn, with several processes that share nothing but the database."""
        server = [
            sys.executable,
            "-m",
            "gunicorn",
            "--bind",
            f"127.0.0.1:{self.port}",
            "--no-control-socket",
        ]
        return [*server, *self.workers, self.module]

    def start(self, **keywords: Any) -> "App":
        """Run it in the step's own folder."""
        super().start(cwd=self.where, env=self.environment, **keywords)
        return self

    def ready(self) -> bool:
        """Whether it answers. The port is open long before the app is imported."""
        if not super().ready():
            return False
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        host = self.environment.get("TRUSTED_HOSTS", "localhost")
        with closing(connection):
            try:
                connection.request("GET", "/static/style.css", headers={"Host": host})
                connection.getresponse()
            except (OSError, HTTPException):
                return False
        return True

    def flask(self, *arguments: str, **environment: str) -> str:
        """Run one of the app's own commands; return what it printed."""
        flask = [sys.executable, "-m", "flask", "--app", self.module, *arguments]
        return run(flask, cwd=self.where, env={**self.environment, **environment})

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT does not wait for connections that are open and idle."""
        super().stop(how)

    def pids(self) -> list[int]:
        """Its worker processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]


class Nginx(Server):
    """An nginx that includes one file of servers, such as the one of the deployment
    page.
    """

    def __init__(self, folder: Path, servers: str, port: int) -> None:
        super().__init__(folder, port)
        folders = "\n".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.config = folder / "nginx.conf"
        self.config.write_text(
            f"pid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log {folder}/access.log;\n{folders}\n{servers}\n}}\n"
        )

    def command(self) -> list[str]:
        """The server, in the foreground."""
        return [*self.nginx(), "-g", "daemon off;"]

    def nginx(self) -> list[str]:
        """The program with this configuration."""
        return [
            program("nginx", "nginx"),
            "-c",
            str(self.config),
            "-p",
            str(self.folder),
            "-e",
            f"{self.folder}/log",
        ]


def own(folder: Path, user: str) -> None:
    """Give a folder to the user a server runs as; only root can, and only root must."""
    if os.geteuid() == 0:
        shutil.chown(folder, user, user)


def run(command: list[Any], **keywords: Any) -> str:
    """Run a command to its end; raises RuntimeError with all it printed if it fails."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE,
        **keywords,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
    return done.stdout


def usable(uri: URL) -> bool:
    """Whether a database server is there and lets us in."""
    engine = create_engine(uri)
    try:
        engine.connect().close()
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True


def new_database(server: URL, name: str) -> str:
    """Make an empty database on this server, in place of any of that name; return its
    address.
    """
    drop_database(server, name)
    administer(server, f"CREATE DATABASE {name}")
    return server.set(database=name).render_as_string(hide_password=False)


def drop_database(server: URL, name: str) -> None:
    """Leave a server as it was found."""
    force = " WITH (FORCE)" if server.get_backend_name() == "postgresql" else ""
    administer(server, f"DROP DATABASE IF EXISTS {name}{force}")


def administer(server: URL, statement: str) -> None:
    """Run one statement outside any transaction."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def query(uri: str, sql: str, **values: Any) -> list[Mapping[str, Any]]:
    """Run SQL in a database, to see what is stored or to age it; commits."""
    engine = create_engine(uri)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(sql), values)
            return [row._mapping for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


def sessions_of(uri: str, email: str) -> list[Any]:
    """The rows of this member's log-ins."""
    rows = (
        "SELECT user_sessions.* FROM user_sessions JOIN users ON users.id = user_id"
        " WHERE lower(email) = :email"
    )
    return query(uri, rows, email=email)
