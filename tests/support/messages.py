"""What is reported about a run of the suites: one message for each thing that happens.

A message travels from one process to another as a line of JSON.
"""

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Plan:
    """The tests were collected; they run next."""

    total: int  # each case of a test counts


@dataclass
class Problem:
    """A test has failed, and why."""

    test: str  # its file and function: tests/04_signup/test_sign_up.py::test_name
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # the last requests, and the answers
    logged: str = ""  # the app's own last warning about the last request
    raised: str = ""  # the exception and its place in the app, if there was one
    code: str = ""  # where in the app to look: the code that ran last, if it is known
    place: str = ""  # the file and the line of the test


@dataclass
class Done:
    """One case of a test has come to its end."""

    test: str
    outcome: str  # passed, failed or skipped
    reason: str = ""  # why the behaviour matters: the test's docstring


@dataclass
class Stop:
    """The tests cannot run, or cannot go on, and why."""

    reason: str


Message = Plan | Problem | Done | Stop
KINDS = {kind.__name__: kind for kind in (Plan, Problem, Done, Stop)}


def to_line(message: Message) -> str:
    """Return a message as one line of JSON."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)})


def from_line(line: str) -> Message:
    """Return the message that to_line() has made this line of."""
    values = json.loads(line)
    kind = values.pop("kind")
    return KINDS[kind](**values)


def without_case(nodeid: str) -> str:
    """Return pytest's name of a test without the case: its file and function."""
    return nodeid.partition("[")[0]


def behaviour_of(test: str) -> str:
    """Return the behaviour that a test holds: 04_signup::test_name."""
    file, _, function = without_case(test).partition("::")
    suite = file.split("/")[-2]
    return f"{suite}::{function}"
