"""OTLP metrics as many services send them: messages of METRICS with every data type, cumulative ones and deltas.

Each service sends 50 metrics with each export: 15 counters (10 of them cumulative), 10 gauges, 5 levels (sums that are not
monotonic), 10 histograms with the SDK's 15 buckets (5 cumulative), 8 exponential histograms (4 cumulative), 2 summaries. What
is recorded follows a log-normal distribution.
"""

from __future__ import annotations

import bisect
import math
import random
from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric, ResourceMetrics

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
METRICS = 50
POINTS_EACH = 1
"""Points of a metric, of different attributes."""

RECORDED = 40
"""Observations of one distribution between two exports."""


class Sent(NamedTuple):
    """A message with the service that sends it."""

    service: str
    payload: bytes


class _Recorder:
    """What one stream of one service has recorded."""

    def __init__(self, seed: random.Random) -> None:
        self._random = seed
        self.total = 0
        self.values: list[float] = []
        self.buckets: Counter[int] = Counter()
        self.powers: Counter[int] = Counter()
        self.sum = 0.0

    def record(self, *, anew: bool) -> None:
        if anew:
            self.buckets, self.powers, self.values, self.sum = Counter(), Counter(), [], 0.0
        for _ in range(RECORDED):
            value = self._random.lognormvariate(-2.5, 0.9)
            self.buckets[bisect.bisect_left(BOUNDS, value)] += 1
            self.powers[math.ceil(math.log2(value) * 16) - 1] += 1
            self.values.append(value)
            self.sum += value
        self.total += self._random.randrange(100)


def messages(*, services: int, exports: int, every_s: float, until: datetime) -> list[Sent]:
    """``exports`` of every service, ``every_s`` apart and the last one at ``until``, in the order of their times."""
    seed = random.Random(7)
    last_ns = int(until.timestamp() * 1e9)
    start_ns = last_ns - int(exports * every_s * 1e9)
    recorders = [[[_Recorder(seed) for _ in range(POINTS_EACH)] for _ in range(METRICS)] for _ in range(services)]
    sent: list[Sent] = []
    for export in range(1, exports + 1):
        at_ns = start_ns + int(export * every_s * 1e9)
        for number, metrics in enumerate(recorders):
            message = ResourceMetrics()
            for name, value in (("service.name", f"service-{number}"), ("service.instance.id", f"i-{number}")):
                message.resource.attributes.add(key=name).value.string_value = value
            scope = message.scope_metrics.add()
            scope.scope.name = "bench"
            for place, streams in enumerate(metrics):
                before_ns = at_ns - int(every_s * 1e9)
                _metric(scope.metrics.add(), place, streams, start_ns, before_ns, at_ns)
            sent.append(Sent(f"service-{number}", message.SerializeToString()))
    return sent


def _metric(metric: Metric, place: int, streams: list[_Recorder], start_ns: int, before_ns: int, at_ns: int) -> None:
    metric.name, metric.unit = f"bench.metric.{place}", "s"
    cumulative = place % 2 == 0 or place < 10
    data: Any
    if place < 15:
        data = metric.sum
        data.is_monotonic = True
    elif place < 25:
        data = metric.gauge
    elif place < 30:
        data, cumulative = metric.sum, True
    elif place < 40:
        data = metric.histogram
    elif place < 48:
        data = metric.exponential_histogram
    else:
        data = metric.summary
    if hasattr(data, "aggregation_temporality"):
        data.aggregation_temporality = CUMULATIVE if cumulative else DELTA
    for number, recorder in enumerate(streams):
        recorder.record(anew=not cumulative)
        point = data.data_points.add(time_unix_nano=at_ns, start_time_unix_nano=start_ns if cumulative else before_ns)
        point.attributes.add(key="http.route").value.string_value = f"/route/{number}"
        point.attributes.add(key="http.response.status_code").value.int_value = 200
        _fill(point, place, recorder)


def _fill(point: Any, place: int, recorder: _Recorder) -> None:
    if place < 30:
        point.as_int = recorder.total
        return
    point.count = len(recorder.values)
    point.sum = recorder.sum
    if place < 40:
        point.explicit_bounds.extend(BOUNDS)
        point.bucket_counts.extend(recorder.buckets[i] for i in range(len(BOUNDS) + 1))
        point.min, point.max = min(recorder.values), max(recorder.values)
    elif place < 48:
        point.scale = 4
        lowest, highest = min(recorder.powers), max(recorder.powers)
        point.positive.offset = lowest
        point.positive.bucket_counts.extend(recorder.powers[i] for i in range(lowest, highest + 1))
        point.min, point.max = min(recorder.values), max(recorder.values)
    else:
        ordered = sorted(recorder.values)
        for part in (0.5, 0.9, 0.99):
            point.quantile_values.add(quantile=part, value=ordered[int(part * (len(ordered) - 1))])
