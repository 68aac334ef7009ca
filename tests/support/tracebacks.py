"""What a traceback in a text says about an app."""

import os
import re
from pathlib import Path


def describe_traceback(text: str, folder: Path) -> str:
    """Return the last line of the app's own code that ran, and what was raised.

    Such as flask_login_tutorial/auth.py:12: KeyError: 'user'. An empty text if no
    traceback in the text goes through the folder.
    """
    inside = re.escape(f"{folder}{os.sep}")
    places = re.findall(rf'File "{inside}(.+?)", line (\d+)', text)
    errors = re.findall(r"^(?:\w+\.)*[A-Z]\w+(?:: .*)?$", text, re.MULTILINE)
    if not places or not errors:
        return ""
    file, line = places[-1]
    return f"{file}:{line}: {errors[-1]}"
