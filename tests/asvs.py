"""How step 06 stands against OWASP ASVS 5.0: each requirement, and the tests that hold
it or the reason why none does.

    python3 -m tests.asvs --chapter 7

The requirements are in tests/asvs.toml. What is met is not written there: it is read
from the tests themselves, from
their marks `@pytest.mark.asvs("7.4.1")`, so the table cannot promise what no test
checks.
"""

import argparse
import ast
import sys
import textwrap
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parent
LISTING = TESTS / "asvs.toml"
MET, DOCUMENTED, NOT_APPLICABLE, NOT_MET = (
    "met",
    "documented",
    "not applicable",
    "not met",
)
STATUSES = (MET, DOCUMENTED, NOT_APPLICABLE, NOT_MET)


@dataclass(frozen=True)
class Mark:
    """A requirement's number on a test."""

    number: str
    file: str
    test: str


@dataclass
class Requirement:
    """One requirement, in our words, and where it stands."""

    number: str
    level: int
    short: str
    reason: str = (
        ""  # why it does not apply or is not met, or where the documentation is
    )
    declared: str = (
        ""  # the status that the list gives it; empty where tests have to show it
    )
    tests: list[Mark] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Met only if a test says so, or one of the other three."""
        return self.declared or (MET if self.tests else NOT_MET)

    @property
    def chapter(self) -> str:
        """The first number: 7 of 7.4.1."""
        return self.number.partition(".")[0]


def marks(tests: Path = TESTS) -> Iterator[Mark]:
    """Every asvs mark in the test files, read without running them."""
    for path in sorted(tests.rglob("test_*.py")):
        file = path.relative_to(tests).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for number in marked_numbers(node):
                yield Mark(number, file, node.name)


def marked_numbers(node: ast.AST) -> Iterator[str]:
    """The numbers in the asvs marks of a function or class; none for other nodes."""
    for decorator in getattr(node, "decorator_list", []):
        if not isinstance(decorator, ast.Call):
            continue
        if ast.unparse(decorator.func) == "pytest.mark.asvs":
            yield from map(ast.literal_eval, decorator.args)


def order(number: str) -> list[int]:
    """For sorting: 6.2.10 comes after 6.2.9."""
    return [int(part) for part in number.split(".")]


def chapters() -> dict[str, str]:
    """The names of the chapters, by number."""
    return tomllib.loads(LISTING.read_text(encoding="utf-8"))["chapters"]


def requirements() -> list[Requirement]:
    """All that are listed, each with the tests that carry its number."""
    listed = tomllib.loads(LISTING.read_text(encoding="utf-8"))["requirements"]
    found = {}
    for number, entry in listed.items():
        declared = next(
            (status for status in STATUSES[1:] if status.replace(" ", "_") in entry), ""
        )
        reason = entry.get(declared.replace(" ", "_"), "")
        found[number] = Requirement(
            number, entry["level"], entry["short"], reason, declared
        )
    for mark in marks():
        if mark.number in found:  # tests/maintainers/layout refuses those that are not
            found[mark.number].tests.append(mark)
    return sorted(found.values(), key=lambda requirement: order(requirement.number))


def counts(chosen: list[Requirement]) -> str:
    """How many stand where, in one line."""
    number = Counter(requirement.status for requirement in chosen)
    return f"{len(chosen)} requirements: " + ", ".join(
        f"{number[status]} {status}" for status in STATUSES
    )


def as_text(chosen: list[Requirement]) -> Iterator[str]:
    """The table for a terminal: a line for each requirement, and below it what stands
    behind it.
    """
    names = chapters()
    chapter = ""
    for requirement in chosen:
        if requirement.chapter != chapter:
            chapter = requirement.chapter
            yield f"\nV{chapter} {names[chapter]}"
        status = requirement.status.upper()
        yield f"  {requirement.number:<7} level {requirement.level}  {status:<14}  {requirement.short}"
        evidence = [requirement.reason] if requirement.reason else []
        evidence += [f"{mark.file}: {mark.test}" for mark in requirement.tests]
        for line in evidence:
            yield textwrap.fill(
                line,
                118,
                initial_indent=" " * 18,
                subsequent_indent=" " * 20,
                break_long_words=False,
            )


def as_markdown(chosen: list[Requirement]) -> Iterator[str]:
    """The same as tables for a page or a notebook."""
    names = chapters()
    chapter = ""
    for requirement in chosen:
        if requirement.chapter != chapter:
            chapter = requirement.chapter
            yield f"\n**V{chapter} {names[chapter]}**\n"
            yield "| | level | requirement | status | how |\n| --- | --- | --- | --- | --- |"
        tests = [f"`{mark.test}`" for mark in requirement.tests]
        how = "<br>".join(([requirement.reason] if requirement.reason else []) + tests)
        cells = (
            requirement.number,
            str(requirement.level),
            requirement.short,
            requirement.status,
            how,
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main(arguments: list[str]) -> None:
    """Print the table, or the part of it that was asked for."""
    parser = argparse.ArgumentParser(
        "python3 -m tests.asvs", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--level", type=int, choices=(1, 2), help="both if not given")
    parser.add_argument("--chapter", choices=chapters(), help="all if not given")
    parser.add_argument(
        "--status",
        choices=[status.replace(" ", "-") for status in STATUSES],
        help="all if not given",
    )
    parser.add_argument("--markdown", action="store_true", help="as tables, for a page")
    options = parser.parse_args(arguments)
    chosen = [
        requirement
        for requirement in requirements()
        if options.level in (None, requirement.level)
        and options.chapter in (None, requirement.chapter)
        and options.status in (None, requirement.status.replace(" ", "-"))
    ]
    print("OWASP ASVS 5.0.0, levels 1 and 2, and how step 06 meets them.")
    print(*(as_markdown(chosen) if options.markdown else as_text(chosen)), sep="\n")
    print(f"\n{counts(chosen)}")


if __name__ == "__main__":
    main(sys.argv[1:])
