"""One who guesses at an account is stopped, in whatever way the guesses are sent."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import quote, urlencode

import pytest

from tests.system.load import FORM, PASSWORD, Answer, Browser, statuses, together

MOST_GUESSES = 10
TRIES = 15
WRONG = "The email address or the password is wrong."
BOUNDARY = "frontier"


@dataclass(frozen=True)
class Way:
    """How a guess is sent."""

    name: str
    content_type: str
    body: Callable[[dict[str, str]], str]
    is_read: bool = True  # as a form, so the guess is judged

    def __str__(self) -> str:
        return self.name


def as_parts(fields: dict[str, str], files: tuple[str, ...] = ()) -> str:
    """The fields as multipart/form-data, some of them as files."""
    lines = []
    for name, value in fields.items():
        file = '; filename="f"' if name in files else ""
        header = f'Content-Disposition: form-data; name="{name}"{file}'
        lines += [f"--{BOUNDARY}", header, "", value]
    return "\r\n".join([*lines, f"--{BOUNDARY}--", ""])


def as_json_list(fields: dict[str, str]) -> str:
    """The fields as pairs in a list."""
    return json.dumps(list(fields.items()))


def as_json_with_surrogate(fields: dict[str, str]) -> str:
    """The fields as JSON, with half of a surrogate pair: no page can show that."""
    return json.dumps({**fields, "remember": "\ud800"})


def as_file(fields: dict[str, str]) -> str:
    """The fields as parts, the email address as a file."""
    return as_parts(fields, files=("email",))


def with_bytes(fields: dict[str, str]) -> str:
    """The fields of a form, with bytes that are no text."""
    return urlencode(fields) + "&remember=%ED%A0%80&%FF=%FF"


def doubled(fields: dict[str, str]) -> str:
    """The fields of a form, the second address another one."""
    return urlencode(fields) + "&email=" + quote("nobody@example.com")


PARTS = f"multipart/form-data; boundary={BOUNDARY}"
JSON = "application/json"
WAYS = [
    Way("urlencoded", FORM, urlencode),
    Way("multipart", PARTS, as_parts),
    Way("odd charset", f"{FORM}; charset=utf-16", urlencode),
    Way("capitals", FORM.upper(), urlencode),
    Way("bytes that are no text", FORM, with_bytes),
    Way("two addresses", FORM, doubled),
    Way("file part", PARTS, as_file, is_read=False),
    Way("JSON", JSON, json.dumps, is_read=False),
    Way("JSON with surrogate", JSON, as_json_with_surrogate, is_read=False),
    Way("JSON list", JSON, as_json_list, is_read=False),
    Way("JSON API", "application/vnd.api+json", json.dumps, is_read=False),
    Way("plain text", "text/plain", urlencode, is_read=False),
    Way("no type", "", urlencode, is_read=False),
]


class Guesser:
    """Sends guesses with a token in a header, and as the site's own page would."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        page = browser.get("/login").text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        origin = f"http://{browser.host}"
        self.headers = {"X-CSRFToken": token, "Origin": origin}

    def guess(self, way: Way, email: str, password: str) -> Answer:
        """Try one password."""
        body = way.body({"email": email, "password": password}).encode()
        headers = {**self.headers, "Content-Type": way.content_type}
        return self.browser.send("POST", "/login", body, headers)


def judged(answers: list[Answer]) -> int:
    """How many of the guesses were answered with whether they are right."""
    return sum(WRONG in answer.text or answer.status == 302 for answer in answers)


def assert_stopped(guesser: Guesser, email: str, answers: list[Answer]) -> None:
    """No answer tells more than the limit allows; the right guess comes too late."""
    assert [answer.status for answer in answers if answer.status >= 500] == []
    assert judged(answers) <= MOST_GUESSES
    for way in WAYS:
        late = guesser.guess(way, email, PASSWORD)
        assert 400 <= late.status < 500, way
        assert not guesser.browser.inside, way


@pytest.mark.asvs("6.3.1")
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_guesser_is_stopped_after_ten_guesses(
    way: Way, come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """Whatever is sent: what counts is that a password was checked, and not what was
    answered.
    """
    guesser = Guesser(come_from(place))

    answers = [guesser.guess(way, email, f"guess {n}") for n in range(TRIES)]

    assert [answer.status for answer in answers if answer.status >= 500] == []
    assert judged(answers) == (MOST_GUESSES if way.is_read else 0)
    late = guesser.guess(way, email, PASSWORD)
    assert 400 <= late.status < 500
    assert not guesser.browser.inside


def test_a_guesser_who_changes_the_way_is_stopped_all_the_same(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """All ways lead to one count."""
    guesser = Guesser(come_from(place))
    turns = cycle(WAYS)

    answers = [guesser.guess(next(turns), email, f"guess {n}") for n in range(40)]

    assert_stopped(guesser, email, answers)


def test_a_guesser_who_changes_the_spelling_is_stopped_all_the_same(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """However the address is written, it is one account."""
    guesser = Guesser(come_from(place))
    name, _, host = email.partition("@")
    spellings = cycle(
        [
            email,
            email.upper(),
            email.title(),
            f" {email}\t",
            f"{name}@{host.upper()}",
            f"{name}@{host.replace('x', 'Ｘ')}",  # wide: the domain's rules fold it
            f"{name}@{host.replace('.', '。')}",
        ]
    )

    answers = [guesser.guess(WAYS[0], next(spellings), f"guess {n}") for n in range(40)]

    assert_stopped(guesser, email, answers)


def test_the_networks_of_one_household_are_one_guesser(
    come_from: Callable[[str], Browser], email: str
) -> None:
    """A household has 256 networks or more: six of them guess no faster."""
    networks = [f"2001:db8:77:{number}::1" for number in range(6)]
    guessers = [Guesser(come_from(address)) for address in networks]

    answers = []
    for number in range(TRIES):
        for guesser in guessers:
            answers.append(guesser.guess(WAYS[0], email, f"guess {number}"))

    assert judged(answers) <= MOST_GUESSES
    late = [guesser.guess(WAYS[0], email, PASSWORD).status for guesser in guessers]
    assert set(late) == {429}


def test_the_owner_gets_in_while_somebody_guesses(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """The limit is for the place that the guesses come from."""
    guesser = Guesser(come_from(place))
    for number in range(TRIES):
        guesser.guess(WAYS[0], email, f"guess {number}")

    assert come_from("192.0.2.200").logging_in(email)().status == 302


def test_guesses_in_the_same_moment_are_all_counted(
    come_from: Callable[[str], Browser], place: str, email: str
) -> None:
    """An attempt is counted before its hash is computed: else forty at once would all
    be within the limit.
    """
    forms = [come_from(place).logging_in(email, f"guess {n}") for n in range(40)]

    answers = together(forms)

    assert judged(answers) == MOST_GUESSES
    assert statuses(answers) == {422: MOST_GUESSES, 429: 40 - MOST_GUESSES}
