"""The whole suite of a project with each recipe alone: it takes a minute for each."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbook.recipes import NAMES
from workbook.skeleton import Options, version, write_project

PATIENCE = 900  # seconds; only to end a test that hangs


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_suite_passes(tmp_path: Path, name: str) -> None:
    """A recipe that breaks what was there before would be found by its reader."""
    write_project(tmp_path, Options(version(), "my_shop", "My shop", (name,)))

    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={key: os.environ[key] for key in os.environ if "PYTEST" not in key},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )

    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
