"""Anything that an HTTP server lets through may arrive: the app has an answer to all of
it.
"""

import itertools
import json
import re
from urllib.parse import parse_qsl

import ada_url
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.harness import (
    HOST,
    NEW_PASSWORD,
    PASSWORD,
    STEPS,
    Visitor,
    close,
    init_db,
    query,
)
from tests.system.fuzz.world import (
    ADA,
    FORM,
    HALF_PAIR,
    ROLES,
    URL,
    Pairs,
    World,
    encode,
)

PATHS = [
    *(
        "/",
        "/signup",
        "/login",
        "/logout",
        "/dashboard",
        "/account",
        "/account/password",
        "/static/style.css",
    ),
    *("/account/sessions/1/end", "/account/sessions/end-others"),
]
FIELDS = [
    *(
        "name",
        "email",
        "password",
        "confirm",
        "website",
        "remember",
        "current_password",
        "new_password",
    ),
    *("csrf_token", "next"),
]
METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "M-SEARCH",
]
HEADERS = [
    *(
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Content-Encoding",
        "Content-Length",
    ),
    *(
        "Content-Type",
        "Cookie",
        "Date",
        "Expect",
        "Forwarded",
        "Host",
        "If-Match",
        "If-Modified-Since",
    ),
    *(
        "If-None-Match",
        "Origin",
        "Range",
        "Referer",
        "User-Agent",
        "X-CSRFToken",
        "X-Forwarded-For",
    ),
    *(
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-HTTP-Method-Override",
        "X-Requested-With",
    ),
]
PARTS = "multipart/form-data; boundary=x"
TYPES = [
    FORM,
    f"{FORM}; charset=utf-16",
    "application/json",
    "text/plain",
    "multipart/form-data",
]
TYPES += [
    PARTS,
    'multipart/form-data; boundary="\xff"',
    "multipart/form-data; boundary=",
]

# What has broken programs before, beside whatever Hypothesis thinks of.
ODD = st.sampled_from(
    [
        *(
            "",
            " ",
            "\0",
            "\r\nSet-Cookie: a=b",
            "a" * 300,
            "\u202e",
            HALF_PAIR,
            "\U0001f600",
            "é",
            "e\u0301",
            "ß" * 130,
        ),
        *(
            "%",
            "%00",
            "%s",
            "{{7*7}}",
            "../../etc/passwd",
            "' OR 1=1 --",
            "<script>",
            "=?utf-8?q?a?=",
            "NaN",
            "-1",
            "1e9",
        ),
        *(
            ADA,
            ADA.upper(),
            "ada@example.com\0",
            "a@b",
            "@",
            "a@[127.0.0.1]",
            "a@xn--.example",
            '"a b"@example.com',
        ),
        *(
            PASSWORD,
            NEW_PASSWORD,
            "y",
            "on",
            "http://[",
            "https://a:b@c:99999/",
            "//evil.example",
            "javascript:0",
        ),
        *("9" * 20, "9" * 5000, "sha256$", "$", "aaaaaaaaaaaaaaaaaaaa" * 6),
    ]
)
TEXT = (
    ODD
    | st.text(max_size=140)
    | st.text(st.characters(categories=["Cc", "Cf", "Zs", "Nd"]), max_size=20)
)
NO_BREAKS = st.binary(max_size=60).map(
    lambda value: re.sub(rb"[\0\r\n]", b"", value)
)  # servers refuse those
VALUES = NO_BREAKS | ODD.map(lambda text: re.sub(rb"[\0\r\n]", b"", text.encode()))
PAIRS = st.lists(st.tuples(st.sampled_from(FIELDS) | TEXT, TEXT), max_size=9)


def multipart(pairs: Pairs) -> bytes:
    """Pairs as parts, some of them files, with whatever their names do to the part's
    header.
    """
    parts = []
    for name, value in pairs:
        file = '; filename="f"' if len(value) % 2 else ""
        header = f'Content-Disposition: form-data; name="{name}"{file}'
        parts.append(f"--x\r\n{header}\r\n\r\n{value}\r\n")
    return ("".join(parts) + "--x--\r\n").encode()


BODIES = (
    st.binary(max_size=300)
    | PAIRS.map(encode)
    | PAIRS.map(multipart)
    | PAIRS.map(lambda pairs: json.dumps(pairs).encode())
    | st.sampled_from(
        [b"x" * 70_000, b"a=" + b"%ff" * 5000, b"&" * 2000, b"csrf_token=" * 3]
    )
)
ROUTES = (
    st.sampled_from(PATHS).map(str.encode)
    | st.builds(
        lambda path, more: path.encode() + more, st.sampled_from(PATHS), NO_BREAKS
    )
    | st.integers().map(lambda number: f"/account/sessions/{number}/end".encode())
    | st.builds(
        lambda a, b: a + b,
        st.sampled_from([b"/", b"//", b"/\\", b"//evil.example/", b"/static/", b""]),
        VALUES,
    )
)


@given(
    role=st.sampled_from(ROLES),
    method=st.sampled_from(METHODS)
    | st.from_regex(r"[A-Z!#$&*+.^_|~-]{1,20}", fullmatch=True),
    path=ROUTES,
    asked=VALUES | PAIRS.map(encode),
    headers=st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), max_size=4),
    kind=st.sampled_from(TYPES).map(lambda text: text.encode("latin-1")) | VALUES,
    body=BODIES,
    chunked=st.booleans(),
    with_token=st.booleans(),
)
def test_no_request_is_too_odd(
    world: World,
    role: str,
    method: str,
    path: bytes,
    asked: bytes,
    headers: list[tuple[str, bytes]],
    kind: bytes,
    body: bytes,
    chunked: bool,
    with_token: bool,
) -> None:
    """Any method, path, query, header and body, from strangers and from members: never
    an error of ours.
    """
    world.reset()
    own = [("Cookie", world.cookies[role].encode()), ("Content-Type", kind)]
    own += [("X-CSRFToken", world.tokens[role].encode())] if with_token else []

    world.send(method, path, asked, [*own, *headers], body, chunked=chunked)


@given(
    role=st.sampled_from(ROLES),
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
    fields=PAIRS,
    asked=PAIRS,
)
def test_no_field_is_too_odd(
    world: World, role: str, path: str, method: str, fields: Pairs, asked: Pairs
) -> None:
    """Every form, with fields that are missing, doubled, unknown or hold anything at
    all.
    """
    world.reset()

    world.submit(role, path, fields, encode(asked), method)


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | TEXT, inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS_IN_JSON = st.fixed_dictionaries(
    {"email": st.just(ADA) | ANY_VALUE, "password": st.just(PASSWORD) | ANY_VALUE},
    optional={name: ANY_VALUE for name in FIELDS if name not in ("email", "password")},
)


def as_json(value: object) -> bytes:
    """A JSON body; what stands for half of a surrogate pair becomes one."""
    return json.dumps(value).replace("\\uf8ff", "\\ud800").encode()


# Every type of body with what belongs to it; nothing says that it is a form of ours.
TYPED_BODIES = (
    st.tuples(
        st.sampled_from(["application/json", "application/vnd.api+json"]),
        (ANY_VALUE | FIELDS_IN_JSON).map(as_json),
    )
    | st.tuples(st.just(PARTS), PAIRS.map(multipart))
    | st.tuples(st.just(FORM), PAIRS.map(encode) | FIELDS_IN_JSON.map(as_json))
    | st.tuples(
        st.sampled_from(["text/plain", "application/xml", "image/png", ""]),
        st.binary(max_size=300) | PAIRS.map(encode) | FIELDS_IN_JSON.map(as_json),
    )
)
SURROGATE = {"email": ADA, "password": PASSWORD, "remember": HALF_PAIR}
NAMELESS_PART = b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"
FILE_PART = (
    b'--x\r\nContent-Disposition: form-data; name="email"; filename="f"\r\n\r\na\r\n'
    b'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\na\r\n--x--\r\n'
)

KNOWN_ODD = [
    ("application/json", b"[]"),
    ("application/json", b"\xff"),
    ("application/json", as_json(SURROGATE)),
    ("application/json", b'{"name": 7, "email": {}}'),
    (PARTS, FILE_PART),
    (PARTS, NAMELESS_PART),
    (PARTS, b""),
    (FORM, b"email=%ED%A0%80&%FF=%FF"),
]


@pytest.mark.parametrize("number", [3, 4, 5, 6])
def test_no_step_fails_over_the_bodies_that_are_known_to_be_odd(number: int) -> None:
    """Each of them has broken a form: with the token in a header, and without one."""
    app = STEPS[number].create_app(PROPAGATE_EXCEPTIONS=True)
    init_db(app)
    visitor = Visitor(app)
    token = visitor.get("/login").forms[0]["csrf_token"].value

    for path, (kind, body), headers in itertools.product(
        ("/signup", "/login"), KNOWN_ODD, ({}, {"X-CSRFToken": token})
    ):
        answer = visitor.post(
            path, body, headers, content_type=kind, expect_errors=True
        )
        assert 400 <= answer.status_int < 500, (path, kind, body)
    close(app)


@given(
    role=st.sampled_from(ROLES),
    path=st.sampled_from(PATHS),
    typed_body=TYPED_BODIES,
    chunked=st.booleans(),
    proof=st.sampled_from(["token", "origin", "nothing"]),
)
def test_no_body_is_too_odd(
    world: World,
    role: str,
    path: str,
    typed_body: tuple[str, bytes],
    chunked: bool,
    proof: str,
) -> None:
    """Bodies of every type, past the CSRF protection too: JSON values, file parts,
    chunks. Nothing but a form may log anybody in.
    """
    world.reset()
    kind, body = typed_body
    headers = [
        ("Cookie", world.cookies[role].encode()),
        ("Content-Type", kind.encode()),
    ]
    if proof == "token":
        headers.append(("X-CSRFToken", world.tokens[role].encode()))
    if proof == "origin":
        headers.append(("Origin", URL.encode()))

    answer = world.send("POST", path.encode(), b"", headers, body, chunked=chunked)

    is_form = kind == FORM or kind.startswith("multipart/")
    if path in ("/login", "/signup") and role == "stranger" and not is_form:
        assert 400 <= answer.status < 500


GOOD_WORDS = st.sampled_from(
    [PASSWORD, NEW_PASSWORD, "квітка ліхтар озеро стежка", "🦊 quill harbour 🦊 ember"]
)
ADDRESSES = st.emails() | TEXT | st.builds(lambda text: f"{text}@example.com", TEXT)
LINKS = st.builds(
    lambda scheme, rest: scheme + rest,
    st.sampled_from(["https://", "http://", "HTTPS:", "javascript:"]),
    TEXT,
)


@given(name=TEXT, email=ADDRESSES, website=TEXT | LINKS, password=GOOD_WORDS | TEXT)
@example(
    name="Ada",
    email="ß@example.com",
    website="https://example.com:bad/",
    password=PASSWORD,
)
@example(
    name="Ada", email="i\u0307@example.com", website="http://1.2.3/", password=PASSWORD
)
def test_an_account_is_stored_as_typed_and_opens_or_nothing_is(
    world: World, name: str, email: str, website: str, password: str
) -> None:
    """A new account holds what its owner typed, its link leads to the web, and the same
    words log them in.
    """
    assume(
        HALF_PAIR not in name + email + website
    )  # it does not arrive as it was sent: it is no text
    world.reset()
    fields = [
        ("name", name),
        ("email", email),
        ("website", website),
        ("password", password),
        ("confirm", password),
    ]

    answer = world.submit("stranger", "/signup", fields)

    new = query(world.app, "SELECT * FROM users WHERE email <> :ada", ada=ADA)
    if answer.status != 302:
        assert (answer.status, new) == (422, [])
        return
    (user,) = new
    assert user["name"] == name.strip() != ""
    assert (user["website"] or "") == website.strip()
    if ada_url.check_url(
        user["website"] or ""
    ):  # a browser does not follow what it cannot read
        assert ada_url.URL(user["website"]).protocol in ("http:", "https:")
    again = world.submit(
        "stranger", "/login", [("email", email), ("password", password)]
    )
    assert again.status == 302


PIECES = st.sampled_from(
    [
        *(
            "/",
            "//",
            "\\",
            "\t",
            "\n",
            "\r",
            " ",
            ".",
            "..",
            "@",
            ":",
            "?",
            "#",
            ";",
            "&",
            "=",
            "*",
            "[::1]",
            "é",
        ),
        *(
            "%2f",
            "%5c",
            "%09",
            "%0d%0a",
            "\x00",
            "\x7f",
            "\x85",
            "\xa0",
            "\xad",
            "\u200b",
            "\u2028",
            "\ufeff",
        ),
        *(
            "\u2215",
            "\uff0f",
            "\u3002",
            "\uff0e",
        ),  # look like a slash or a dot, and some parsers agree
        *(
            "http:",
            "https:",
            "javascript:",
            "data:",
            "evil.example",
            HOST,
            "dashboard",
            "account",
        ),
    ]
)
TARGETS = (
    st.lists(PIECES, max_size=8).map("".join)
    | st.builds(str.__add__, PIECES, TEXT)
    | TEXT
)


@given(target=TARGETS)
@example(target="/\t/evil.example")
@example(target="/\\evil.example")
@example(target="/%2fevil.example")
def test_next_never_leaves_this_site(world: World, target: str) -> None:
    """Judged by a parser that reads addresses as browsers do: after the log-in the host
    is still ours.
    """
    world.reset()

    answer = world.submit(
        "stranger",
        "/login",
        [("email", ADA), ("password", PASSWORD)],
        encode([("next", target)]),
    )

    assert answer.status == 302
    assert ada_url.URL(answer.headers["Location"], base=f"{URL}/login").host == HOST


@given(
    path=st.sampled_from(["/dashboard", "/account", "/account/password"]), asked=PAIRS
)
def test_the_page_asked_for_comes_after_the_log_in(
    world: World, path: str, asked: Pairs
) -> None:
    """From the wall to the log-in page to the very page that was asked for, query and
    all.
    """
    world.reset()
    wanted = encode(asked)

    stopped = world.send("GET", path.encode(), wanted).headers["Location"]
    login = ada_url.URL(stopped, base=URL)
    answer = world.submit(
        "stranger",
        login.pathname,
        [("email", ADA), ("password", PASSWORD)],
        login.search[1:].encode(),
    )

    there = ada_url.URL(answer.headers["Location"], base=URL)

    assert there.pathname == path
    assert parse_qsl(there.search[1:], True, encoding="latin-1") == parse_qsl(
        wanted.decode(), True, encoding="latin-1"
    )


COOKIE_NAMES = ["__Host-session", "__Host-remember"]
COOKIES = VALUES | st.builds(
    lambda a, b, glue: a + glue + b, NO_BREAKS, NO_BREAKS, st.sampled_from([b"|", b"."])
)


@given(
    session=COOKIES | st.none(),
    remember=COOKIES | st.none(),
    path=st.sampled_from(PATHS),
    cut=st.integers(-400, 400),
    role=st.sampled_from(ROLES),
)
def test_a_forged_or_damaged_cookie_opens_nothing(
    world: World,
    session: bytes | None,
    remember: bytes | None,
    path: str,
    cut: int,
    role: str,
) -> None:
    """Whoever makes a cookie up, or cuts and changes a real one, is a stranger."""
    world.reset()
    damaged = world.cookies[role].encode()
    pairs = [
        (name, value)
        for name, value in zip(COOKIE_NAMES, (session, remember), strict=True)
        if value is not None
    ]
    forged = b"; ".join(name.encode() + b"=" + value for name, value in pairs)

    world.send("GET", path.encode(), headers=[("Cookie", forged)])
    world.send(
        "GET",
        path.encode(),
        headers=[("Cookie", damaged[:cut] + (session or b"") + damaged[cut:])],
    )
    answer = world.send("GET", b"/", headers=[("Cookie", forged)])

    assert "/logout" not in answer.text


@pytest.mark.parametrize("role", ROLES)
def test_the_fuzzers_visitors_are_who_they_should_be(world: World, role: str) -> None:
    """The fuzzers prove nothing if their members are not logged in or their tokens do
    not hold.
    """
    world.reset()

    page = world.send("GET", b"/", headers=[("Cookie", world.cookies[role].encode())])
    answer = world.submit(role, "/logout", [])

    assert ("/logout" in page.text) == (role != "stranger")
    assert answer.status == 302
