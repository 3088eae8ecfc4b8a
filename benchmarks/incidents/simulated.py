"""A plan without servers: its aggregates straight into the predictor's engine, as fast as that goes. Pure."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.incidents.heard import Heard
from benchmarks.incidents.traffic import Traffic
from benchmarks.incidents.windows import FINAL_S, aggregates
from predictor.anomalies import insights
from predictor.anomalies.engine import Engine

START = 1_790_000_000
"""The second since 1970 in which simulated runs begin."""

PROGRESS_S = 600


def listen(traffic: Traffic, *, engine: Engine | None = None, progress: Callable[[int], None] = lambda _: None) -> Heard:
    """What the predictor says of ``traffic``; ``progress`` is called with the simulated seconds now and then."""
    engine = engine or Engine()
    heard = Heard()
    reported = 0
    for aggregate in aggregates(traffic, START):
        at = aggregate.window_start // 1000
        if at - START >= reported + PROGRESS_S:
            reported = at - START
            progress(reported)
        for finding in engine.take(aggregate):
            heard.take(insights.anomaly(finding), at + 1 + FINAL_S)
    return heard
