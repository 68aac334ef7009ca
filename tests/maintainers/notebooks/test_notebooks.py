"""The notebooks.

They run, what is saved in them is from such a run, and each mistake has its place.
"""

import copy
import importlib.util
import itertools
import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager
from nbclient import NotebookClient

from workbook.notebook import jupyter_options, make_copies
from workbook.patches import all_mistakes

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "notebooks"

# What the tutorial gets wrong, by the notebook that proves it.
LIST = """
01_config: secret-key-encrypts secret-key-none weak-key flask-env
01_config: settings-that-do-nothing install-list config-at-import cookie-flags
01_config: templates-in-static blueprint-static printed-code
02_models: sha256 sha256-rows fast-hash default-below-owasp encrypting tightly-coupled
02_models: repr is-active-called short-columns nul timestamps create-all-in-factory
02_models: legacy-query hash-in-log password-column table-name missing-database
02_models: track-modifications
03_forms: stronger-password javascript-link silent-website broken-placeholder
03_forms: hard-coded-action only-post
04_signup: check-then-insert second-click two-accounts-one-mailbox jinja2-ending
04_signup: logged-in-signup
05_login: open-redirect lost-next failed-login-redirects timing loader-backwards
05_login: loader-every-page loader-is-no-route logout-by-get cookie-outlives-logout
05_login: no-rate-limits old-session-kept
06_protected: back-button no-headers passing-current-user
"""

# What is not in the tutorial, but what one falls into next: by mending or adding.
NEXT = """
03_forms: csrf-by-form-only csrf-token-only json-bodies
05_login: inactive-loop remember-me counted-by-answer limits-that-punish-a-room
06_protected: decorator-order not-fresh
"""

# The field's own terms, which learners will search for.
TERMS = """
salt | brute force | credential stuffing | password spraying | user enumeration
timing attack | rate limit | race condition | cross-site scripting | XSS
cross-site request forgery | CSRF | open redirect | phishing | session fixation
clickjacking | allow-list | idle timeout | absolute timeout | fresh log-in | sudo mode
layered hash | optimistic locking | session hijacking
"""


def by_notebook(text: str) -> dict[str, list[str]]:
    """The ids of one of the lists above."""
    found: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        name, _, ids = line.partition(": ")
        found.setdefault(name, []).extend(ids.split())
    return found


ERRATA, NEXT_ONES = by_notebook(LIST), by_notebook(NEXT)
NAMES = list(ERRATA)
NOT_ITS_OWN = "what one falls into next"
PLAYED = (
    "somebody has tried things in this notebook and saved it. "
    "`git restore notebooks` undoes that; "
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
    return json.loads(
        (FOLDER / f"{request.param}.ipynb").read_text(encoding="utf-8")
    ) | {"name": request.param}


def cells(notebook: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The cells of one kind that hold anything."""
    return [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == kind and "".join(cell["source"]).strip()
    ]


def text(notebook: dict[str, Any]) -> str:
    """What there is to read, without the code."""
    return "\n\n".join("".join(cell["source"]) for cell in cells(notebook, "markdown"))


def test_what_is_saved_is_from_a_full_run_in_order(notebook: dict[str, Any]) -> None:
    """Cells run out of order show results that nobody else gets."""
    code = cells(notebook, "code")

    assert [cell["execution_count"] for cell in code] == list(
        range(1, len(code) + 1)
    ), PLAYED


def test_what_is_saved_holds_no_error_and_no_warning(notebook: dict[str, Any]) -> None:
    """Whoever reads it on a web page sees what was saved."""
    outputs = [output for cell in cells(notebook, "code") for output in cell["outputs"]]

    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output for output in outputs if output.get("name") == "stderr"] == []


def test_what_is_saved_names_no_machine(notebook: dict[str, Any]) -> None:
    """Paths and user names are nobody's business, and make every save a long diff."""
    for cell in cells(notebook, "code"):
        for output in cell["outputs"]:
            output.get("data", {}).pop("image/png", None)
    outputs = json.dumps([cell["outputs"] for cell in cells(notebook, "code")])

    assert (
        re.findall(r"/(?:home|root|Users|tmp|var|work)/\S*|[A-Z]:\\\\", outputs) == []
    )
    assert str(Path.home()) not in outputs


def differences_from_a_tidy_one(
    save: ModuleType, notebook: dict[str, Any]
) -> list[str]:
    """The cells that `python notebooks/save.py` would save in another way."""
    tidied = save.tidy(nbformat.from_dict(copy.deepcopy(notebook)))
    pairs = zip(notebook["cells"], tidied["cells"], strict=True)
    return [cell["id"] for cell, tidy_cell in pairs if cell != tidy_cell]


def test_it_is_tidy(save: ModuleType, notebook: dict[str, Any]) -> None:
    """`python notebooks/save.py` leaves out what Jupyter notes about the clock."""
    assert differences_from_a_tidy_one(save, notebook) == [], PLAYED
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_opening_it_and_leaving_it_alone_fails_nothing(
    save: ModuleType, tmp_path: Path
) -> None:
    """JupyterLab saves by itself, and writes down which kernel it has started.

    That is nobody's fault.
    """
    name = NAMES[0]
    shutil.copy(FOLDER / f"{name}.ipynb", tmp_path)
    manager = FileContentsManager(root_dir=str(tmp_path))
    model = manager.get(f"{name}.ipynb")
    model["content"]["metadata"]["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
    model["content"]["metadata"]["language_info"] |= {
        "version": "3.11.2",
        "pygments_lexer": "ipython3",
    }
    manager.save({**model, "type": "notebook"}, f"{name}.ipynb")

    notebook = json.loads((tmp_path / f"{name}.ipynb").read_text(encoding="utf-8"))

    assert notebook["metadata"]["language_info"]["version"] == "3.11.2", "it was saved"
    test_what_is_saved_is_from_a_full_run_in_order(notebook)
    test_it_is_tidy(save, notebook)


def test_it_reads_in_a_quarter_of_an_hour(notebook: dict[str, Any]) -> None:
    """Under 2,500 words.

    No cell of more than 20 lines, so that each can be taken in at a glance.
    """
    lengths = [
        "".join(cell["source"]).count("\n") + 1 for cell in cells(notebook, "code")
    ]

    assert len(text(notebook).split()) < 2500
    assert max(lengths) <= 20


def test_every_mistake_has_its_place(notebook: dict[str, Any]) -> None:
    """A hidden anchor marks each: one can link to it, and see which are missing."""
    anchors = re.findall(r'<a id="([\w-]+)"></a>', text(notebook))

    expected = ERRATA[notebook["name"]] + NEXT_ONES.get(notebook["name"], [])
    assert sorted(expected) == sorted(anchors)


def test_no_blame_for_what_the_tutorial_does_not_do() -> None:
    """What one falls into next is a list of its own.

    The notebook says so, and so does the patch.
    """
    innocent = {name for names in NEXT_ONES.values() for name in names}

    said = {mistake.id for mistake in all_mistakes() if NOT_ITS_OWN in mistake.says}
    assert said == innocent - {"remember-me"}, (
        "that one has no patch: it is shown with Flask-Login alone"
    )


def test_the_fields_own_terms_are_named() -> None:
    """Learners search for what they learn, and find it by its name."""
    everything = " ".join(
        text(json.loads(path.read_text(encoding="utf-8"))).lower()
        for path in FOLDER.glob("0*.ipynb")
    )
    plain = re.sub(r"[*_`]", "", everything)

    terms = [
        term.strip() for term in TERMS.replace("\n", "|").split("|") if term.strip()
    ]
    assert [term for term in terms if term.lower() not in plain] == []


def test_every_mistake_is_predicted_and_proved(notebook: dict[str, Any]) -> None:
    """A question comes before the answer.

    And a cell below each anchor, before the next, ends in an assert.
    """
    place = ""
    proved = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for anchor in re.findall(r'<a id="([\w-]+)"></a>', source):
                place = anchor
                proved.setdefault(place, False)
        elif place and re.search(r"^\s*assert ", source, re.MULTILINE):
            proved[place] = True

    assert "**Predict" in text(notebook)
    # Two questions that one experiment answers stand together; the first has no cell.
    first_of_two = {"loader-backwards", "missing-database"}
    assert {anchor for anchor, done in proved.items() if not done} <= first_of_two


def test_every_picture_has_words(notebook: dict[str, Any]) -> None:
    """Who does not see it gets the same from the words below."""
    for cell in cells(notebook, "code"):
        for output, next_one in itertools.pairwise([*cell["outputs"], {}]):
            if "image/png" in output.get("data", {}):
                assert len(output["metadata"]["image/png"]["alt"]) > 20
                assert len("".join(next_one["data"]["text/markdown"])) > 40


def test_pictures_survive_a_page_that_allows_no_html(notebook: dict[str, Any]) -> None:
    """Many pages that show notebooks take `src` out of HTML.

    A picture is an image, and no <img>.
    """
    outputs = [
        output.get("data", {})
        for cell in cells(notebook, "code")
        for output in cell["outputs"]
    ]

    assert not any("<img" in "".join(data.get("text/html", "")) for data in outputs)


def test_its_links_to_notebooks_lead_somewhere(notebook: dict[str, Any]) -> None:
    """The last line of each opens the next.

    And a link to a mistake finds its anchor.
    """
    for file, anchor in re.findall(
        r"\]\(([\w./]+\.ipynb)?(?:#([\w-]+))?\)", text(notebook)
    ):
        path = FOLDER / (file or f"{notebook['name']}.ipynb")
        assert path.is_file(), file
        target = text(json.loads(path.read_text(encoding="utf-8")))
        assert not anchor or f'<a id="{anchor}"></a>' in target, anchor


def test_what_one_falls_into_next_is_a_list_of_its_own() -> None:
    """The last notebook has it, with a link to each place."""
    last = text(json.loads((FOLDER / "06_protected.ipynb").read_text(encoding="utf-8")))

    linked = set(re.findall(r"\]\((?:[\w./]+\.ipynb)?#([\w-]+)\)", last))
    assert linked == {name for names in NEXT_ONES.values() for name in names}


def run_first_cell(save: ModuleType, folder: Path, prepare: str = "") -> str:
    """What a reader sees whose first cell fails in this folder."""
    whole = nbformat.read(FOLDER / "01_config.ipynb", as_version=4)
    first = next(cell for cell in whole.cells if cell.cell_type == "code")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(prepare or "None"), first]
    )
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources=resources,
    ).execute()
    return "\n".join(output_text(output) for output in first.outputs)


def output_text(output: nbformat.NotebookNode) -> str:
    """What a cell printed, or how it failed."""
    return output.get("text", "") + "\n".join(output.get("traceback", []))


@pytest.mark.filterwarnings("default")
def test_it_runs_wherever_it_is_opened_from(save: ModuleType) -> None:
    """JupyterLab may be started in the notebook's folder, at the top, or in a step."""
    for folder in (ROOT, ROOT / "steps" / "01_config"):
        assert run_first_cell(save, folder).startswith("Ready: Python 3.")


@pytest.mark.filterwarnings("default")
def test_a_copy_elsewhere_says_where_it_belongs(
    save: ModuleType, tmp_path: Path
) -> None:
    """A notebook that was mailed around has lost its workbook.

    A traceback would not say so.
    """
    shown = run_first_cell(save, tmp_path)

    assert "Open this notebook where it belongs" in shown
    assert "line " not in shown


@pytest.mark.filterwarnings("default")
def test_without_git_a_cell_says_so_in_a_sentence(
    save: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git puts the mistakes into the copies.

    A wall of traceback says less than its name.
    """
    monkeypatch.setenv("PATH", "")
    whole = nbformat.read(FOLDER / "01_config.ipynb", as_version=4)
    code = [cell for cell in whole.cells if cell.cell_type == "code"]
    used = [cell for cell in code if "broken" in cell.source or cell in code[:2]]
    notebook = nbformat.v4.new_notebook(cells=used)
    resources = {"metadata": {"path": str(FOLDER)}}
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        allow_errors=True,
        resources=resources,
    ).execute()

    shown = [output_text(output) for cell in used[2:] for output in cell.outputs]
    assert sum("Git is not installed" in text for text in shown) >= 4
    assert not any("Traceback" in text for text in shown)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("missing", ["flask", "matplotlib", "webtest"])
def test_the_kernel_of_another_environment_is_told_what_to_do(
    save: ModuleType, missing: str
) -> None:
    """One sentence with the command that mends it, and no wall of traceback."""
    shown = run_first_cell(save, FOLDER, f"import sys\nsys.modules[{missing!r}] = None")

    assert f"lacks {missing}" in shown
    assert "python3 -m workbook notebook" in shown
    assert "line " not in shown


def test_a_copy_to_work_in_shows_no_answers(tmp_path: Path) -> None:
    """`notebook` opens a copy: a guess is no guess where the answer stands below it."""
    make_copies(FOLDER, tmp_path / "mine")

    for name in NAMES:
        copied = json.loads(
            (tmp_path / "mine" / f"{name}.ipynb").read_text(encoding="utf-8")
        )
        saved = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
        assert [cell["source"] for cell in copied["cells"]] == [
            cell["source"] for cell in saved["cells"]
        ]
        assert not any(
            cell.get("outputs") or cell.get("execution_count")
            for cell in copied["cells"]
        )


def test_a_copy_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """What somebody has tried in it is theirs."""
    mine = tmp_path / "05_login.ipynb"
    mine.write_text("my notes", encoding="utf-8")

    make_copies(FOLDER, tmp_path)

    assert mine.read_text(encoding="utf-8") == "my notes"


def test_a_copy_finds_the_workbook(save: ModuleType) -> None:
    """Its first cell looks for the workbook from the folder of the copies upwards."""
    mine = FOLDER / "mine"
    mine.mkdir(exist_ok=True)

    assert run_first_cell(save, mine).startswith("Ready: Python 3.")


def test_jupyter_is_told_what_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file browser shows the steps, too.

    And in a container, where one is root, Jupyter starts.
    """
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    as_root = jupyter_options()
    monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)

    assert f"--ServerApp.root_dir={ROOT}" in as_root
    assert "--allow-root" in as_root
    assert "--allow-root" not in jupyter_options()


# Last in the file and the longest first: pytest-xdist then shares them evenly.
@pytest.mark.filterwarnings(
    "default"
)  # the kernel's client is not ours to keep free of warnings
@pytest.mark.parametrize(
    "name", sorted(NAMES, key=["05_login", "02_models", *NAMES].index)
)
def test_it_runs_from_top_to_bottom_in_a_clean_kernel(
    save: ModuleType, name: str
) -> None:
    """A notebook whose claim is no longer true must fail, and not go on claiming it."""
    path = FOLDER / f"{name}.ipynb"
    before = path.read_bytes()

    ran = save.run(path)

    counts = [cell.execution_count for cell in ran.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert path.read_bytes() == before, "running a notebook must not change the file"
