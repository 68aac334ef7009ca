"""Measure step 06: what it costs against what it could cost at best. Ratios first; no part of the tests.

    python -m tests.benchmarks                 everything: about half an hour, on a machine with nothing else to do
    python -m tests.benchmarks --quick         the same with few repetitions, to see that it works
    python -m tests.benchmarks page timing     some of it

It needs the extras serve, postgres, test and bench, PostgreSQL and Redis. The full run writes figures.md and
figures.png beside this file.
"""

import argparse
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import matplotlib

from .common import Figure
from .measures import MEASURES

matplotlib.use("Agg")
from matplotlib import pyplot

HERE = Path(__file__).parent


def row(figure: Figure) -> list[str]:
    """A figure as the cells of the table."""
    places = 0 if figure.unit in ("%", "MiB", "s", "") and figure.value >= 100 else 1 if figure.unit != "times" else 2
    value = f"{figure.value:.{places}f} {figure.unit}".strip()
    return [figure.what, value, figure.promised, figure.verdict, figure.note]


def as_markdown(figures: list[Figure], where: str) -> str:
    """The table, as it is kept."""
    lines = [f"Measured on {where}.", "", "| what | measured | promised | | |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *("| " + " | ".join(row(figure)) + " |" for figure in figures), ""])


def draw(figures: list[Figure], where: str, file: Path) -> None:
    """One bar for each promise: how much of it is used up. What is left of the line holds."""
    promised = [figure for figure in figures if figure.limit][::-1]
    used = [figure.limit / figure.value if figure.at_least else figure.value / figure.limit for figure in promised]
    used = [max(share, 0) for share in used]
    colours = ["#2f6f4f" if figure.verdict == "holds" else "#a03030" for figure in promised]
    height = 1.2 + 0.45 * len(promised)
    plot, axes = pyplot.subplots(figsize=(9, height), layout="constrained")
    axes.barh([figure.what for figure in promised], used, color=colours)
    for place, figure in enumerate(promised):
        axes.text(0.01, place, f" {row(figure)[1]} ({figure.promised})", va="center", color="white", fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, max(1.2, *used) if used else 1.2)
    axes.set_xlabel("share of what was promised that is used up: left of the line it holds")
    axes.set_title(where, fontsize=8)
    plot.savefig(file, dpi=120)


def main() -> int:
    """Measure what was asked for; 1 if something falls short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASURES)}; all if none is given")
    parser.add_argument("--quick", action="store_true", help="few repetitions, smaller numbers, nothing is written")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(MEASURES):
        parser.error(f"There is no measurement {', '.join(sorted(unknown))}.")
    load = os.getloadavg()[0]
    where = (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )
    print(f"{where}{' (busy: trust the ratios alone)' if load > 0.5 else ''}\n", flush=True)
    figures = []
    for name in arguments.names or MEASURES:
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            for figure in MEASURES[name](Path(folder), arguments.quick):
                figures.append(figure)
                what, value, promised, verdict, note = row(figure)
                print(f"{what:56} {value:>12}  {promised:20} {verdict:12} {note}", flush=True)
    if not arguments.quick:
        (HERE / "figures.md").write_text(as_markdown(figures, where), encoding="utf-8")
        draw(figures, where, HERE / "figures.png")
        print(f"\nKept in {HERE / 'figures.md'} and {HERE / 'figures.png'}")
    return int(any(figure.verdict == "falls short" for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
