"""Make the pictures of README.md from the real thing, light and dark.

    python3 -m maintenance.pictures

A copy of the workbook is at lesson 05.2, done but for the open redirect: `check` runs in
a terminal of 80 columns, and Chromium visits the log-in page. It needs the extras test,
tool and proof, and Chromium (CHROMIUM names another one than /usr/bin/chromium).
"""

import io
import os
import pty
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, MONOKAI
from rich.text import Text

from workbook.lessons import State, copy_code, find_lesson, state_folder
from workbook.places import ROOT

PICTURES = ROOT / "docs" / "pictures"
THEMES = {"light": DEFAULT_TERMINAL_THEME, "dark": MONOKAI}
COLUMNS = 80
PORT = 5055
SAFE = "    if SAFE_PATH.fullmatch(target):\n        return target\n"
UNSAFE = "    if target:\n        return target\n"


def main() -> None:
    """Make all four."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        workbook = Path(temporary, "workbook")
        clone = ["git", "clone", "-q", str(ROOT), str(workbook)]
        subprocess.run(clone, check=True)
        prepare(workbook / "work")
        shown = run_in_terminal(workbook, "check")
        for theme in THEMES:
            draw_terminal(shown, theme)
        photograph(workbook)


def prepare(work: Path) -> None:
    """Make work/ the app after lesson 05.2, with the open redirect put back."""
    lesson = find_lesson("05.2")
    copy_code(state_folder(State(lesson.step, lesson.number)), work)
    auth = work / "flask_login_tutorial" / "auth.py"
    code = auth.read_text(encoding="utf-8")
    if SAFE not in code:
        sys.exit("safe_next_url has changed: mend SAFE in maintenance/pictures.py")
    auth.write_text(code.replace(SAFE, UNSAFE), encoding="utf-8")


def run_in_terminal(workbook: Path, *words: str) -> str:
    """Run a command of the workbook in a terminal; return what it shows."""
    first = [sys.executable, "-m", "workbook", "check", "05.2"]
    subprocess.run(first, cwd=workbook, capture_output=True, check=False)
    parent, child = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-m", "workbook", *words],
        cwd=workbook, env=environment, stdin=child, stdout=child, stderr=child,
    )  # fmt: skip
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:  # the terminal is closed: that is how Linux says the end
            break
        if not part:
            break
        shown += part
    process.wait()
    text = shown.decode().replace("\r\n", "\n")
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))


def draw_terminal(shown: str, theme: str) -> None:
    """Draw what a terminal showed."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True
    )
    console.print(Text.from_ansi("$ python3 -m workbook check\n" + shown.strip()))
    svg = console.export_svg(title="lesson 05.2", theme=THEMES[theme])
    # The fonts stand on another site; the reader's own will do.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "monospace")
    (PICTURES / f"check-{theme}.svg").write_text(svg, encoding="utf-8")


def photograph(workbook: Path) -> None:
    """Visit the log-in page of the app, and type a wrong password."""
    command = [sys.executable, "-m", "workbook", "run", "work", "--port", str(PORT)]
    server = subprocess.Popen(
        command, cwd=workbook, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for_server()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox"],
            )
            for theme in THEMES:
                page = browser.new_page(
                    color_scheme=theme, viewport={"width": 760, "height": 560}
                )
                page.goto(f"http://127.0.0.1:{PORT}/login")
                page.get_by_label("Email").fill("ada@example.com")
                page.get_by_label("Password").fill("a guess")
                page.get_by_role("button", name="Log in").click()
                page.wait_for_load_state()
                page.screenshot(path=PICTURES / f"login-{theme}.png")
            browser.close()
    finally:
        server.terminate()
        server.wait()


def wait_for_server() -> None:
    """Wait until the app answers."""
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("The app does not answer.")


if __name__ == "__main__":
    main()
