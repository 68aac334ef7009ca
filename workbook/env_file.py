"""The file .env of an app: its settings, and a secret key of its own."""

import os
import re
import secrets
from pathlib import Path


def make_env_file(folder: Path) -> None:
    """Write .env: .env.example with a new key, for its owner alone to read."""
    text = (folder / ".env.example").read_text(encoding="utf-8")
    key = secrets.token_hex(32)
    text = re.sub("(?m)^SECRET_KEY=$", f"SECRET_KEY={key}", text)
    only_for_me = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT, 0o600)
    with open(only_for_me, "w", encoding="utf-8") as file:
        file.write(text)
