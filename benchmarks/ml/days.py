"""The service's alarms by the minute, on days of production: the engine as the service runs it, one series after the other."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ml.measure import Measure
from benchmarks.ml.public import Session
from drishti.events import Aggregate, AggregateSeries
from drishti.measures.built_in import FED
from predictor.anomalies.engine import Engine
from predictor.anomalies.lifecycle import Phase

METRIC = "requests"
"""What the series stand for: all of them are requests, or something like it, for each second."""

STEP_S = 60
DAY_S = 86_400
MOST = 1.0
"""False alarms a series and day."""

Window = tuple[float, float]


def days(run: Session) -> list[Measure]:
    """How often it would have woken somebody for nothing, and how many of the labelled incidents it tells."""
    root = run.data / "cloudmon"
    labels = json.loads((root / "labels" / "combined_windows.json").read_text())
    detected = false = rows = labelled = 0
    names = (root / "minute_dev.txt").read_text().split()
    for number, name in enumerate(names, start=1):
        values = list(read(root / "data" / name))
        windows = [(_seconds(first), _seconds(last)) for first, last in labels[name]]
        at = alarms(values)
        rows += len(values)
        labelled += len(windows)
        detected += sum(any(first <= a <= last for a in at) for first, last in windows)
        false += sum(not any(first <= a <= last for first, last in windows) for a in at)
        run.say(f"days of production: {number} of {len(names)}")
    series_days = rows * STEP_S / DAY_S
    share = false / series_days
    return [
        Measure(
            what=f"alarms by the minute, {len(names)} production series",
            comparison="",
            at_least="≤ 1 false alarm a series and day",
            aim="",
            measured=f"{share:.2f} false in {series_days:.0f} series-days; {detected} of {labelled} labelled detected",
            met=share <= MOST,
        )
    ]


def read(path: Path) -> Iterator[tuple[float, float]]:
    """``(seconds since 1970, value)`` of each row."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield _seconds(row["timestamp"]), float(row["value"])


def alarms(values: list[tuple[float, float]]) -> list[float]:
    """The minutes (seconds since 1970) in which an incident opened."""
    engine = Engine()
    opened_at = []
    for at, value in values:
        opened = [f for f in engine.take(_minute(at, value)) if f.change is not None and f.change.phase is Phase.OPENED]
        opened_at += [at for finding in opened if finding.key.field == "rate"]
    return opened_at


def _minute(at: float, value: float) -> Aggregate:
    start = int(at) * 1000
    return Aggregate(
        tenant="default",
        metric=METRIC,
        unit=FED[METRIC].unit,
        resolution="1m",
        window_start=start,
        revision=0,
        final=True,
        published_at=start + STEP_S * 1000,
        series=[AggregateSeries(count=round(value * STEP_S), errors=0)],
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
