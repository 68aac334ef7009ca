"""`python3 -m workbook` starts here."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 -- an older Python comes by here too, and should hear why it cannot stay
    sys.exit("The workbook needs Python 3.11 or newer; this is Python %d.%d." % sys.version_info[:2])  # noqa: UP031 -- so
try:
    from workbook.cli import main

    sys.exit(main(sys.argv[1:]))
except (KeyboardInterrupt, EOFError):  # Ctrl-C and Ctrl-D, wherever they come: no traceback
    sys.exit(130)
