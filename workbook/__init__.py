"""The tool behind `python3 -m workbook`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- an older Python comes by here too, and should hear why it cannot stay
    sys.exit("The workbook needs Python 3.11 or newer; this is Python %d.%d." % sys.version_info[:2])  # noqa: UP031 -- so
