"""Visitors over real connections, and a load of many of them at once that does a bit of
everything.

By hand, ten minutes of it against step 06:  python -m tests.proof.load --seconds 600
"""

import argparse
import html
import http.client
import re
import ssl
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from .servers import App, Redis

PASSWORD = "plum trombone sidewalk lantern"
NEW_PASSWORD = "gravel otter mirror pancake"
FORM = "application/x-www-form-urlencoded"
NO_ANSWER = 0  # in place of a status: the connection was refused or broke


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def location(self) -> str:
        """Where it sends the visitor."""
        return self.headers.get("location", "")


class Browser:
    """One visitor: keeps cookies, fills in forms, and has an address of its own out of
    127.0.0.0/8.
    """

    def __init__(
        self,
        port: int,
        *,
        ip: str = "127.0.0.1",
        host: str | None = None,
        tls: ssl.SSLContext | None = None,
        headers: dict[str, str | None] | None = None,  # None: do not send it
    ) -> None:
        self.port = port
        self.ip = ip
        self.host = host or f"127.0.0.1:{port}"
        self.tls = tls
        self.headers = headers or {}
        self.cookies: dict[str, str] = {}

    def request(
        self, method: str, path: str, fields: dict[str, str] | None = None
    ) -> Answer:
        """Open a page, or send a form with these fields."""
        if fields is None:
            return self.send(method, path)
        return self.send(method, path, urlencode(fields), {"Content-Type": FORM})

    def send(
        self,
        method: str,
        path: str,
        body: str | bytes | Iterable[bytes] | None = None,
        more_headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own; NO_ANSWER if it breaks.

        A body in several pieces is sent in chunks, and its length is not told.
        """
        headers = self.headers_to_send(more_headers or {})
        connection = self.connect()
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, headers)
            response = connection.getresponse()  # some come before all was sent
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return Answer(NO_ANSWER)
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie", []):
            self.keep_cookies(SimpleCookie(line))
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, received, text)

    def headers_to_send(self, more: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request; those that are None are left out."""
        scheme = "https" if self.tls else "http"
        headers = {
            "Host": self.host,
            "Referer": f"{scheme}://{self.host}/",
            "Connection": "close",
            **self.headers,
            **more,
        }
        if self.cookies:
            pairs = [f"{name}={value}" for name, value in self.cookies.items()]
            headers["Cookie"] = "; ".join(pairs)
        return {name: text for name, text in headers.items() if text is not None}

    def keep_cookies(self, cookies: SimpleCookie) -> None:
        """Keep what the site sets, and drop what it deletes."""
        for name, morsel in cookies.items():
            self.cookies[name] = morsel.value
            if morsel["max-age"] == "0":
                del self.cookies[name]

    def connect(self) -> http.client.HTTPConnection:
        """A new connection from this visitor's own address."""
        if self.tls:
            return http.client.HTTPSConnection(
                "127.0.0.1",
                self.port,
                timeout=60,
                source_address=(self.ip, 0),
                context=self.tls,
            )
        return http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60, source_address=(self.ip, 0)
        )

    def get(self, path: str) -> Answer:
        """Open a page."""
        return self.request("GET", path)

    def fill_in(
        self, page: str, action: str | None = None, **fields: str
    ) -> Callable[[], Answer]:
        """Open a page and fill in its form; what is returned sends it. A page with no
        form is its own answer.
        """
        opened = self.get(page)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', opened.text)
        if token is None:
            return lambda: opened
        values = {"csrf_token": html.unescape(token[1]), **fields}
        return lambda: self.request("POST", action or page, values)

    def signing_up(self, email: str, password: str = PASSWORD) -> Callable[[], Answer]:
        """Fill in the sign-up form."""
        return self.fill_in(
            "/signup",
            name="Ada Lovelace",
            email=email,
            password=password,
            confirm=password,
        )

    def logging_in(
        self, email: str, password: str = PASSWORD, *, remember: bool = False
    ) -> Callable[[], Answer]:
        """Fill in the log-in form."""
        return self.fill_in(
            "/login",
            email=email,
            password=password,
            **({"remember": "y"} if remember else {}),
        )

    def changing_password(
        self, current: str = PASSWORD, new: str = NEW_PASSWORD
    ) -> Callable[[], Answer]:
        """Fill in the form of the account page."""
        return self.fill_in(
            "/account/password", current_password=current, new_password=new, confirm=new
        )

    def log_out(self) -> Answer:
        """Press the button of the start page."""
        return self.fill_in("/", action="/logout")()

    @property
    def inside(self) -> bool:
        """Whether the dashboard opens."""
        answer = self.get("/dashboard")
        if answer.status not in (200, 302):
            raise RuntimeError(f"/dashboard answered {answer.status}")
        return answer.status == 200


def together(tasks: list[Callable[[], Answer]]) -> list[Answer]:
    """Do all of these in the same moment; return their answers in order."""
    answers: list[Answer | None] = [None] * len(tasks)
    barrier = threading.Barrier(len(tasks))

    def run(number: int) -> None:
        barrier.wait()
        answers[number] = tasks[number]()

    threads = [
        threading.Thread(target=run, args=(number,)) for number in range(len(tasks))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def statuses(answers: list[Answer]) -> Counter[int]:
    """How often each status came."""
    return Counter(answer.status for answer in answers)


class Load:
    """Visitors who come, look around and go, for as long as the `with` block lasts."""

    def __init__(
        self, visitors: int, new_browser: Callable[[str], Browser], start: int = 1
    ) -> None:
        self.new_browser = new_browser  # gets the visitor's IP address
        self.answers: Counter[tuple[str, int]] = (
            Counter()
        )  # (what, status) -> how often
        self.expected: dict[str, int] = {}
        self.signed_up: list[
            str
        ] = []  # the addresses whose account the site has confirmed
        self.tried: list[str] = []
        self.visits = 0
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [
            threading.Thread(target=self.come_and_go, args=(start + number,))
            for number in range(visitors)
        ]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def come_and_go(self, number: int) -> None:
        """Visit again and again, from another address each time: the rate limits are for
        one who tries too often.
        """
        count = 0
        while not self.over.is_set():
            count += 1
            ip = f"127.{number}.{count // 250 % 250}.{count % 250 + 1}"
            self.visit(self.new_browser(ip), f"visitor{number}.{count}@example.com")

    def visit(self, browser: Browser, email: str) -> None:
        """Sign up, log in, browse, mistype, change the password, log out, and come back
        once.
        """
        with self.lock:
            self.tried.append(email)
        if self.note("sign up", 302, browser.signing_up(email)()):
            with self.lock:
                self.signed_up.append(email)
        self.note(
            "mistype", 422, browser.logging_in(email, "something else altogether")()
        )
        self.note("log in", 302, browser.logging_in(email, remember=True)())
        for path in ("/", "/dashboard", "/account", "/dashboard", "/static/style.css"):
            self.note(f"open {path}", 200, browser.get(path))
        self.note("change", 302, browser.changing_password()())
        self.note("log out", 302, browser.log_out())
        self.note("open /dashboard outside", 302, browser.get("/dashboard"))
        self.note("log in again", 302, browser.logging_in(email, NEW_PASSWORD)())
        self.note(
            "end others",
            302,
            browser.fill_in("/account", action="/account/sessions/end-others")(),
        )
        self.note("log out", 302, browser.log_out())
        with self.lock:
            self.visits += 1

    def note(self, what: str, expected: int, answer: Answer) -> bool:
        """Count an answer; whether it is the one expected."""
        with self.lock:
            self.answers[what, answer.status] += 1
            self.expected[what] = expected
        return answer.status == expected

    @property
    def statuses(self) -> Counter[int]:
        """How often each status came."""
        total: Counter[int] = Counter()
        for (_what, status), count in self.answers.items():
            total[status] += count
        return total

    @property
    def unexpected(self) -> dict[tuple[str, int], int]:
        """What should not have come in a world where everything works."""
        return {
            key: count
            for key, count in self.answers.items()
            if key[1] != self.expected[key[0]]
        }


def memory(pid: int) -> float:
    """What a process holds of the machine's memory, in MiB; pages shared with others
    count in part.
    """
    pss = re.search(
        r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
    )
    return int(pss[1]) / 1024


def soak(seconds: float, visitors: int, database_uri: str | None) -> bool:
    """Run step 06 under this load and print what came of it; true if there was neither
    an error nor growth.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as name:
        folder = Path(name)
        with Redis(folder / "redis") as counters:
            uri = database_uri or f"sqlite:///{folder}/load.db"
            app = App(folder / "app", uri, RATELIMIT_STORAGE_URI=counters.uri)
            app.workers = ["--workers", "2", "--threads", "4"]
            app.flask("init-db")
            with app, Load(visitors, lambda ip: Browser(app.port, ip=ip)) as load:
                samples = sample(app, seconds)
        print(
            f"{seconds:.0f} s, {visitors} visitors at once, {load.visits} visits, "
            f"{sum(load.answers.values())} answers"
        )
        for (what, status), count in sorted(load.answers.items()):
            remark = "" if status == load.expected[what] else "   unexpected"
            print(f"{what:28}{status:5}{count:8}{remark}")
        warm, end = (
            sum(part) / len(part) for part in (quarter(samples, 1), quarter(samples, 3))
        )
        print(
            f"workers together: {warm:.1f} MiB in the second quarter, "
            f"{end:.1f} MiB in the last ({end / warm - 1:+.1%})"
        )
        return not load.unexpected and end < warm * 1.05


def sample(app: App, seconds: float) -> list[float]:
    """The memory of all workers together, twenty times a quarter."""
    taken = []
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        time.sleep(seconds / 80)
        taken.append(sum(memory(pid) for pid in app.pids()))
    return taken


def quarter(samples: list[float], number: int) -> list[float]:
    """One of the four parts, counted from 0."""
    size = len(samples) // 4
    return samples[number * size : (number + 1) * size]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=soak.__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument(
        "--database-uri",
        help="an empty database; SQLite in a temporary folder if not given",
    )
    arguments = parser.parse_args()
    sys.exit(
        0 if soak(arguments.seconds, arguments.visitors, arguments.database_uri) else 1
    )
