"""Names and versions of packages, and the versions that everything was tested with.

With nothing but the standard library: it is read before any package is there.
"""

import re

from workbook.places import ROOT

PINS = ROOT / "constraints.txt"


def normal_name(name: str) -> str:
    """Return a package's name as it is compared: Flask_Login is flask-login."""
    return re.sub(r"[-_.]+", "-", name).lower()


def version_numbers(version: str) -> list[int]:
    """Return the numbers in a version, which can be compared."""
    return [int(part) for part in re.findall(r"\d+", version)]


def read_pins() -> dict[str, str]:
    """Return the version of each package in constraints.txt, by its normal name."""
    text = PINS.read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    return {normal_name(name): version for name, version in pins}
