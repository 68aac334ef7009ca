"""What step 06 costs. Run by hand: python -m tests.benchmarks --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where pytest finds the harness too
