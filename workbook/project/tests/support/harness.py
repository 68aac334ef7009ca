"""What the tests share: this project, visitors, and what they look at."""

import importlib
from functools import cached_property
from pathlib import Path
from types import ModuleType

from tests.support.log_in import log_in

from tests.support.apps import (
    CONFIG,
    OPEN_APPS,
    PACKAGE,
    Site,
    close,
    init_db,
    query,
    try_to_empty,
)
from tests.support.visitor import (
    HOST,
    NEW_PASSWORD,
    PASSWORD,
    Visitor,
    main_form,
    visible_text,
)

__all__ = [
    "CONFIG",
    "HOST",
    "NEW_PASSWORD",
    "OPEN_APPS",
    "PACKAGE",
    "PASSWORD",
    "ROOT",
    "Project",
    "Site",
    "Visitor",
    "close",
    "init_db",
    "log_in",
    "main_form",
    "query",
    "try_to_empty",
    "visible_text",
]

ROOT = Path(__file__).parent.parent.parent


class Project(Site):
    """This project. Tests may import its package, too: it is loaded only once."""

    @cached_property
    def module(self) -> ModuleType:
        """The package."""
        return importlib.import_module(PACKAGE)
