"""A project of one's own: its files, made from step 06, its suites and project/.

Plain code and not copier or cookiecutter: what they fill in is a template, and step 06
is an app that runs and is tested as it stands. Here its files are copied, a few texts
in them are exchanged (project/edits.toml), and its names are replaced.
"""

import ast
import io
import json
import re
import tokenize
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbook.common import WorkbookError
from workbook.packages import normal_name, read_pins
from workbook.places import PACKAGE, ROOT, STEPS, lesson_files
from workbook.recipes import add_recipes

OWN_FILES = Path(__file__).parent / "project"
EDITS = "edits.toml"
OPTIONS_FILE = ".workbook.toml"
TITLE = "Flask-Login Workbook"  # what the files say in place of the project's title
PROJECT_STEP = 6
# What the project has files of its own for.
LEFT_OUT = {"README.md", "LESSONS.md"}
# The support files of the suites that know nothing of the workbook.
SUPPORT = ("apps.py", "checks.py", "visitor.py")
STEP_NAMES = {"step": "site", "Step": "Site"}
PINNED = ("pyproject.toml", "constraints.txt")


@dataclass(frozen=True)
class Options:
    """What a project is called, and what was added to it."""

    version: str  # of the workbook
    name: str  # of the package
    title: str
    recipes: tuple[str, ...] = ()

    def as_toml(self) -> str:
        """Return the text of the project's OPTIONS_FILE."""
        return (
            "# Made by `python3 -m workbook new`; `update` reads it.\n"
            f"version = {quoted(self.version)}\n"
            f"name = {quoted(self.name)}\n"
            f"title = {quoted(self.title)}\n"
            f"recipes = {json.dumps(list(self.recipes))}\n"
        )


def quoted(text: str) -> str:
    """Return a text as Python and TOML write it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def version() -> str:
    """Return the version of the workbook."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["version"]


def write_project(folder: Path, options: Options) -> None:
    """Write the files of a project into a folder.

    Raises WorkbookError if a file of step 06 no longer holds what is to be exchanged,
    or a recipe does not fit.
    """
    for name, text in add_recipes(plain_files(), options.recipes).items():
        path = folder / name.replace(PACKAGE, options.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(named(name, text, options), encoding="utf-8", newline="\n")
    (folder / OPTIONS_FILE).write_text(
        options.as_toml(), encoding="utf-8", newline="\n"
    )


def plain_files() -> dict[str, str]:
    """Return the files of a project that has no name, no title and no recipe yet.

    Raises WorkbookError if a file of step 06 no longer holds what is to be exchanged.
    """
    return edited(step_files() | suite_files() | own_files())


def step_files() -> dict[str, str]:
    """Return the files of step 06 by their path, with the project's file names."""
    files = lesson_files(ROOT / "steps" / STEPS[PROJECT_STEP - 1])
    return {
        name: renamed_workbook(path.read_text(encoding="utf-8"))
        for name, path in files.items()
        if name not in LEFT_OUT
    }


def renamed_workbook(text: str) -> str:
    """Return a text with the package's name where it says "workbook".

    Databases, images and host names are called so. A host name takes no underscore.
    """
    text = text.replace("workbook.example", f"{PACKAGE.replace('_', '-')}.example")
    return re.sub(r"\bworkbook\b", PACKAGE, text)


def own_files() -> dict[str, str]:
    """Return the files that only a project has."""
    files = {}
    for name, path in lesson_files(OWN_FILES).items():
        if name != EDITS:
            files[name] = path.read_text(encoding="utf-8")
    for name in PINNED:
        files[name] = pinned(files[name])
    return files


def pinned(text: str) -> str:
    """Return a list of packages with the versions that constraints.txt has for them.

    Each stands alone in its line, or in quotes.
    """
    pins = read_pins()

    def with_version(match: re.Match[str]) -> str:
        return f"{match[0]}=={pins[normal_name(match[1])]}"

    quoted_names = r'(?<=")([\w.-]+)(?:\[\w+\])?(?=")'
    lone_names = r"^([\w.-]+)$"
    if not text.startswith("[project]"):
        return re.sub(lone_names, with_version, text, flags=re.MULTILINE)
    before, dependencies, rest = re.split(r"(?m)^(?=dependencies|\[build)", text)
    return before + re.sub(quoted_names, with_version, dependencies) + rest


def suite_files() -> dict[str, str]:
    """Return the suites as plain tests, with what they need."""
    files = {"tests/__init__.py": '"""The tests."""\n'}
    for name in SUPPORT:
        text = (ROOT / "tests" / "support" / name).read_text(encoding="utf-8")
        files[f"tests/support/{name}"] = renamed_workbook(text)
    for step in STEPS[:PROJECT_STEP]:
        folder = step.partition("_")[2]
        for path in sorted((ROOT / "tests" / step).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            files[f"tests/{folder}/{path.name}"] = travelling(text)
    return files


def travelling(text: str) -> str:
    """Return a file of a suite as a project needs it.

    Without the tests that only the workbook has, and with `site` in place of `step`.
    """
    text = re.sub(r'^"""Suite \d\d: (.)', capital, text)
    lines = text.splitlines(keepends=True)
    for first, last in reversed(list(unwanted_tests(text))):
        del lines[first:last]
    text = without_unused_imports("".join(lines).rstrip() + "\n")
    return renamed_workbook(with_sites(text))


def capital(match: re.Match[str]) -> str:
    """Return the beginning of a docstring; its first letter is a capital."""
    return f'"""{match[1].upper()}'


def unwanted_tests(text: str) -> Iterator[tuple[int, int]]:
    """Yield the lines of each test that a project goes without, with those above it."""
    body = ast.parse(text).body
    for before, node in zip([None, *body], body, strict=False):
        marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", [])]
        if any(is_unwanted(mark) for mark in marks):
            yield before.end_lineno, node.end_lineno


def is_unwanted(mark: str) -> bool:
    """Return whether a test with this mark is about the workbook, or an early step."""
    steps = re.fullmatch(r"pytest\.mark\.steps\(\d, (\d)\)", mark)
    if steps:
        return int(steps[1]) < PROJECT_STEP
    return mark == "pytest.mark.workbook"


def without_unused_imports(text: str) -> str:
    """Return Python code without the imports that only deleted tests have used."""
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = text.splitlines(keepends=True)
    for node in reversed(tree.body):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names if bound_name(alias) in used]
        if len(names) == len(node.names):
            continue
        new = import_of(node, names) if names else ""
        lines[node.lineno - 1 : node.end_lineno] = [new]
    return re.sub(r"\n{3,}(?=import|from)", "\n\n", "".join(lines))


def bound_name(alias: ast.alias) -> str:
    """Return the name by which code uses what it has imported."""
    return alias.asname or alias.name.partition(".")[0]


def import_of(node: ast.ImportFrom, names: list[str]) -> str:
    """Return the statement that imports these names of a module."""
    start = f"from {node.module} import "
    line = f"{start}{', '.join(names)}\n"
    if len(line) <= 89:
        return line
    return f"{start}(\n    {', '.join(names)},\n)\n".replace(", ", ",\n    ")


def with_sites(text: str) -> str:
    """Return Python code with STEP_NAMES replaced: names alone, no texts."""
    lines = text.splitlines(keepends=True)
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string in STEP_NAMES:
            row = token.start[0] - 1
            line = lines[row]
            name = STEP_NAMES[token.string]
            lines[row] = line[: token.start[1]] + name + line[token.end[1] :]
    return "".join(lines)


def edited(files: dict[str, str]) -> dict[str, str]:
    """Return the files with the texts of EDITS exchanged.

    Raises WorkbookError if a text is not there.
    """
    files = dict(files)
    text = (OWN_FILES / EDITS).read_text(encoding="utf-8")
    for edit in tomllib.loads(text)["edit"]:
        name = edit["file"]
        old = renamed_workbook(edit["old"])
        if files[name].count(old) != 1:
            raise WorkbookError(
                f"{EDITS} is stale: step 06's {name} does not hold this once:\n{old}"
            )
        files[name] = files[name].replace(old, edit["new"])
    return files


def named(file: str, text: str, options: Options) -> str:
    """Return a file's text with the package's name and the title put in."""
    host = f"{options.name.replace('_', '-')}.example"
    text = text.replace(f"{PACKAGE.replace('_', '-')}.example", host)
    text = text.replace(PACKAGE, options.name)
    suffix = Path(file).suffix
    if suffix in (".py", ".toml"):
        text = text.replace(f'"{TITLE}"', quoted(options.title))
        return text.replace(TITLE, "The app")  # in a docstring
    if suffix == ".html":
        return text.replace(TITLE, "{{ site_name }}")  # set in create_app
    if suffix == ".md":
        return text.replace(TITLE, in_markdown(options.title))
    return text


def in_markdown(title: str) -> str:
    """Return the title for a Markdown text, where signs have no effect."""
    return re.sub(r"([\\`*_{}\[\]<>#|&~!])", r"\\\1", title)
