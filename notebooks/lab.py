"""What the notebooks share: load a step or a mistake, visit it, show its source, run a test."""

import sys


class NotReadyError(Exception):
    """The notebook cannot go on; says why in one sentence where there would be a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


OPEN = "open it again with `python3 -m workbook notebook`, which installs what it needs"
if sys.version_info < (3, 11):  # noqa: UP036 -- a kernel may be older than the project allows
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
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.dont_write_bytecode = (
        True  # leave no __pycache__ in the steps: it would show in their diffs
    )

    import matplotlib as mpl
    import pytest  # noqa: F401 -- only run_test needs it, but it is better missed here than half-way through
    from harness import (
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
    from IPython.display import display
    from matplotlib import pyplot as plt
    from workbook import patches
except ImportError as error:
    if str(error.name).startswith(("harness", "workbook")):
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
mpl.use("agg")  # `picture` shows what was drawn, with words beside it for those who do not see it
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
    print(f"Ready: Python {sys.version_info.major}.{sys.version_info.minor}, {versions}")


# Steps, mistakes and visitors


def step(number: int) -> Step:
    """One of the six apps, as it stands in steps/."""
    return STEPS[number]


def mistake(name: str, at: int | None = None, show: bool = True) -> Step:
    """A copy of a step with one of the tutorial's mistakes put back by its patch, and shown.

    `at`: another step than the patch was made for, where one sees more of what follows from it.
    """
    found = next(one for one in patches.all_mistakes() if one.id == name)
    original = STEPS[at or int(found.step[:2])]
    copy = scratch() / original.name
    shutil.copytree(
        original.path, copy, ignore=shutil.ignore_patterns("instance", ".env", "__pycache__")
    )
    patches.apply(found, copy)
    if show:
        show_diff(short_diff(found.diff))
    return Step(original.number, copy)


def scratch() -> Path:
    """An empty folder that is gone when the notebook is closed."""
    folder = Path(tempfile.mkdtemp(prefix="workbook-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def short_diff(diff: str) -> str:
    """What a patch takes away and adds, in which file, with one line around it."""
    lines, kept = diff.splitlines(), []
    changed = {number for number, line in enumerate(lines) if re.match(r"[+-](?!--|\+\+)", line)}
    for number, line in enumerate(lines):
        if line.startswith("+++ "):
            kept.append(f"# {line.rpartition('flask_login_tutorial/')[2]}")
        elif line.startswith("rename "):
            kept.append(f"# {line}")
        elif number in changed or (
            line.startswith(" ") and line.strip() and {number - 1, number + 1} & changed
        ):
            kept.append(line)
    return "\n".join(kept)


def visit(app: Any, *, agent: str = "Firefox on Linux", **config: Any) -> Visitor:
    """Somebody who has never been here: at a step with an empty database, or at a running app."""
    if isinstance(app, Step):
        of, app = app, app.create_app(**config)
        if of.number > 1:
            init_db(app)
    return Visitor(app, agent=agent)


class Recorder(Visitor):
    """A visitor who writes down every request and what came back."""

    def do_request(self, req: Any, status: Any = None, expect_errors: bool | None = None) -> Any:
        """Send it, and keep (method, path, status, where to) for `draw_requests`."""
        self.__dict__.setdefault("exchanges", [])
        response = super().do_request(req, status, expect_errors)
        target = (response.location or "").replace(f"https://{HOST}", "")
        self.exchanges.append((req.method, req.path_qs, response.status_code, target))
        return response


# What is shown


def show_text(text: str, language: str = "") -> None:
    """Show code in the colours of the theme."""
    display({"text/markdown": f"```{language}\n{text}\n```", "text/plain": text}, raw=True)


def show_diff(diff: str) -> None:
    """Show what a patch changes, in colours that suit both themes; JupyterLab has none for it."""
    tint = {"-": "rgba(220, 60, 60, 0.25)", "+": "rgba(40, 160, 80, 0.25)"}
    tag = {"-": "del", "+": "ins"}
    lines = []
    for line in diff.splitlines():
        text = html.escape(line)
        if sign := tag.get(line[:1]):
            style = f"background-color: {tint[line[0]]}; text-decoration: none"
            text = f'<{sign} style="{style}">{text}</{sign}>'
        lines.append(text)
    display({"text/html": "<pre>" + "\n".join(lines) + "</pre>", "text/plain": diff}, raw=True)


def show_function(of: Step | int, file: str, name: str) -> None:
    """Show a function or class as it stands in the step: `show_function(5, "auth.py", "login")`."""
    path = package(of) / file
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if getattr(node, "name", None) == name:
            first = min([node.lineno, *(line.lineno for line in node.decorator_list)])
            lines = source.splitlines()[first - 1 : node.end_lineno]
            indent = len(lines[0]) - len(lines[0].lstrip())
            return show_text(
                "\n".join([f"# {where(path)}", *(line[indent:] for line in lines)]), "python"
            )
    raise LookupError(f"{where(path)} has no {name}.")


def show_lines(of: Step | int, file: str, *words: str) -> None:
    """Show the lines that hold these words, as they stand in the step's file."""
    path = package(of) / file
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [line.strip() for line in lines if any(word in line for word in words)]
    if missing := [word for word in words if not any(word in line for line in found)]:
        raise LookupError(f"{where(path)} does not hold {missing[0]!r}.")
    language = {".py": "python", ".html": "html"}.get(path.suffix, "")
    comment = "<!-- {} -->" if language == "html" else "# {}"
    show_text("\n".join([comment.format(where(path)), *found]), language)


def package(of: Step | int) -> Path:
    """The folder with a step's modules."""
    return (STEPS[of] if isinstance(of, int) else of).path / "flask_login_tutorial"


def where(path: Path) -> str:
    """A path as a reader of the workbook would write it."""
    return (
        path.relative_to(ROOT).as_posix()
        if path.is_relative_to(ROOT)
        else "/".join(path.parts[-3:])
    )


def without_paths(text: str) -> str:
    """The same text on every machine."""
    return re.sub(rf"{re.escape(tempfile.gettempdir())}\S*?workbook-\w+", "COPY", text).replace(
        str(ROOT), "."
    )


def show_table(rows: Iterable[Any], title: str) -> None:
    """Show rows from the database, or any mappings, as a table."""
    rows = [dict(row) for row in rows]
    if not rows:
        return show_markdown(f"**{title}**: no rows.")

    def cell(value: object) -> str:
        text = str(value)
        return (
            f"`{text}`" if "$" in text else text
        )  # else JupyterLab takes what is between two $ for a formula

    lines = [list(rows[0]), ["---"] * len(rows[0]), *(map(cell, row.values()) for row in rows)]
    return show_markdown(
        f"**{title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
    )


def show_markdown(text: str) -> None:
    """Show formatted text."""
    display({"text/markdown": text, "text/plain": text}, raw=True)


def raised(call: Callable[..., Any], *values: Any, **named: Any) -> Exception | None:
    """Call what should fail; print how it does; return the exception, or None if it does not."""
    try:
        call(*values, **named)
    except Exception as error:
        print(f"{type(error).__name__}: {without_paths(str(error).strip())[:400]}")
        return error
    print("Nothing is raised.")
    return None


# What is run


def run_test(of: Step | int, *tests: str) -> bool:
    """Run tests of the suites on a step or a mistake, as in a terminal, and say what came out."""
    number = of if isinstance(of, int) else of.number
    targets = [next((ROOT / "tests").glob(f"0*_*/{test.partition('::')[0]}")) for test in tests]
    names = [
        f"{where(path)}::{test.partition('::')[2]}"
        for path, test in zip(targets, tests, strict=True)
    ]
    own = ["--app", str(of.path)] if isinstance(of, Step) and of != STEPS[number] else []
    command = ["pytest", "--step", f"{number:02}", *own, *names]
    print("$", without_paths(" ".join(command)).replace(" tests/", " \\\n    tests/"))
    words = [
        sys.executable,
        "-m",
        *command,
        "-q",
        "--color=no",
        "--tb=line",
        "-p",
        "no:cacheprovider",
    ]
    env = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }  # they take longer to load than the tests to run
    result = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):
        raise RuntimeError(without_paths(result.stdout + result.stderr))
    for path, test in zip(targets, tests, strict=True):
        name = test.partition("::")[2]
        red = re.search(rf"^FAILED \S*::{name}\b", result.stdout, re.MULTILINE)
        print("✗" if red else "✓", name.removeprefix("test_").replace("_", " "))
        print(
            textwrap.fill(
                docstring(path, name), 78, initial_indent="    ", subsequent_indent="    "
            )
        )
    for line in re.findall(r"^E   (.*)", result.stdout, re.MULTILINE)[:1]:
        print("    It failed with", without_paths(line))
    return result.returncode == 0


def docstring(path: Path, name: str) -> str:
    """Why a test matters."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return next(ast.get_docstring(node) for node in tree.body if getattr(node, "name", "") == name)


def time_pairs(
    first: Callable[[], Any], second: Callable[[], Any], pairs: int = 10
) -> tuple[list[float], list[float]]:
    """Milliseconds of both, taken in turns so that a busy machine slows them alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(pairs):
        for call, taken in zip((first, second), times, strict=True):
            start = time.perf_counter()
            call()
            taken.append(1000 * (time.perf_counter() - start))
    return times


# What is drawn


def picture(figure: Any, title: str, words: str) -> None:
    """Show a drawing, with the words that tell the same to somebody who does not see it."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    source = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    image = f'<img alt="{html.escape(title)}; the text below says the same." src="{source}">'
    caption = f"<figcaption>{html.escape(words)}</figcaption>"
    display(
        {"text/html": f"<figure>{image}{caption}</figure>", "text/plain": f"{title}. {words}"},
        raw=True,
    )


def draw_bars(values: dict[str, float], title: str, unit: str) -> None:
    """Bars on a log scale: each line of the grid is ten times the one before."""
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(values) + 1.2))
    names = list(values)[::-1]
    bars = axes.barh(names, [values[name] for name in names], color=GOOD, height=0.6)
    axes.bar_label(bars, [f" {values[name]:,.0f}" for name in names], padding=2)
    axes.set_xscale("log")
    axes.set_xlim(right=max(values.values()) * 8)
    axes.set_xlabel(f"{unit}, log scale")
    axes.grid(axis="x", color=GREY, alpha=0.3)
    axes.set_axisbelow(True)
    axes.set_title(title, loc="left", fontweight="bold")
    picture(
        figure,
        title,
        "; ".join(f"{name}: {value:,.0f}" for name, value in values.items()) + f" {unit}.",
    )


def draw_guesses(guesses: dict[str, float], title: str) -> None:
    """How many guesses a password takes, against how long it is."""
    figure, axes = plt.subplots(figsize=(8, 3.6))
    axes.scatter([len(password) for password in guesses], list(guesses.values()), color=GOOD, s=60)
    for password, number in guesses.items():
        axes.annotate(
            password,
            (len(password), number),
            (0, 9),
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )
    axes.set_yscale("log")
    axes.set_ylim(1, max(guesses.values()) * 100)
    axes.set_xlim(8, max(map(len, guesses)) + 3)
    axes.set_xlabel("characters")
    axes.set_ylabel("guesses, log scale")
    axes.grid(axis="y", color=GREY, alpha=0.3)
    axes.set_title(title, loc="left", fontweight="bold")
    words = (
        f"{password}: {len(password)} characters, {number:,.0f} guesses"
        for password, number in guesses.items()
    )
    picture(figure, title, "; ".join(words) + ".")


def draw_pairs(times: dict[str, Sequence[float]], title: str, unit: str = "ms") -> None:
    """One dot for each try, and a line where the median is."""
    figure, axes = plt.subplots(figsize=(8, 0.6 * len(times) + 1.2))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for place, (name, values) in enumerate(reversed(times.items())):
        axes.scatter(values, [place] * len(values), color=GOOD, alpha=0.5, s=45, linewidths=0)
        axes.plot([medians[name]] * 2, [place - 0.3, place + 0.3], color=BAD, linewidth=2.5)
        axes.annotate(
            f"{medians[name]:.0f} {unit}",
            (medians[name], place + 0.34),
            color=BAD,
            ha="center",
            fontsize=10,
        )
    axes.set_yticks(range(len(times)), list(times)[::-1])
    axes.set_ylim(-0.6, len(times) - 0.2)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{unit} for one answer (a dot each; the line is the median)")
    axes.grid(axis="x", color=GREY, alpha=0.3)
    axes.set_title(title, loc="left", fontweight="bold")
    picture(
        figure,
        title,
        "Medians: "
        + "; ".join(f"{name} {value:.0f} {unit}" for name, value in medians.items())
        + ".",
    )


def draw_cookie(cookie: str, meaning: str) -> None:
    """A session cookie, its three parts in colours, and what the first of them says."""
    parts = cookie.split(".")
    figure, axes = plt.subplots(figsize=(8, 1.9))
    axes.axis("off")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 10)
    left = 0.0
    labels = ("what it holds", "when", "signature")
    widths = [
        100 * max(len(part), 12) / sum(max(len(part), 12) for part in parts) for part in parts
    ]
    for part, label, colour, width in zip(parts, labels, (GOOD, GREY, BAD), widths, strict=True):
        room = int(width * 0.9)
        shown = part if len(part) <= room else part[: room - 1] + "…"
        axes.add_patch(plt.Rectangle((left, 5), width - 0.8, 2.6, color=colour))
        axes.text(
            left + width / 2,
            6.3,
            shown,
            color="white",
            ha="center",
            va="center",
            family="monospace",
            fontsize=9,
        )
        axes.text(left + width / 2, 8.3, label, color=colour, ha="center", fontsize=10)
        left += width
    arrow = {"arrowstyle": "<-", "color": GOOD}
    axes.annotate(
        meaning, (widths[0] / 2, 5), (2, 1.2), family="monospace", fontsize=10, arrowprops=arrow
    )
    picture(
        figure,
        "A session cookie, taken apart",
        f"The first of its three parts, decoded, says: {meaning}",
    )


def draw_requests(exchanges: Sequence[tuple[str, str, int, str]], title: str) -> None:
    """Who said what to whom, from top to bottom: requests go right, answers come back."""
    figure, axes = plt.subplots(figsize=(8, 0.95 * len(exchanges) + 0.8))
    axes.axis("off")
    axes.set_xlim(0, 10)
    axes.set_ylim(-2 * len(exchanges) - 0.3, 1.2)
    for place, name in ((1, "browser"), (9, "app")):
        axes.plot([place, place], [0.3, -2 * len(exchanges)], color=GREY, linewidth=1.2)
        axes.text(place, 0.6, name, ha="center", fontweight="bold")
    words = []
    for number, (method, path, status, target) in enumerate(exchanges):
        answer = f"{status} → {target}" if target else str(status)
        for y, (start, end), text, colour in (
            (-2 * number - 0.6, (1, 9), f"{method} {path}", INK),
            (
                -2 * number - 1.5,
                (9, 1),
                answer,
                BAD if status >= 400 or "//" in target.partition("?")[0] else GOOD,
            ),
        ):
            axes.annotate(
                "",
                (end, y),
                (start, y),
                arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.4},
            )
            axes.text(
                5, y + 0.12, text, ha="center", color=colour, family="monospace", fontsize=9.5
            )
        words.append(f"{method} {path} is answered {answer}")
    axes.set_title(title, loc="left", fontweight="bold")
    picture(figure, title, "; ".join(words) + ".")
