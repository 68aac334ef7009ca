"""The suites, which everybody runs on SQLite, on the servers that a real site has."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from proof.servers import ROOT, new_database
from sqlalchemy import URL

LONG = 400  # seconds; a run takes a tenth of it on an idle machine


@pytest.fixture(scope="module")
def runs(servers: dict[str, URL], folder: Path) -> Iterator[dict[str, tuple[subprocess.Popen, Path]]]:
    """The suites of the last step under way on each server, side by side, and where their output goes."""
    started = {}
    for name, server in servers.items():
        uri = new_database(server, f"proof_suites_{os.getpid()}")
        output = folder / f"suites-{name}"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--step",
            "06",
            "--database-uri",
            uri,
        ]
        with output.open("wb") as file:
            started[name] = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file), output
    yield started
    for process, _output in started.values():
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_every_behaviour_of_the_last_step_holds_on(name: str, runs: dict[str, tuple[subprocess.Popen, Path]]) -> None:
    """SQLite stores what others refuse, and compares what others do not: green there proves little here."""
    process, output = runs[name]

    status = process.wait(LONG)

    said = output.read_text(errors="replace")
    assert status == 0, said[-20000:]
    assert " passed" in said
    assert "skipped" not in said
