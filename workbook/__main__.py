"""`python3 -m workbook` and `python3 ../workbook` start here."""

import os
import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- an older Python comes by here, too
    version = "%d.%d" % sys.version_info[:2]  # noqa: UP031 -- so that it can read this
    sys.exit("The workbook needs Python 3.11 or newer; this is Python " + version + ".")

if not __package__:  # from another folder: python3 ../workbook
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from workbook.cli import main

sys.exit(main(sys.argv[1:]))
