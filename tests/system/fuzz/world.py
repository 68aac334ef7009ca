"""The app as the fuzzers meet it: odd requests go in, each answer is checked, and then
all is as it was before.
"""

import io
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes, urlencode

import ada_url
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import create_environ, run_wsgi_app

from tests.support.harness import HOST, Step, Visitor, init_db, query, try_to_empty

ADA = "ada@example.com"
URL = f"https://{HOST}"
ROLES = ["stranger", "member", "remembered", "returned"]
FORM = "application/x-www-form-urlencoded"
TABLES = ("users", "user_sessions")


Pairs = Sequence[tuple[str, str]]

# In texts this stands for half of a surrogate pair: a form can hold one, but a report
# of a failure cannot.
HALF_PAIR = "\uf8ff"


def encode(pairs: Pairs) -> bytes:
    """Fields as a browser sends them."""
    return (
        urlencode(pairs)
        .replace(quote(HALF_PAIR), quote("\ud800", errors="surrogatepass"))
        .encode()
    )


@dataclass(frozen=True)
class Answer:
    """What the app said."""

    status: int
    headers: Headers
    text: str


@dataclass(repr=False)
class World:
    """One app with one member, ada, and the cookies and tokens of several visitors."""

    app: Flask
    cookies: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[dict]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "<World>"  # in reports of failures, which show what the fuzzer chose

    @classmethod
    def make(cls, step: Step, database_uri: str, **config: Any) -> "World":
        """Make the app, sign ada up, and let visitors come by."""
        world = cls(
            step.create_app(
                SQLALCHEMY_DATABASE_URI=database_uri,
                PROPAGATE_EXCEPTIONS=True,
                **config,
            )
        )
        world.app.logger.propagate = (
            False  # a failing test should show what failed, not all that was logged
        )
        init_db(world.app)
        try_to_empty(world.app)
        assert Visitor(world.app).sign_up(ADA).status_int == 302
        for role in ROLES:
            visitor = Visitor(world.app)
            if role != "stranger":
                assert visitor.log_in(ADA, remember=role != "member").status_int == 302
            if role == "returned":
                visitor.close_browser()
            page = visitor.get("/login" if role == "stranger" else "/")
            world.tokens[role] = page.forms[0]["csrf_token"].value
            world.cookies[role] = "; ".join(
                f"{cookie.name}={cookie.value}" for cookie in visitor.cookiejar
            )
        for table in TABLES:
            world.rows[table] = [
                dict(row) for row in query(world.app, f"SELECT * FROM {table}")
            ]
        return world

    def reset(self) -> None:
        """Put the tables and the counters back to where they were."""
        assert try_to_empty(self.app)
        for table, rows in self.rows.items():
            for row in rows:
                columns = ", ".join(row)
                values = ":" + ", :".join(row)
                insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"
                query(self.app, insert, **row)

    def send(
        self,
        method: str,
        path: bytes,
        query_string: bytes = b"",
        headers: Iterable[tuple[str, bytes]] = (),
        body: bytes = b"",
        *,
        chunked: bool = False,
    ) -> Answer:
        """Send a request as an HTTP server hands it over, bytes as Latin-1; check what
        must hold for every answer.
        """
        environ = create_environ(base_url=URL)
        environ["REQUEST_METHOD"] = method
        environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1")
        # Servers refuse other bytes in an address, or quote them.
        environ["QUERY_STRING"] = quote_from_bytes(query_string, string.printable)
        environ["REMOTE_ADDR"] = "192.0.2.1"
        environ["HTTP_REFERER"] = f"{URL}/"
        environ["wsgi.input"] = io.BytesIO(body)
        if chunked:
            environ.update(
                {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
            )
        else:
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in headers:
            key = name.upper().replace("-", "_")
            environ[
                key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            ] = value.decode("latin-1")
        chunks, status, answer_headers = run_wsgi_app(self.app, environ, buffered=True)
        answer = Answer(
            int(status.split()[0]), answer_headers, b"".join(chunks).decode()
        )
        check(answer, f"{URL}/login")
        return answer

    def submit(
        self,
        role: str,
        path: str,
        fields: Pairs,
        query_string: bytes = b"",
        method: str = "POST",
    ) -> Answer:
        """Send a well-made form with this visitor's cookies and token."""
        headers = [
            ("Cookie", self.cookies[role].encode()),
            ("Content-Type", FORM.encode()),
        ]
        body = encode([("csrf_token", self.tokens[role]), *fields])
        return self.send(method, path.encode(), query_string, headers, body)


def check(answer: Answer, base: str) -> None:
    """Never a failure of ours; never a step to another site; never a header that
    somebody else has written.
    """
    assert answer.status < 500, answer.text
    for name, value in answer.headers:
        assert not set(name + value) & set("\r\n\0"), (name, value)
    if location := answer.headers.get("Location"):
        target = ada_url.URL(location, base=base)
        assert (target.protocol, target.host) == ("https:", HOST), location
