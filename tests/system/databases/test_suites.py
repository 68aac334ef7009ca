"""The suites, which everybody runs on SQLite, on the servers that a real site has."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.system.servers import ROOT, drop_database, new_database

STEPS = ("04", "06")  # the last without sessions, and the last
OURS = f"proof_suites_{os.getpid()}"  # the databases' names begin so
LONG = 400  # seconds; a run takes a tenth of it on an idle machine


@pytest.fixture(scope="module")
def runs(
    servers: dict[str, URL], folder: Path
) -> Iterator[dict[tuple[str, str], tuple[subprocess.Popen, Path]]]:
    """The suites under way on each server, and where their output goes."""
    pytest_here, started = (
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        {},
    )
    for (name, server), number in itertools.product(servers.items(), STEPS):
        uri = new_database(server, f"{OURS}_{number}")
        output = folder / f"suites-{name}-{number}"
        with output.open("wb") as file:
            # runs that clean up one folder trip each other
            apart = f"--basetemp={folder}/{name}-{number}"
            command = [*pytest_here, "--step", number, "--database-uri", uri, apart]
            started[name, number] = (
                subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file),
                output,
            )
    yield started
    for process, _output in started.values():
        process.kill()
        process.wait()
    for server, number in itertools.product(servers.values(), STEPS):
        drop_database(server, f"{OURS}_{number}")


@pytest.mark.parametrize("number", STEPS)
@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_every_behaviour_of_a_step_holds_on(
    name: str, number: str, runs: dict[tuple[str, str], tuple[subprocess.Popen, Path]]
) -> None:
    """SQLite stores what others refuse, and compares what others do not: green there
    proves little here.
    """
    process, output = runs[name, number]

    status = process.wait(LONG)

    said = output.read_text(errors="replace")
    assert status == 0, said[-20000:]
    assert " passed" in said
    assert "skipped" not in said
