"""The measurements.

Each compares two things in turns, in the same minute on the same machine; medians
throughout.
"""

import itertools
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from werkzeug.security import generate_password_hash

from tests.support.harness import CONFIG, HOST, ROOT, STEPS
from tests.system.load import PASSWORD, Browser, Load, memory, quarter, sample, together
from tests.system.servers import App, Redis

from . import bare
from .common import (
    AGENT,
    POSTGRESQL,
    SQLITE,
    Figure,
    ask,
    fill,
    make_app,
    median_ratio,
    member_request,
    postgresql,
    rate,
    token_of,
    took,
)

METHOD = "scrypt:32768:8:3"  # what step 06 hashes with
CORES = 2  # workers, and processes that hash
THREADS = 2  # in each of them: one hashes while the other reads and writes


def page(folder: Path, quick: bool) -> Iterator[Figure]:
    """The dashboard of a member against a bare view with the same cookie and the same
    query: see bare.py.
    """
    seconds, rounds = (0.3, 5) if quick else (1, 20)
    with postgresql(folder) as new_database:
        for database, uri in (
            (SQLITE, f"sqlite:///{folder}/page.db"),
            (POSTGRESQL, new_database("bench_page")),
        ):
            app = make_app(uri)
            fill(uri, 100)
            limit = bare.create_app(uri, app.secret_key)
            calls = {
                "app": asking(app, "/dashboard"),
                "page": asking(limit, "/page"),
                "plain": asking(limit, "/plain"),
            }
            each, share = side_by_side(calls, seconds, rounds)
            note = f"{each['app']:.0f} a second against {each['page']:.0f}; one process, no network"
            yield Figure(
                f"logged-in page, of a bare view's rate, {database}",
                share["page"],
                "%",
                60,
                True,
                note,
            )
            note = f"against {each['plain']:.0f}: SQL by hand, no model and no template"
            yield Figure(
                f"the same, of a line of text's rate, {database}",
                share["plain"],
                "%",
                note=note,
            )
            yield from served_page(folder, database, uri, seconds, rounds)


def served_page(
    folder: Path, database: str, uri: str, seconds: float, rounds: int
) -> Iterator[Figure]:
    """The same two pages under gunicorn, one worker each, over HTTP."""
    app, limit = App(folder / "app", uri), App(folder / "limit", uri)
    app.workers = limit.workers = ["--workers", "1"]
    app.environment["SECRET_KEY"] = limit.environment["SECRET_KEY"] = CONFIG[
        "SECRET_KEY"
    ]
    limit.where, limit.module = (
        ROOT,
        f"maintenance.benchmarks.bare:create_app({uri!r}, {CONFIG['SECRET_KEY']!r})",
    )
    limit.environment["PYTHONPATH"] = str(ROOT)
    app.environment["SESSION_COOKIE_SECURE"] = "1"
    with app, limit:
        cookie = member_request(
            make_app(uri), "/dashboard", token_of(7), ip="127.0.0.1"
        )["HTTP_COOKIE"]
        calls = {
            "app": calling(app.port, "/dashboard", cookie),
            "page": calling(limit.port, "/page", cookie),
        }
        each, share = side_by_side(calls, seconds, rounds)
    note = f"{each['app']:.0f} a second against {each['page']:.0f}; one gunicorn worker each"
    yield Figure(
        f"the same under gunicorn, {database}", share["page"], "%", 60, True, note
    )


def calling(port: int, path: str, cookie: str) -> Callable[[], None]:
    """Ask a server for this page again and again."""
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {HOST}",
        f"User-Agent: {AGENT}",
        f"Cookie: {cookie}",
        "Connection: close",
    )
    request = "\r\n".join([*lines, "", ""]).encode()

    def call() -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path} answered {answer[:200]!r}")

    return call


def side_by_side(
    calls: dict[str, Callable[[], None]], seconds: float, rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Call each in turns: the median rate of each, and what "app" has of each of them,
    in percent.
    """
    for call in calls.values():
        rate(call, 0.3)  # warm
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            rates[name].append(rate(call, seconds))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return medians, {
        name: 100 * median_ratio(rates["app"], values) for name, values in rates.items()
    }


def asking(app: Flask, path: str) -> Callable[[], None]:
    """Ask for this page again and again, as the same member."""
    request = member_request(app, path, token_of(7))
    return lambda: ask(app, request)


def hash_for(seconds: float) -> float:
    """Hash in two threads of this process, as a worker does; how many a second."""
    with ThreadPoolExecutor(THREADS) as threads:
        return sum(
            threads.map(
                lambda _: rate(
                    lambda: generate_password_hash(PASSWORD, METHOD), seconds
                ),
                range(THREADS),
            )
        )


def addresses() -> Iterator[str]:
    """IP addresses of this machine's own, a new one each time: rate limits count by
    network.
    """
    return (
        f"127.{a}.{b}.{c}"
        for a, b, c in itertools.product(range(1, 255), range(255), range(1, 255))
    )


def served(folder: Path, uri: str, *workers: str) -> App:
    """Step 06 under gunicorn, with one account to log in with."""
    app = App(folder / "app", uri)
    app.workers = list(workers)
    app.flask("init-db")
    app.start()
    if Browser(app.port).signing_up("ada@example.com")().status != 302:
        raise RuntimeError("nobody can sign up")
    return app


def logging_in(
    app: App, where: Iterator[str], lock: threading.Lock
) -> Callable[[str], int]:
    """Send the log-in form again and again, without the page before it, each time as a
    new visitor.
    """
    first = Browser(app.port)
    token = re.search(
        r'name="csrf_token"[^>]*value="([^"]+)"', first.get("/login").text
    )[1]

    def send(password: str = PASSWORD, email: str = "ada@example.com") -> int:
        with lock:
            browser = Browser(app.port, ip=next(where))
        browser.cookies = dict(first.cookies)
        return browser.request(
            "POST",
            "/login",
            {"csrf_token": token, "email": email, "password": password},
        ).status

    return send


def login(folder: Path, quick: bool) -> Iterator[Figure]:
    """Log-ins a second under gunicorn with two workers, against hashes a second in two
    processes, in turns.
    """
    seconds, rounds = (4, 3) if quick else (20, 9)
    with postgresql(folder) as new_database, ProcessPoolExecutor(CORES) as processes:
        app = served(
            folder,
            new_database("bench_login"),
            "--workers",
            str(CORES),
            "--threads",
            str(THREADS),
        )
        with app, ThreadPoolExecutor(CORES * THREADS) as visitors:
            send = logging_in(app, addresses(), threading.Lock())
            hashes, logins = [], []
            for _ in range(rounds):
                hashes.append(sum(processes.map(hash_for, [seconds] * CORES)))
                logins.append(
                    sum(
                        visitors.map(
                            lambda _: log_in_for(send, seconds), range(CORES * THREADS)
                        )
                    )
                )
    note = f"{statistics.median(logins):.1f} a second against {statistics.median(hashes):.1f}, on {CORES} cores"
    yield Figure(
        "log-ins, of the rate of hashes",
        100 * median_ratio(logins, hashes),
        "%",
        90,
        True,
        note,
    )


def log_in_for(send: Callable[[], int], seconds: float) -> float:
    """Log in one after the other; how many a second."""

    def once() -> None:
        if (status := send()) != 302:
            raise RuntimeError(f"a log-in was answered with {status}")

    return rate(once, seconds)


def accounts(folder: Path, quick: bool) -> Iterator[Figure]:
    """Latency of the session look-up and of the dashboard at ten accounts, ten thousand
    and a million, in turns.
    """
    sizes = (10, 10_000, 100_000) if quick else (10, 10_000, 1_000_000)
    rounds = 40 if quick else 300
    with postgresql(folder) as new_database:
        for database in (SQLITE, POSTGRESQL):
            apps = {}
            for size in sizes:
                uri = f"sqlite:///{folder}/{size}.db"
                if database == POSTGRESQL:
                    uri = new_database(f"bench_accounts_{size}")
                apps[size] = make_app(uri)
                fill(uri, size)
            yield from growth_figures(measure_in_turns(apps, rounds), database)


def growth_figures(
    latencies: dict[int, "Latencies"], database: str
) -> Iterator[Figure]:
    """How much slower each is with the most accounts than with the fewest."""
    lookups = {size: one.lookup for size, one in latencies.items()}
    dashboards = {size: one.dashboard for size, one in latencies.items()}
    start_pages = {size: one.start_page for size, one in latencies.items()}
    yield growth_figure("look-up", lookups, database, limit=1.2)
    yield growth_figure("dashboard", dashboards, database, limit=1.2)
    yield growth_figure("start page", start_pages, database, limit=None)


def measure_in_turns(apps: dict[int, Flask], rounds: int) -> dict[int, "Latencies"]:
    """Measure the app with each number of accounts, one after the other, many times."""
    for _ in range(10):  # warm up
        for size, app in apps.items():
            measure_account(app, size, Latencies())
    latencies = {size: Latencies() for size in apps}
    for turn in range(rounds):
        for size, app in apps.items():
            measure_account(app, size, latencies[size])
            if turn % 10 == 9:
                start_page = time_of_page(app, "/", random_token(size))
                latencies[size].start_page.append(start_page)
    return latencies


@dataclass
class Latencies:
    """Seconds that were measured with one number of accounts."""

    lookup: list[float] = field(default_factory=list)
    dashboard: list[float] = field(default_factory=list)
    start_page: list[float] = field(default_factory=list)


def measure_account(app: Flask, size: int, latencies: Latencies) -> None:
    """Add one look-up and one dashboard, both for the same account."""
    token = random_token(size)
    latencies.lookup.append(time_of_lookup(app, token))
    latencies.dashboard.append(time_of_page(app, "/dashboard", token))


def random_token(size: int) -> str:
    """The token of any of so many accounts."""
    return token_of(random.randint(1, size))  # noqa: S311 - which account is measured is no secret


def time_of_lookup(app: Flask, token: str) -> float:
    """How long the database takes to find the session with this token."""
    models = STEPS[6].module.models
    with app.app_context():
        session = models.db.session
        session.execute(select(1))  # the connection is there, as it is in a request
        query = select(models.UserSession).where(models.UserSession.token == token)
        return took(lambda: session.scalar(query))


def time_of_page(app: Flask, path: str, token: str) -> float:
    """How long this page takes for the member with this token."""
    request = member_request(app, path, token)
    return took(lambda: ask(app, request))


def growth_figure(
    what: str, seconds: dict[int, list[float]], database: str, limit: float | None
) -> Figure:
    """The median with the most accounts, over that with the fewest."""
    medians = {
        size: 1000 * statistics.median(values) for size, values in seconds.items()
    }
    fewest = min(medians)
    most = max(medians)
    note = ", ".join(f"{size:,}: {value:.2f} ms" for size, value in medians.items())
    growth = medians[most] / medians[fewest]
    return Figure(
        f"{what} at {most:,} accounts, {database}", growth, "times", limit, note=note
    )


def worker_memory(folder: Path, quick: bool) -> Iterator[Figure]:
    """What one gunicorn worker with 16 threads holds at rest, and at the worst moment
    of 16 log-ins at once.
    """
    with postgresql(folder) as new_database:
        app = served(
            folder, new_database("bench_memory"), "--workers", "1", "--threads", "16"
        )
        with app:
            send = logging_in(app, addresses(), threading.Lock())
            together([send] * 16)  # every thread has done everything once
            time.sleep(1)
            pid = app.pids()[0]
            rest = resident(pid, "VmRSS")
            more = []
            for _ in range(3 if quick else 10):
                before = resident(pid, "VmRSS")
                Path(f"/proc/{pid}/clear_refs").write_text(
                    "5"
                )  # forget the highest mark
                if set(together([send] * 16)) != {302}:
                    raise RuntimeError("a log-in was refused")
                more.append((resident(pid, "VmHWM") - before) / 16)
    yield Figure(
        "a worker at rest",
        rest,
        "MiB",
        150,
        note="resident, with what it shares with others",
    )
    # SQLAlchemy's pool has 15 connections, and a log-in keeps one while it hashes: the
    # 16th waits for its turn.
    note = f"{16 * max(more):.0f} MiB in all at the worst; 15 hash at once, one waits for a database connection"
    yield Figure("more for each of 16 log-ins at once", max(more), "MiB", 32, note=note)


def resident(pid: int, what: str) -> float:
    """Memory of a process in MiB: VmRSS is now, VmHWM the most since the mark was
    reset.
    """
    return (
        int(re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])
        / 1024
    )


def timing(folder: Path, quick: bool) -> Iterator[Figure]:
    """How long a refusal takes for an address with an account and for one without, in
    pairs, over HTTP.
    """
    pairs = 20 if quick else 100
    with postgresql(folder) as new_database:
        app = served(
            folder, new_database("bench_timing"), "--workers", "1", "--threads", "1"
        )
        with app:
            send = logging_in(app, addresses(), threading.Lock())
            times: dict[str, list[float]] = {
                "ada@example.com": [],
                "eve@example.com": [],
            }
            for turn in range(pairs):
                for email in sorted(times, reverse=bool(turn % 2)):
                    times[email].append(
                        took(lambda email=email: send("not her password", email))
                    )
    known, unknown = times["ada@example.com"], times["eve@example.com"]
    each = [f"{1000 * statistics.median(some):.1f} ms" for some in (known, unknown)]
    ratio = median_ratio(known, unknown)
    note = f"median of {pairs} pairs ({ratio:.3f}); {' and '.join(each)}"
    yield Figure(
        "refusal of a known against an unknown address",
        max(ratio, 1 / ratio),
        "times",
        1.1,
        note=note,
    )


def soak(folder: Path, quick: bool) -> Iterator[Figure]:
    """Ten minutes of visitors who do a bit of everything: errors, and growth of the
    workers' memory.
    """
    seconds = 60 if quick else 600
    with postgresql(folder) as new_database, Redis(folder / "redis") as counters:
        app = App(
            folder / "app",
            new_database("bench_soak"),
            RATELIMIT_STORAGE_URI=counters.uri,
        )
        app.workers = ["--workers", str(CORES), "--threads", "4"]
        app.flask("init-db")
        with app:
            with Load(8, lambda ip: Browser(app.port, ip=ip)) as load:
                samples = sample(app, seconds)
            rest = sum(memory(pid) for pid in app.pids())
    answers = sum(load.answers.values())
    note = f"{answers} answers, {load.visits} visits, in {seconds} s; {dict(load.unexpected) or 'all as expected'}"
    yield Figure(
        "errors under mixed load", sum(load.unexpected.values()), "", 0, note=note
    )
    warm, end = (statistics.median(quarter(samples, number)) for number in (1, 3))
    note = f"{warm:.0f} MiB in the second quarter, {end:.0f} in the last, {rest:.0f} when it is over; 5 % is for noise"
    yield Figure(
        "growth of the workers' memory under it",
        100 * (end / warm - 1),
        "%",
        5,
        note=note,
    )


def matrix(folder: Path, quick: bool) -> Iterator[Figure]:
    """The whole test matrix: the plain command, and on all cores."""
    for words in ([], ["-n", "auto"]):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *words,
            *(["--step", "06"] * quick),
        ]
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
        spent = time.perf_counter() - start
        said = done.stdout.strip().splitlines()[-1]
        yield Figure(
            f"the test matrix: pytest {' '.join(words)}".strip(), spent, "s", note=said
        )


MEASURES: dict[str, Callable[[Path, bool], Iterator[Figure]]] = {
    "page": page,
    "login": login,
    "accounts": accounts,
    "memory": worker_memory,
    "timing": timing,
    "soak": soak,
    "matrix": matrix,
}
