"""The site of DEPLOY.md as processes on this machine: nginx, two app servers,
PostgreSQL, Redis.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.system.load import Browser
from tests.system.servers import (
    ROOT,
    App,
    Nginx,
    PostgreSQL,
    Redis,
    free_port,
    new_database,
    program,
    query,
    run,
)

DEPLOY = ROOT / "steps" / "06_protected" / "deploy"
HOST = "workbook.example"

_visitors = count()


@dataclass
class Site:
    """The parts, and ways in."""

    apps: list[App]
    proxy: Nginx
    counters: Redis
    tls: ssl.SSLContext
    plain_port: int

    def visitor(self, ip: str | None = None, **headers: str | None) -> Browser:
        """Somebody who comes in by the front door, from an address nobody has come
        from.
        """
        return Browser(
            self.proxy.port,
            ip=ip or self.address(),
            host=HOST,
            tls=self.tls,
            headers=headers,
        )

    def visitor_of(self, app: App, ip: str | None = None) -> Browser:
        """Somebody whom nginx has sent to this app server."""
        forwarded = {
            "X-Forwarded-For": ip or self.address(),
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": HOST,
        }
        return Browser(
            app.port, host=HOST, headers={**forwarded, "Referer": f"https://{HOST}/"}
        )

    def address(self) -> str:
        """One that was not used yet."""
        number = next(_visitors)
        return f"127.5.{number // 250}.{number % 250 + 1}"


@pytest.fixture(scope="session")
def site(folder: Path) -> Iterator[Site]:
    """All of it, started in the page's order."""
    with ExitStack() as running:
        database = running.enter_context(PostgreSQL(folder / "deploy-database"))
        owner_uri, app_uri = accounts(database)
        counters = running.enter_context(Redis(folder / "deploy-redis"))
        apps = [
            App(
                folder / f"deploy-app{number}",
                app_uri,
                SESSION_COOKIE_SECURE="1",
                TRUSTED_HOSTS=HOST,
                PROXY_COUNT="1",
                RATELIMIT_STORAGE_URI=counters.uri,
            ).cheaply()
            for number in (1, 2)
        ]
        apps[0].flask("init-db", SQLALCHEMY_DATABASE_URI=owner_uri)
        for app in apps:
            app.workers = ["--workers", "2", "--threads", "4"]
            running.enter_context(app)
        tls, plain_port = certificate(folder), free_port()
        proxy = running.enter_context(nginx(folder, apps, plain_port))
        yield Site(apps, proxy, counters, tls, plain_port)


def accounts(database: PostgreSQL) -> tuple[str, str]:
    """Do what the image of the database does at its first start; return the owner's
    address and the app's.
    """
    query(
        database.uri.render_as_string(hide_password=False),
        "CREATE ROLE owner SUPERUSER LOGIN",
    )
    new_database(database.uri, "workbook")
    run(
        [str(DEPLOY / "app-account.sh")],
        env={
            "PATH": os.pathsep.join(
                [
                    str(Path(program("psql", "postgresql-client")).parent),
                    os.environ["PATH"],
                ]
            ),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(database.port),
            "POSTGRES_USER": "owner",
            "POSTGRES_DB": "workbook",
            "APP_DATABASE_PASSWORD": "0123456789abcdef",
        },
    )
    uri = database.uri.set(database="workbook")
    return tuple(
        uri.set(username=name).render_as_string(hide_password=False)
        for name in ("owner", "app")
    )


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for the site, and a browser that trusts it."""
    (folder / "tls").mkdir()
    key, chain = folder / "tls" / "privkey.pem", folder / "tls" / "fullchain.pem"
    new = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    name = [
        "-subj",
        f"/CN={HOST}",
        "-addext",
        f"subjectAltName=DNS:{HOST},IP:127.0.0.1",
    ]
    run([program("openssl", "openssl"), *new, *name, "-keyout", key, "-out", chain])
    return ssl.create_default_context(cafile=chain)


def nginx(folder: Path, apps: list[App], plain_port: int) -> Nginx:
    """The page's own nginx.conf, with the names in it filled in as a reader would."""
    port = free_port()
    servers = (DEPLOY / "nginx.conf").read_text()
    for ours, here in (
        ("app1:8000", f"127.0.0.1:{apps[0].port}"),
        ("app2:8000", f"127.0.0.1:{apps[1].port}"),
        ("listen 8080", f"listen 127.0.0.1:{plain_port}"),
        ("listen 8443", f"listen 127.0.0.1:{port}"),
        ("/etc/nginx/tls", f"{folder}/tls"),
    ):
        assert ours in servers, f"nginx.conf does not mention {ours}"
        servers = servers.replace(ours, here)
    return Nginx(folder / "deploy-nginx", servers, port)
