"""What the notebooks share: load a step or a mistake, visit it, run a test, draw."""

import sys


class NotReadyError(Exception):
    """The notebook cannot go on; says why in one sentence instead of a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


OPEN = "open it again with `python3 -m workbook notebook`, which installs what it needs"
if sys.version_info < (3, 11):  # noqa: UP036 -- a kernel may be older than the project
    raise NotReadyError(
        f"This notebook runs on a Python that is older than 3.11: close it, and {OPEN}."
    )

try:
    import ast
    import atexit
    import base64
    import html
    import io
    import os
    import re
    import shutil
    import statistics
    import subprocess
    import tempfile
    import textwrap
    import time
    from collections.abc import Callable, Iterable, Sequence
    from importlib.metadata import version
    from pathlib import Path
    from typing import Any

    ROOT = Path(__file__).resolve().parent.parent
    sys.path.insert(0, str(ROOT))  # a notebook starts in its own folder
    # Leave no __pycache__ in the steps: it would show in their diffs.
    sys.dont_write_bytecode = True

    import matplotlib as mpl
    import pytest  # noqa: F401 -- only run_test needs it: miss it here, not half-way
    from ada_url import URL
    from IPython.display import display
    from matplotlib import pyplot as plt

    from tests.support.harness import (
        CONFIG,
        HOST,
        NEW_PASSWORD,
        PASSWORD,
        STEPS,
        Step,
        Visitor,
        init_db,
        main_form,
        query,
        visible_text,
    )
    from workbook import patches
    from workbook.common import WorkbookError
except ImportError as error:
    if str(error.name).startswith(("tests", "workbook")):
        raise  # no install mends that
    raise NotReadyError(
        f"This notebook runs on a Python that lacks {error.name}: close it, and {OPEN}."
    ) from None

__all__ = [  # what the notebooks take from here
    "CONFIG",
    "HOST",
    "NEW_PASSWORD",
    "PASSWORD",
    "Recorder",
    "as_a_browser_reads",
    "draw_bars",
    "draw_cookie",
    "draw_guesses",
    "draw_pairs",
    "draw_requests",
    "main_form",
    "mistake",
    "query",
    "raised",
    "run_test",
    "scratch",
    "show_function",
    "show_lines",
    "show_markdown",
    "show_table",
    "step",
    "time_pairs",
    "visible_text",
    "visit",
]

INK, GREY, GOOD, BAD, PAPER = "#23272e", "#6b7280", "#1f6fb4", "#c2410c", "#fcfcfa"
mpl.use("agg")  # `picture` shows what was drawn, with the words that say the same
mpl.rcParams.update(
    {
        "figure.facecolor": PAPER,  # a light card reads the same in both themes
        "axes.facecolor": PAPER,
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "font.size": 11,
    }
)


def ready() -> None:
    """Say that all is there, and what it was measured with."""
    names = ("Flask", "Flask-Login", "Werkzeug", "SQLAlchemy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"Ready: Python {python}, {versions}")


# Steps, mistakes and visitors


def step(number: int) -> Step:
    """Return one of the six apps, as it stands in steps/."""
    return STEPS[number]


class MissingCopy:
    """Stands for a copy that could not be made: each use of it says why."""

    def __init__(self, reason: str) -> None:
        self.__dict__["reason"] = reason

    def __getattr__(self, name: str) -> None:
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotReadyError(self.reason)


def mistake(name: str, at: int | None = None, show: bool = True) -> Step | MissingCopy:
    """Return a copy of a step with one mistake put back by its patch, and show it.

    `at`: another step than the patch was made for, where one sees more of its results.
    """
    found = next(one for one in patches.all_mistakes() if one.id == name)
    original = STEPS[at or int(found.step[:2])]
    copy = scratch() / original.name
    left_out = shutil.ignore_patterns("instance", ".env", "__pycache__")
    shutil.copytree(original.path, copy, ignore=left_out)
    try:
        patches.apply(found, copy)
    except WorkbookError as error:  # there is no git
        print(error)
        return MissingCopy(f"This cell needs the copy with the mistake. {error}")
    if show:
        show_diff(short_diff(found.diff))
    return Step(original.number, copy)


def scratch() -> Path:
    """Make an empty folder that is gone when the notebook is closed."""
    folder = Path(tempfile.mkdtemp(prefix="workbook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def short_diff(diff: str) -> str:
    """Return what a patch takes away and adds, by file, with one line around it."""
    lines = diff.splitlines()
    changed = set()
    for number, line in enumerate(lines):
        if re.match(r"[+-](?!--|\+\+)", line):
            changed.add(number)
    kept = []
    for number, line in enumerate(lines):
        is_next_to_a_change = number - 1 in changed or number + 1 in changed
        is_around = is_next_to_a_change and line.startswith(" ") and line.strip()
        if line.startswith("+++ "):
            kept.append(f"# {line.rpartition('flask_login_tutorial/')[2]}")
        elif line.startswith("rename "):
            kept.append(f"# {line}")
        elif number in changed or is_around:
            kept.append(line)
    return "\n".join(kept)


def visit(app: Any, *, agent: str = "Firefox on Linux", **config: Any) -> Visitor:
    """Return somebody who has never been here.

    `app`: a step, which gets an empty database, or a running app.
    """
    if isinstance(app, MissingCopy):
        raise NotReadyError(app.reason)
    if isinstance(app, Step):
        made = app.create_app(**config)
        if app.number > 1:
            init_db(made)
        return Visitor(made, agent=agent)
    return Visitor(app, agent=agent)


class Recorder(Visitor):
    """A visitor who writes down every request and what came back."""

    def do_request(
        self, req: Any, status: Any = None, expect_errors: bool | None = None
    ) -> Any:
        """Send it, and keep (method, path, status, target) for `draw_requests`."""
        self.__dict__.setdefault("exchanges", [])
        response = super().do_request(req, status, expect_errors)
        target = (response.location or "").replace(f"https://{HOST}", "")
        exchange = (req.method, req.path_qs, response.status_code, target)
        self.exchanges.append(exchange)
        return response


def as_a_browser_reads(link: str, page: str) -> str:
    """Return where a browser goes that finds this link on this page.

    By the rules of the WHATWG, which browsers follow, and not by Python's.
    """
    return URL(link, base=page).href


# What is shown


def show_text(text: str, language: str = "") -> None:
    """Show code in the colours of the theme."""
    show({"text/markdown": f"```{language}\n{text}\n```", "text/plain": text})


def show_diff(diff: str) -> None:
    """Show a patch in colours that suit both themes; JupyterLab has none for it."""
    lines = "\n".join(coloured(line) for line in diff.splitlines())
    show({"text/html": f"<pre>{lines}</pre>", "text/plain": diff})


def coloured(line: str) -> str:
    """Return a line of a patch as HTML."""
    text = html.escape(line)
    if line.startswith("-"):
        return f'<del style="{tint("220, 60, 60")}">{text}</del>'
    if line.startswith("+"):
        return f'<ins style="{tint("40, 160, 80")}">{text}</ins>'
    return text


def tint(colour: str) -> str:
    """Return the style of a changed line."""
    return f"background-color: rgba({colour}, 0.25); text-decoration: none"


def show_function(of: Step | int, file: str, name: str) -> None:
    """Show a function, a class or a constant as it stands in the step.

    `show_function(5, "auth.py", "login")`
    """
    path = package(of) / file
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if name_of(node) == name:
            decorators = getattr(node, "decorator_list", [])
            first = min([node.lineno, *(line.lineno for line in decorators)])
            lines = source.splitlines()[first - 1 : node.end_lineno]
            code = textwrap.dedent("\n".join(lines))
            return show_text(f"# {where(path)}\n{code}", "python")
    raise LookupError(f"{where(path)} has no {name}.")


def name_of(node: ast.AST) -> str | None:
    """Return the name of a function or class, or of what is assigned to."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return getattr(node, "name", None)


def show_lines(of: Step | int, file: str, *words: str) -> None:
    """Show the lines that hold these words, as they stand in the step's file."""
    path = package(of) / file
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if any(word in line for word in words):
            found.append(line.strip())
    for word in words:
        if not any(word in line for line in found):
            raise LookupError(f"{where(path)} does not hold {word!r}.")
    if path.suffix == ".html":
        show_text("\n".join([f"<!-- {where(path)} -->", *found]), "html")
    else:
        show_text("\n".join([f"# {where(path)}", *found]), "python")


def package(of: Step | int) -> Path:
    """Return the folder with a step's modules."""
    chosen = STEPS[of] if isinstance(of, int) else of
    return chosen.path / "flask_login_tutorial"


def where(path: Path) -> str:
    """Return a path as a reader of the workbook would write it."""
    if path.is_relative_to(ROOT):
        return path.relative_to(ROOT).as_posix()
    return "/".join(path.parts[-3:])


def without_paths(text: str) -> str:
    """Return the same text on every machine."""
    copies = rf"{re.escape(tempfile.gettempdir())}\S*?workbook-\w+"
    return re.sub(copies, "COPY", text).replace(str(ROOT), ".")


def show_table(rows: Iterable[Any], title: str) -> None:
    """Show rows from the database, or any mappings, as a table."""
    rows = [dict(row) for row in rows]
    if not rows:
        return show_markdown(f"**{title}**: no rows.")
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    for row in rows:
        lines.append([table_cell(value) for value in row.values()])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return show_markdown(f"**{title}**\n\n{table}")


def table_cell(value: object) -> str:
    """Return a value as text. JupyterLab takes what is between two $ for a formula."""
    text = str(value)
    return f"`{text}`" if "$" in text else text


def show_markdown(text: str) -> None:
    """Show formatted text."""
    show({"text/markdown": text, "text/plain": text})


def show(data: dict[str, str], **named: Any) -> None:
    """Show the same thing in several formats; what displays it takes the best."""
    display(data, raw=True, **named)


def raised(call: Callable[..., Any], *values: Any, **named: Any) -> Exception | None:
    """Call what should fail; print how it does; return the exception, or None."""
    try:
        call(*values, **named)
    except NotReadyError:
        raise
    except Exception as error:
        words = without_paths(str(error).strip())[:400]
        print(f"{type(error).__name__}: {words}")
        return error
    print("Nothing is raised.")
    return None


# What is run


def run_test(of: Step | int | MissingCopy, *tests: str) -> bool:
    """Run tests of the suites on a step or a mistake, and say what came out."""
    if isinstance(of, MissingCopy):
        raise NotReadyError(of.reason)
    number = of if isinstance(of, int) else of.number
    names = [full_name(test) for test in tests]
    command = ["pytest", "--step", f"{number:02}", *names]
    if isinstance(of, Step) and of != STEPS[number]:
        command[3:3] = ["--app", str(of.path)]
    shown = without_paths(" ".join(command))
    print("$", shown.replace(" tests/", " \\\n    tests/"))
    result = run_quietly(command)
    if result.returncode not in (0, 1):
        raise RuntimeError(without_paths(result.stdout + result.stderr))
    for name in names:
        print_verdict(name, result.stdout)
    for line in re.findall(r"^E   (.*)", result.stdout, re.MULTILINE)[:1]:
        print("    It failed with", without_paths(line))
    return result.returncode == 0


def full_name(test: str) -> str:
    """Return a test's name from the top: `test_next.py::test_x` without its suite."""
    file, _, name = test.partition("::")
    path = next((ROOT / "tests").glob(f"0*_*/{file}"))
    return f"{where(path)}::{name}"


def run_quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of Python's in the workbook's folder."""
    quiet = ["-q", "--color=no", "--tb=line", "-p", "no:cacheprovider"]
    # Plugins take longer to load than the tests to run; options are not the reader's.
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-m", *command, *quiet],
        cwd=ROOT,
        env={**os.environ, **plain},
        capture_output=True,
        text=True,
        check=False,
    )


def print_verdict(full_name: str, output: str) -> None:
    """Print whether a test passed, and why it matters."""
    path, _, name = full_name.partition("::")
    failed = re.search(rf"^FAILED \S*::{name}\b", output, re.MULTILINE)
    print("✗" if failed else "✓", name.removeprefix("test_").replace("_", " "))
    reason = docstring(ROOT / path, name)
    print(textwrap.indent(textwrap.fill(reason, 74), "    "))


def docstring(path: Path, name: str) -> str:
    """Return why a test matters."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [node for node in tree.body if getattr(node, "name", "") == name]
    if not tests:
        raise LookupError(f"{where(path)} has no {name}.")
    return ast.get_docstring(tests[0])


def time_pairs(
    first: Callable[[], Any], second: Callable[[], Any], pairs: int = 10
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of both, taken in turns.

    Of processor time: what else the machine does meanwhile does not count.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(pairs):
        for call, taken in zip((first, second), times, strict=True):
            start = time.process_time()
            call()
            taken.append(1000 * (time.process_time() - start))
    return times


# What is drawn


def picture(figure: Any, title: str, words: str) -> None:
    """Show a drawing, and below it the words that say the same without seeing it."""
    axes = figure.axes[0]
    axes.set_title(title, loc="left", fontweight="bold")
    data = io.BytesIO()
    options = {"dpi": 110, "bbox_inches": "tight", "metadata": {"Software": None}}
    figure.savefig(data, format="png", **options)
    plt.close(figure)
    image = base64.b64encode(data.getvalue()).decode()
    alternative = f"{title}. The text below says the same."
    show(
        {"image/png": image, "text/plain": f"{title}. {words}"},
        metadata={"image/png": {"alt": alternative}},
    )
    show_markdown(f"*{title}.* {words}")


def grid(axes: Any, axis: str) -> None:
    """Draw a light grid behind what is drawn."""
    axes.grid(axis=axis, color=GREY, alpha=0.3)
    axes.set_axisbelow(True)


def draw_bars(values: dict[str, float], title: str, unit: str) -> None:
    """Draw bars on a log scale: each line of the grid is ten times the one before."""
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(values) + 1.2))
    names = list(values)[::-1]
    bars = axes.barh(names, [values[name] for name in names], color=GOOD, height=0.6)
    axes.bar_label(bars, [f" {values[name]:,.0f}" for name in names], padding=2)
    axes.set_xscale("log")
    axes.set_xlim(right=max(values.values()) * 8)
    axes.set_xlabel(f"{unit}, log scale")
    grid(axes, "x")
    words = [f"{name}: {value:,.0f}" for name, value in values.items()]
    picture(figure, title, f"{'; '.join(words)} {unit}.")


def draw_guesses(guesses: dict[str, float], title: str) -> None:
    """Draw how many guesses a password takes, against how long it is."""
    figure, axes = plt.subplots(figsize=(8, 3.6))
    lengths = [len(password) for password in guesses]
    axes.scatter(lengths, list(guesses.values()), color=GOOD, s=60)
    words = []
    for password, number in guesses.items():
        point = (len(password), number)
        beside = {"textcoords": "offset points", "ha": "center", "fontsize": 10}
        axes.annotate(password, point, (0, 9), **beside)
        words.append(f"{password}: {len(password)} characters, {number:,.0f} guesses")
    axes.set_yscale("log")
    axes.set_ylim(1, max(guesses.values()) * 100)
    axes.set_xlim(8, max(lengths) + 3)
    axes.set_xlabel("characters")
    axes.set_ylabel("guesses, log scale")
    grid(axes, "y")
    picture(figure, title, f"{'; '.join(words)}.")


def draw_pairs(times: dict[str, Sequence[float]], title: str, unit: str = "ms") -> None:
    """Draw one dot for each try, and a line where the median is."""
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(times) + 1.2))
    names = list(times)[::-1]
    words = []
    for y, name in enumerate(names):
        median = statistics.median(times[name])
        y_values = [y] * len(times[name])
        axes.scatter(times[name], y_values, color=GOOD, alpha=0.5, s=45, linewidths=0)
        axes.plot([median, median], [y - 0.3, y + 0.3], color=BAD, linewidth=2.5)
        label = f"{median:.0f} {unit}"
        style = {"color": BAD, "ha": "center", "fontsize": 10}
        axes.annotate(label, (median, y + 0.34), **style)
        words.append(f"{name} {label}")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.2)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{unit} for one answer (a dot each; the line is the median)")
    grid(axes, "x")
    picture(figure, title, f"Medians: {'; '.join(reversed(words))}.")


def draw_cookie(cookie: str, meaning: str) -> None:
    """Draw a session cookie, its three parts in colours, and what the first says."""
    parts = cookie.split(".")
    figure, axes = plt.subplots(figsize=(8, 1.9))
    axes.axis("off")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 10)
    labels = ("what it holds", "when", "signature")
    lengths = [max(len(part), 12) for part in parts]
    widths = [100 * length / sum(lengths) for length in lengths]
    left = 0.0
    for part, label, colour, width in zip(
        parts, labels, (GOOD, GREY, BAD), widths, strict=True
    ):
        draw_part(axes, part, label, colour, left, width)
        left += width
    arrow = {"arrowstyle": "<-", "color": GOOD}
    style = {"family": "monospace", "fontsize": 10, "arrowprops": arrow}
    axes.annotate(meaning, (widths[0] / 2, 5), (2, 1.2), **style)
    words = f"The first of its three parts, decoded, says: `{meaning}`"
    picture(figure, "A session cookie, taken apart", words)


def draw_part(
    axes: Any, part: str, label: str, colour: str, left: float, width: float
) -> None:
    """Draw one part of a cookie, cut to its room."""
    room = int(width * 0.9)
    text = part if len(part) <= room else f"{part[: room - 1]}…"
    middle = left + width / 2
    axes.add_patch(plt.Rectangle((left, 5), width - 0.8, 2.6, color=colour))
    style = {"ha": "center", "va": "center", "family": "monospace", "fontsize": 9}
    axes.text(middle, 6.3, text, color="white", **style)
    axes.text(middle, 8.3, label, color=colour, ha="center", fontsize=10)


def draw_requests(exchanges: Sequence[tuple[str, str, int, str]], title: str) -> None:
    """Draw requests to the right and answers to the left, from top to bottom."""
    figure, axes = plt.subplots(figsize=(8, 0.95 * len(exchanges) + 0.8))
    axes.axis("off")
    axes.set_xlim(0, 10)
    bottom = -2 * len(exchanges)
    axes.set_ylim(bottom - 0.3, 1.2)
    for x, name in ((1, "browser"), (9, "app")):
        axes.plot([x, x], [0.3, bottom], color=GREY, linewidth=1.2)
        axes.text(x, 0.6, name, ha="center", fontweight="bold")
    words = []
    for number, (method, path, status, target) in enumerate(exchanges):
        request = f"{method} {path}"
        answer = f"{status} → {target}" if target else str(status)
        leads_away = "//" in target.partition("?")[0]
        colour = BAD if status >= 400 or leads_away else GOOD
        draw_arrow(axes, -2 * number - 0.6, (1, 9), request, INK)
        draw_arrow(axes, -2 * number - 1.5, (9, 1), answer, colour)
        words.append(f"{request} is answered {answer}")
    picture(figure, title, f"{'; '.join(words)}.")


def draw_arrow(
    axes: Any, y: float, ends: tuple[float, float], text: str, colour: str
) -> None:
    """Draw one message."""
    start, end = ends
    arrow = {"arrowstyle": "->", "color": colour, "linewidth": 1.4}
    axes.annotate("", (end, y), (start, y), arrowprops=arrow)
    style = {"ha": "center", "family": "monospace", "fontsize": 9.5}
    axes.text(5, y + 0.12, text, color=colour, **style)
