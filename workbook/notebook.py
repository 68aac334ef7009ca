"""`notebook`: open a copy without outputs, so that a guess comes before the answer."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from workbook.common import find_step, say_command
from workbook.places import ROOT, STEPS, shown

SAVED = ROOT / "notebooks"
COPIES = SAVED / "mine"


def notebook_command(options: argparse.Namespace) -> int:
    """Open a step's notebook in JupyterLab."""
    name = f"{find_step(options.step or STEPS[0])}.ipynb"
    make_copies(SAVED, COPIES)
    print(
        f"{shown(COPIES / name)} is yours, without the answers: "
        "guess, then run a cell.\n"
        f"notebooks/{name} has them, for reading. To begin anew, delete your copy."
    )
    words = ["lab", *jupyter_options(), shown(COPIES / name)]
    say_command("jupyter", *words)
    return subprocess.call([sys.executable, "-m", "jupyter", *words])


def make_copies(saved: Path, copies: Path) -> None:
    """Copy every notebook without its outputs; what is there already stays as it is.

    All of them, because the last line of each leads to the next.
    """
    copies.mkdir(exist_ok=True)
    for path in sorted(saved.glob("0*_*.ipynb")):
        copy = copies / path.name
        if not copy.exists():
            copy.write_text(without_outputs(path.read_text("utf-8")), "utf-8")


def without_outputs(text: str) -> str:
    """Return a notebook as it was before any cell was run."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
            cell["execution_count"] = None
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def jupyter_options() -> list[str]:
    """Return the options that JupyterLab needs.

    The file browser begins at the top of the workbook, where the steps are. Jupyter
    does not start as root unless an option allows it.
    """
    options = [f"--ServerApp.root_dir={ROOT}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    return options
