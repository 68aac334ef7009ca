"""What the suites and the notebooks share: the steps, and what it takes to test one."""

from pathlib import Path

from tests.support.apps import (
    CONFIG,
    OPEN_APPS,
    PACKAGE,
    Site,
    WrongDatabaseError,
    close,
    forget_attempts,
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
    "STEPS",
    "Step",
    "Visitor",
    "WrongDatabaseError",
    "close",
    "forget_attempts",
    "init_db",
    "main_form",
    "query",
    "try_to_empty",
    "visible_text",
]

ROOT = Path(__file__).parent.parent.parent


class Step(Site):
    """One step of the workbook, or anybody's version of it."""

    def __init__(self, number: int, path: Path) -> None:
        super().__init__(path)
        self.number = number

    @property
    def name(self) -> str:
        """The name of its folder, such as 04_signup."""
        return self.path.name


STEPS = {
    int(path.name[:2]): Step(int(path.name[:2]), path)
    for path in sorted((ROOT / "steps").glob("0*_*"))
}
