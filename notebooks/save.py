"""For maintainers: run the notebooks from top to bottom, and save what they show.

python notebooks/save.py          all six
python notebooks/save.py 02 05    these
"""

import asyncio
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).resolve().parent


def run(path: Path) -> nbformat.NotebookNode:
    """Return the notebook as a clean kernel leaves it.

    Raises CellExecutionError where a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        resources=resources,
    ).execute()
    return tidy(notebook)


def tidy(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Forget what differs from machine to machine, so that diffs show real changes."""
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = join_streams(cell.outputs)
    return notebook


def join_streams(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Join what was printed in several goes: where it is cut depends on the clock."""
    joined: list[nbformat.NotebookNode] = []
    for output in outputs:
        if (
            joined
            and output.output_type == "stream" == joined[-1].output_type
            and output.name == joined[-1].name
        ):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def main(names: list[str]) -> None:
    """Run and save the notebooks that are named, or all of them."""
    if os.name == "nt":
        asyncio.set_event_loop_policy(
            asyncio.WindowsSelectorEventLoopPolicy()
        )  # what the kernels' sockets need
    for path in sorted(FOLDER.glob("0*_*.ipynb")):
        if not names or path.name[:2] in names:
            start = time.perf_counter()
            try:
                nbformat.write(run(path), path)
            except CellExecutionError as error:
                sys.exit(f"{path.name} is not saved.\n{error}")
            print(f"{path.name}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
