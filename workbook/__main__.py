"""`python3 -m workbook` starts here."""

import sys

try:
    from workbook.cli import main

    status = main(sys.argv[1:])
except KeyboardInterrupt:  # wherever it comes: no traceback
    print(file=sys.stderr)
    status = 130
sys.exit(status)
