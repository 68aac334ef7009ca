"""`python3 -m workbook` starts here."""

import sys

try:
    from workbook.cli import main

    sys.exit(main(sys.argv[1:]))
except KeyboardInterrupt:  # wherever it comes: no traceback
    sys.exit(130)
