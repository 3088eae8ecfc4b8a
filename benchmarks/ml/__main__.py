"""``python -m benchmarks.ml``: all rows of the table, or those that are named."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import machine
from benchmarks.ml import cost, days, planted, public, restart
from benchmarks.ml.measure import Measure, render
from benchmarks.ml.public import Session
from benchmarks.processes import BenchmarkFailed

ROWS: dict[str, tuple[Callable[[Session], list[Measure]], str]] = {
    "nab": (public.nab, "anomalies of the Numenta Anomaly Benchmark"),
    "cloudmon": (public.cloudmon, "anomalies of a cloud provider's monitoring"),
    "m4": (public.m4, "forecasts of the M4 competition's hourly series, and their intervals"),
    "minutes": (public.minutes, "forecasts of series by the minute, along the way"),
    "days": (days.days, "alarms by the minute, on days of production"),
    "cost": (cost.cost, "processor time and memory"),
    "incidents": (planted.simulated, "planted incidents, simulated with many seeds"),
    "live": (planted.live, "planted incidents in the live product (half an hour)"),
    "restart": (restart.restart, "restart and takeover with 1,000 series"),
}

_ABOUT = """\
Measures how good and how cheap the models are, and prints one table in Markdown; progress goes to standard error.
The data sets and their scorers are looked for in DRISHTI_DATA/ml.

rows:
{rows}

The exit status is 0 when every row is as it must be, 1 when one is not, 2 when one could not be measured.
"""


def main(arguments: Sequence[str]) -> int:
    rows = "\n".join(f"  {name:<11} {about}" for name, (_, about) in ROWS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ml",
        description=_ABOUT.format(rows=rows),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rows", nargs="*", metavar="row", help="which rows; none: all")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what the commands wrote there")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="commands at once (as many as there are cores)"
    )
    options = parser.parse_args(arguments)
    if unknown := [row for row in options.rows if row not in ROWS]:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    load = os.getloadavg()
    try:
        data = public.data_folder()
    except BenchmarkFailed as failed:
        sys.stderr.write(f"{failed}\n")
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run = Session(data, folder, options.workers)
        measures = [measure for row in options.rows or ROWS for measure in _row(run, row)]
    sys.stdout.write(render(measures, machine.describe(options.workers, load, ("numpy", "scikit-learn"))))
    met = [measure.met for measure in measures]
    return 2 if None in met else 0 if all(met) else 1


def _row(run: Session, name: str) -> list[Measure]:
    try:
        return ROWS[name][0](run)
    except BenchmarkFailed as failed:
        run.say(str(failed))
        why = str(failed).splitlines()[0]
        return [Measure(what=ROWS[name][1], comparison="", at_least="", aim="", measured=why, met=None)]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
