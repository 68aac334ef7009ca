"""Environment variables: what the commands and their children get, and nothing else."""

import os
import re
import sys

KEPT = re.compile(
    r"""
    PATH | HOME | USER | LOGNAME | SHELL | LANG | LANGUAGE | LC_.* | TZ
    | TMPDIR | TEMP | TMP
    | TERM | COLORTERM | COLUMNS | LINES | NO_COLOR | PAGER | LESS
    # to open a browser
    | DISPLAY | WAYLAND_DISPLAY | XAUTHORITY | XDG_.* | DBUS_SESSION_BUS_ADDRESS
    | BROWSER | WSL_.*
    # to start Python
    | LD_LIBRARY_PATH | DYLD_.* | PYTHONUTF8 | PYTHONIOENCODING | VIRTUAL_ENV
    # to install packages
    | (HTTP|HTTPS|FTP|ALL|NO)_PROXY
    | SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE
    | PIP_(NO_INDEX|FIND_LINKS|INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|PROXY|CERT)
    | PIP_(CLIENT_CERT|CACHE_DIR|NO_CACHE_DIR|CONFIG_FILE)
    | PIP_(TIMEOUT|DEFAULT_TIMEOUT|RETRIES)
    # what programs on Windows need
    | SYSTEMROOT | SYSTEMDRIVE | WINDIR | COMSPEC | PATHEXT | OS
    | USERNAME | USERPROFILE | USERDOMAIN | HOMEDRIVE | HOMEPATH
    | APPDATA | LOCALAPPDATA | PROGRAMDATA | PROGRAMFILES.* | COMMONPROGRAMFILES.*
    | NUMBER_OF_PROCESSORS | PROCESSOR_.*
    # our own
    | WORKBOOK_.*
    """,
    re.VERBOSE | re.IGNORECASE,
)

ADDED = {
    "FLASK_SKIP_DOTENV": "1",  # else Flask reads a .env in any folder above this one
    "PIP_USER": "0",  # pip's configuration file may say yes, and .venv cannot do that
    "PYTHONDONTWRITEBYTECODE": "1",  # no __pycache__ beside the steps
}


def clean_environment() -> list[str]:
    """Take out of os.environ what nobody here needs, and return the removed names.

    A variable such as PYTEST_ADDOPTS, FLASK_DEBUG or SECRET_KEY was set for something
    else, and would change what the suites find and where an app keeps its data.
    """
    forget_python_path(os.environ.get("PYTHONPATH", ""))
    removed = [name for name in os.environ if not KEPT.fullmatch(name)]
    for name in removed:
        del os.environ[name]
    os.environ.update(ADDED)
    return removed


def forget_python_path(python_path: str) -> None:
    """Take out of sys.path what PYTHONPATH has put there."""
    folders = {
        os.path.abspath(entry) for entry in python_path.split(os.pathsep) if entry
    }
    sys.path[:] = [entry for entry in sys.path if entry not in folders]
