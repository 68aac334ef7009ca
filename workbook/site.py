"""`site`: build one static site of everything, to read without installing anything."""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from workbook.common import WorkbookError
from workbook.places import ROOT

SETTINGS = ROOT / "workbook" / "sphinx"
MARK = "searchindex.js"  # a folder that holds it is a site, and may be replaced


def site_command(options: argparse.Namespace) -> int:
    """Build the site into a folder."""
    folder = Path(options.dir or "site")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise WorkbookError(
            f"{folder} holds something that is not a site, and stays as it is. "
            "Name another folder."
        )
    build(folder)
    print(f"Open {folder / 'index.html'} in a browser, or copy {folder} anywhere.")
    return 0


def build(folder: Path) -> None:
    """Build the site. Raises WorkbookError with what Sphinx complains about."""
    from workbook.site_pages import write_pages  # only here are its packages needed

    with tempfile.TemporaryDirectory() as temporary:
        pages = Path(temporary, "pages")
        write_pages(pages)
        built = Path(temporary, "site")
        words = ["-q", "-W", "--keep-going", "-j", "auto", "-b", "html"]
        command = [sys.executable, "-m", "sphinx", *words, "-c", str(SETTINGS)]
        command += ["-d", str(Path(temporary, "trees")), str(pages), str(built)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            complaints = result.stderr.replace(f"{pages}/", "")
            raise WorkbookError(f"The site was not built:\n{complaints}")
        for name in (".buildinfo", "objects.inv"):
            (built / name).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        shutil.copytree(built, folder)
