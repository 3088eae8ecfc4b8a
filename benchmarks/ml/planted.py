"""Incidents planted on recorded load, and how soon they are detected: in the live product, and simulated for many seeds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import msgspec

from benchmarks.figures import quantile
from benchmarks.incidents import report
from benchmarks.incidents.score import Score
from benchmarks.ml.measure import Measure
from benchmarks.ml.public import Session
from benchmarks.processes import BenchmarkFailed

SIMULATED_RUNS = 4
CALM_MINUTES = 30
"""Quiet time at the end of each simulated run, beside that between the incidents: sixty series are watched meanwhile."""


def live(run: Session) -> list[Measure]:
    """One incident of each kind in the real services, half an hour."""
    return [_measure(run, "planted incidents in the live product, nine kinds", "live", ["--seed", "101"])]


def simulated(run: Session) -> list[Measure]:
    """The same incidents for many seeds, straight into the engine."""
    options = ["--simulate", "--runs", str(SIMULATED_RUNS), "--seed", "7", "--calm-minutes", str(CALM_MINUTES)]
    return [_measure(run, f"the same, simulated, {SIMULATED_RUNS} seeds", "simulated", options)]


def _measure(run: Session, what: str, name: str, options: Sequence[str]) -> Measure:
    marks = run.folder / f"incidents-{name}.json"
    run.say(what)
    command = [sys.executable, "-m", "benchmarks.incidents", *options, "--marks", str(marks)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise BenchmarkFailed(f"benchmarks.incidents ended with status {done.returncode}")
    score = msgspec.json.decode(marks.read_bytes(), type=Score)
    delays = [outcome.delay_s for outcome in score.outcomes if outcome.delay_s is not None]
    soon = sum(outcome.within(report.WITHIN_S) for outcome in score.outcomes) / len(score.outcomes)
    rate = len(score.false) / score.series_days
    return Measure(
        what=what,
        comparison="",
        at_least=f"≥ {report.FOUND_AT_LEAST:.0%} within {report.WITHIN_S:g} s, "
        f"≤ {report.FALSE_AT_MOST:g} false alarm a series and day",
        aim="95 %, 10 s",
        measured=f"{soon:.0%} ({len(delays)} of {len(score.outcomes)} found, median {quantile(delays, 0.5):.1f} s), "
        f"{rate:.2f} false ({score.series_days:.1f} series-days)",
        met=report.met(score),
    )
