"""Why an app does not start, in words, with the file and the line."""

import linecache
import traceback
from pathlib import Path

from flask import Flask
from jinja2 import TemplateSyntaxError

from tests.support.harness import PACKAGE, ROOT, STEPS
from workbook.places import lesson_files


def start_problem(number: int, folder: Path) -> str:
    """Return why the app does not start; an empty text if it does.

    Reads its templates too.
    """
    try:
        app = STEPS[number].create_app()
        return unreadable_template(app, folder)
    except (SyntaxError, TemplateSyntaxError) as error:
        return describe_syntax_error(error, folder)
    except (Exception, SystemExit) as error:
        return describe_crash(error, folder)


def unreadable_template(app: Flask, folder: Path) -> str:
    """Return which template cannot be read, and why; an empty text if all can."""
    templates = f"{PACKAGE}/templates/"
    for name, path in lesson_files(folder).items():
        if not name.startswith(templates) or path.suffix != ".html":
            continue
        try:
            app.jinja_env.get_template(name.removeprefix(templates))
        except (OSError, UnicodeDecodeError) as error:
            return f"{short(path)}: {error}. Is it there, and saved as UTF-8?"
    return ""


def describe_syntax_error(
    error: SyntaxError | TemplateSyntaxError, folder: Path
) -> str:
    """Return where Python or Jinja stopped reading, the message, and the line."""
    message = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
    if error.filename:
        return describe_line(str(error.filename), error.lineno or 1, message)
    # Python does not name the file that it cannot read as text.
    path = str(folder)
    for candidate in lesson_files(folder).values():
        if candidate.suffix == ".py" and b"\0" in candidate.read_bytes():
            path = str(candidate)
            break
    return describe_line(path, 1, f"{message}. Is it saved as UTF-8?")


def describe_crash(error: BaseException, folder: Path) -> str:
    """Return the last line of the app's own code that ran, and what was raised."""
    path = str(folder / PACKAGE / "__init__.py")
    line = 1
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(folder):
            path = frame.filename
            line = frame.lineno or 1
    return describe_line(path, line, crash_message(error))


def crash_message(error: BaseException) -> str:
    """Return what was raised; a package that is not there is named in words."""
    if isinstance(error, ModuleNotFoundError):
        name = str(error.name)
        if not name.startswith(PACKAGE):
            return f"the package {name} is not installed here. Is its name spelt right?"
    return f"{type(error).__name__}: {error}"


def describe_line(path: str, number: int, message: str) -> str:
    """Return a message with the file, the line's number and the line itself."""
    line = linecache.getline(path, number).strip()
    return f"{short(path)}:{number}: {message}\n    {line}"


def short(path: Path | str) -> str:
    """Return a path as one would type it."""
    if Path(path).is_relative_to(ROOT):
        return Path(path).relative_to(ROOT).as_posix()
    return str(path)
