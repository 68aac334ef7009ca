"""Measure step 06: what it costs against what it could cost at best. Ratios first; no
part of the tests.

    python -m maintenance.benchmarks                 everything: about half an hour, on a quiet machine
    python -m maintenance.benchmarks --quick         the same with few repetitions, to see that it works
    python -m maintenance.benchmarks page timing     some of it

It needs the extras serve, postgres, test and bench, PostgreSQL and Redis. Without
--quick, what was measured is kept
in figures.json beside this file, and figures.md and figures.png show all that is kept.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
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
    decimals = 2 if figure.unit == "times" else 1
    if figure.unit in ("%", "MiB", "s", "") and figure.value >= 100:
        decimals = 0
    value = f"{figure.value:.{decimals}f} {figure.unit}".strip()
    return [figure.what, value, figure.promised, figure.verdict, figure.note]


def keep(name: str, where: str, figures: list[Figure]) -> None:
    """Put the figures of one measurement in place of what was kept of it, and show all
    again.
    """
    file = HERE / "figures.json"
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept[name] = {"where": where, "figures": [asdict(figure) for figure in figures]}
    kept = {name: kept[name] for name in MEASURES if name in kept}
    file.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    both = [
        (one["where"], [Figure(**values) for values in one["figures"]])
        for one in kept.values()
    ]
    (HERE / "figures.md").write_text(as_markdown(both), encoding="utf-8")
    draw([figure for _where, some in both for figure in some], HERE / "figures.png")


def as_markdown(kept: list[tuple[str, list[Figure]]]) -> str:
    """The table."""
    lines = [
        "# What step 06 costs",
        "",
        "By `python -m maintenance.benchmarks`. Where the load at the start was above 0.5, trust the ratios alone.",
        "",
    ]
    lines += ["| what | measured | promised | | |", "| --- | --- | --- | --- | --- |"]
    lines += [
        "| " + " | ".join(row(figure)) + " |"
        for _where, figures in kept
        for figure in figures
    ]
    return "\n".join(
        [*lines, "", *sorted({f"- {where}" for where, _figures in kept}), ""]
    )


def share_used(figure: Figure) -> float:
    """How much of a promise is used up: 1 is all of it."""
    share = (
        figure.limit / figure.value if figure.at_least else figure.value / figure.limit
    )
    return max(share, 0)


def draw(figures: list[Figure], file: Path) -> None:
    """One bar for each promise: how much of it is used up.

    What is left of the line holds.
    """
    promised = [figure for figure in figures if figure.limit][::-1]
    used = [share_used(figure) for figure in promised]
    colours = [
        "#2f6f4f" if figure.verdict == "holds" else "#a03030" for figure in promised
    ]
    plot, axes = pyplot.subplots(
        figsize=(9, 1.2 + 0.42 * len(promised)), layout="constrained"
    )
    axes.barh([figure.what for figure in promised], used, color=colours)
    for position, figure in enumerate(promised):
        label = f" {row(figure)[1]} ({figure.promised})"
        if used[position] > 0.4:  # the label fits into the bar
            axes.text(0.01, position, label, va="center", color="white", fontsize=8)
        else:
            axes.text(
                used[position], position, label, va="center", color="black", fontsize=8
            )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(0, max(1.2, *used))
    axes.set_xlabel(
        "share of what was promised that is used up: left of the line it holds"
    )
    plot.savefig(file, dpi=120)
    pyplot.close(plot)


def machine() -> str:
    """Where and when, and how busy: with much else going on, trust the ratios alone."""
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    system = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {system}, {load}"


def main() -> int:
    """Measure what was asked for; 1 if something falls short."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {', '.join(MEASURES)}; all if none is given",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few repetitions, smaller numbers, nothing is written",
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(MEASURES)
    if unknown:
        parser.error(f"There is no measurement {', '.join(sorted(unknown))}.")
    short = False
    for name in arguments.names or MEASURES:
        where = machine()
        figures = []
        print(f"{name}: {where}", flush=True)
        with tempfile.TemporaryDirectory(
            prefix="bench-", ignore_cleanup_errors=True
        ) as folder:
            for figure in MEASURES[name](Path(folder), arguments.quick):
                figures.append(figure)
                short = short or figure.verdict == "falls short"
                what, value, promised, verdict, note = row(figure)
                print(
                    f"{what:56} {value:>12}  {promised:20} {verdict:12} {note}",
                    flush=True,
                )
        if not arguments.quick:
            keep(name, where, figures)
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
