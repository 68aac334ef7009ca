"""Step 06 with a password hash that takes a few milliseconds, so that a race can be run
often.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "steps" / "06_protected"))

from flask_login_tutorial import create_app

app = create_app({"PASSWORD_HASH_METHOD": "pbkdf2:sha256:10000"})
