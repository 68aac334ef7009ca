"""The notebooks: they run, what is saved in them is from such a run, and each mistake has its place."""

import copy
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "notebooks"

# What the tutorial gets wrong, by the notebook that proves it.
LIST = """
01_config: secret-key-encrypts secret-key-none weak-key flask-env settings-that-do-nothing install-list
01_config: config-at-import cookie-flags templates-in-static blueprint-static
02_models: sha256 sha256-rows fast-hash default-below-owasp encrypting tightly-coupled repr is-active-called
02_models: short-columns nul timestamps create-all-in-factory legacy-query hash-in-log
03_forms: stronger-password javascript-link silent-website broken-placeholder hard-coded-action csrf-by-form-only
03_forms: only-post
04_signup: check-then-insert two-accounts-one-mailbox jinja2-ending logged-in-signup
05_login: open-redirect lost-next failed-login-redirects timing inactive-loop loader-backwards loader-every-page
05_login: logout-by-get cookie-outlives-logout no-throttle old-session-kept
06_protected: decorator-order back-button no-headers passing-current-user not-fresh
"""
ERRATA: dict[str, list[str]] = {}
for line in LIST.strip().splitlines():
    name, _, ids = line.partition(": ")
    ERRATA.setdefault(name, []).extend(ids.split())
NAMES = list(ERRATA)
PLAYED = (
    "somebody has tried things in this notebook and saved it. `git restore notebooks` undoes that; "
    "what is meant to stay has to be run and saved as a whole: python notebooks/save.py"
)


@pytest.fixture(scope="module")
def save() -> ModuleType:
    """notebooks/save.py, which runs a notebook and tidies it."""
    spec = importlib.util.spec_from_file_location("save_notebooks", FOLDER / "save.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=NAMES)
def notebook(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A notebook as it is saved."""
    return json.loads((FOLDER / f"{request.param}.ipynb").read_text(encoding="utf-8")) | {"name": request.param}


def cells(notebook: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The cells of one kind that hold anything."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind and "".join(cell["source"]).strip()]


def text(notebook: dict[str, Any]) -> str:
    """What there is to read, without the code."""
    return "\n\n".join("".join(cell["source"]) for cell in cells(notebook, "markdown"))


def test_what_is_saved_is_from_a_full_run_in_order(notebook: dict[str, Any]) -> None:
    """Cells run out of order show results that nobody else gets."""
    code = cells(notebook, "code")

    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), PLAYED


def test_what_is_saved_holds_no_error_and_no_warning(notebook: dict[str, Any]) -> None:
    """Whoever reads it on a web page sees what was saved."""
    outputs = [output for cell in cells(notebook, "code") for output in cell["outputs"]]

    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []


def test_what_is_saved_names_no_machine(notebook: dict[str, Any]) -> None:
    """Paths and user names are nobody's business, and make every save a long diff."""
    outputs = json.dumps([cell["outputs"] for cell in cells(notebook, "code")])
    outputs = re.sub(r"data:image/png;base64,[\w+/=]+", "", outputs)

    assert re.findall(r"/(?:home|root|Users|tmp|var|work)/\S*|[A-Z]:\\\\", outputs) == []
    assert str(Path.home()) not in outputs


def test_it_is_tidy(save: ModuleType, notebook: dict[str, Any]) -> None:
    """What Jupyter notes about the machine and the clock is left out by `python notebooks/save.py`."""
    kept = {key: notebook[key] for key in ("cells", "metadata", "nbformat", "nbformat_minor")}

    assert save.tidy(nbformat.from_dict(copy.deepcopy(kept))) == kept, PLAYED
    assert kept["metadata"]["kernelspec"]["name"] == "python3"


def test_it_reads_in_a_quarter_of_an_hour(notebook: dict[str, Any]) -> None:
    """Under 2,500 words; no cell of more than 20 lines, so that each can be taken in at a glance."""
    lengths = ["".join(cell["source"]).count("\n") + 1 for cell in cells(notebook, "code")]

    assert len(text(notebook).split()) < 2500
    assert max(lengths) <= 20


def test_every_mistake_has_its_place(notebook: dict[str, Any]) -> None:
    """A hidden anchor marks each, so that one can link to it, and this test can say which are missing."""
    anchors = re.findall(r'<a id="([\w-]+)"></a>', text(notebook))

    assert sorted(ERRATA[notebook["name"]]) == sorted(anchors)


def test_every_mistake_is_predicted_and_proved(notebook: dict[str, Any]) -> None:
    """A question comes before the answer; and a cell below each anchor, before the next, ends in an assert."""
    place, proved = "", {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for anchor in re.findall(r'<a id="([\w-]+)"></a>', source):
                place = anchor
                proved.setdefault(place, False)
        elif place and re.search(r"^\s*assert ", source, re.MULTILINE):
            proved[place] = True

    assert "**Predict" in text(notebook)
    # Two questions that one experiment answers stand together, and the first of them has no cell of its own.
    assert [anchor for anchor, done in proved.items() if not done] in ([], ["loader-backwards"])


def test_every_picture_has_words(notebook: dict[str, Any]) -> None:
    """Whoever does not see it gets the same from the text below."""
    outputs = [output.get("data", {}) for cell in cells(notebook, "code") for output in cell["outputs"]]
    pictures = ["".join(data["text/html"]) for data in outputs if "<img" in "".join(data.get("text/html", ""))]

    assert all(re.search(r'<img alt="[^"]{10,}"', picture) for picture in pictures)
    assert all(re.search(r"<figcaption>.{20,}</figcaption>", picture) for picture in pictures)
    assert not any("image/png" in data for data in outputs), "draw with lab.picture, which asks for words"


def test_its_links_to_other_notebooks_lead_somewhere(notebook: dict[str, Any]) -> None:
    """The last line of each opens the next."""
    for target in re.findall(r"\]\(([\w./]+\.ipynb)\)", text(notebook)):
        assert (FOLDER / target).is_file(), target


def run_first_cell(save: ModuleType, folder: Path, prepare: str = "") -> str:
    """What a reader sees whose first cell fails in this folder."""
    whole = nbformat.read(FOLDER / "01_config.ipynb", as_version=4)
    first = next(cell for cell in whole.cells if cell.cell_type == "code")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(prepare or "None"), first])
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True, resources=resources).execute()
    shown = [output.get("text", "") + "\n".join(output.get("traceback", [])) for output in first.outputs]
    return "\n".join(shown)


@pytest.mark.filterwarnings("default")
def test_it_runs_wherever_it_is_opened_from(save: ModuleType) -> None:
    """JupyterLab may be started in the notebook's folder, at the top, or in a step."""
    for folder in (ROOT, ROOT / "steps" / "01_config"):
        assert run_first_cell(save, folder).startswith("Ready: Python 3.")


@pytest.mark.filterwarnings("default")
def test_a_copy_elsewhere_says_where_it_belongs(save: ModuleType, tmp_path: Path) -> None:
    """A notebook that was mailed around has lost its workbook; a traceback would not say so."""
    shown = run_first_cell(save, tmp_path)

    assert "Open this notebook where it belongs" in shown
    assert "line " not in shown


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("missing", ["flask", "matplotlib", "webtest"])
def test_the_kernel_of_another_environment_is_told_what_to_do(save: ModuleType, missing: str) -> None:
    """One sentence with the command that mends it, and no wall of traceback."""
    shown = run_first_cell(save, FOLDER, f"import sys\nsys.modules[{missing!r}] = None")

    assert f"lacks {missing}" in shown
    assert "python3 -m workbook notebook" in shown
    assert "line " not in shown


# Last in the file and the longest first: so pytest-xdist, which deals the last tests out in twos, shares them evenly.
@pytest.mark.filterwarnings("default")  # the kernel's client is not ours to keep free of warnings
@pytest.mark.parametrize("name", sorted(NAMES, key=["05_login", "02_models", *NAMES].index))
def test_it_runs_from_top_to_bottom_in_a_clean_kernel(save: ModuleType, name: str) -> None:
    """A notebook whose claim is no longer true must fail, and not go on claiming it."""
    path = FOLDER / f"{name}.ipynb"
    before = path.read_bytes()

    ran = save.run(path)

    counts = [cell.execution_count for cell in ran.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert path.read_bytes() == before, "running a notebook must not change the file"
