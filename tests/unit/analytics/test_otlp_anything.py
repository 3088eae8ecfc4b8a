"""Whatever OTLP can say is refused or counted as numbers that can be stored: decoding and observing never fail."""

from __future__ import annotations

import math
import random
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from analytics.ingest.signals import metrics
from analytics.rollup.cells import MOST
from analytics.rollup.observations import Observations
from analytics.storage.stream_states import StreamStates

NOW_NS = time.time_ns()
NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.1, 2.0**53, 1e150, 1e151, -1e150, 1e308, 5e-324, math.nan, math.inf, -math.inf,
)  # fmt: skip
WHOLE = (0, 1, -1, 7, 2**53, 2**63 - 1, -(2**63))
COUNTS = (0, 1, 2, 5, 2**44, 2**50, 2**50 + 1, 2**63, 2**64 - 1)
TIMES = (0, NOW_NS, NOW_NS + 1, NOW_NS - 10**9, NOW_NS - 3600 * 10**9, NOW_NS + 500 * 10**9, 2**63, 2**64 - 1)
OFFSETS = (0, -1, 5, -1000, 2**31 - 1, -(2**31))
SCALES = (0, 3, 20, -10, -20, 100, -100, 101)
QUANTILES = (0.0, 0.5, 0.9, 1.0, 2.0, math.nan)


class Anything:
    """Points of every type with any numbers, which mostly agree with each other."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def message(self) -> bytes:
        rng, message = self._rng, ResourceMetrics()
        scope = message.scope_metrics.add()
        for _ in range(rng.randint(1, 6)):
            metric = scope.metrics.add(name=rng.choice(("m", "M", "n")), unit=rng.choice(("1", "ms")))
            getattr(self, f"_{rng.choice(('gauge', 'sum', 'histogram', 'exponential_histogram', 'summary'))}")(metric)
        return message.SerializeToString()

    def _point(self, points: Any) -> Any:
        rng = self._rng
        point = points.add(time_unix_nano=rng.choice(TIMES), start_time_unix_nano=rng.choice(TIMES))
        if rng.random() < 0.5:
            point.attributes.add(key=rng.choice(("a", "", "service"))).value.double_value = rng.choice(NUMBERS)
        return point

    def _number(self, point: Any) -> None:
        if self._rng.random() < 0.5:
            point.as_double = self._rng.choice(NUMBERS)
        else:
            point.as_int = self._rng.choice(WHOLE)

    def _gauge(self, metric: Any) -> None:
        self._number(self._point(metric.gauge.data_points))

    def _sum(self, metric: Any) -> None:
        metric.sum.is_monotonic = self._rng.random() < 0.6
        metric.sum.aggregation_temporality = self._rng.randrange(3)
        for _ in range(self._rng.randint(1, 3)):
            self._number(self._point(metric.sum.data_points))

    def _counts(self, most: int) -> list[int]:
        return self._rng.choices(COUNTS[:most], k=self._rng.randrange(5))

    def _distribution(self, point: Any, count: int) -> None:
        rng = self._rng
        point.count = min(count, COUNTS[-1]) if rng.random() < 0.9 else rng.choice(COUNTS)
        for field in ("sum", "min", "max"):
            if rng.random() < 0.5:
                setattr(point, field, rng.choice(NUMBERS))

    def _histogram(self, metric: Any) -> None:
        metric.histogram.aggregation_temporality = self._rng.randrange(3)
        for _ in range(self._rng.randint(1, 3)):
            point, counts = self._point(metric.histogram.data_points), self._counts(len(COUNTS))
            point.bucket_counts.extend(counts)
            point.explicit_bounds.extend(sorted(self._rng.choices(NUMBERS, k=max(0, len(counts) - 1))))
            self._distribution(point, sum(counts))

    def _exponential_histogram(self, metric: Any) -> None:
        rng, data = self._rng, metric.exponential_histogram
        data.aggregation_temporality = rng.randrange(3)
        for _ in range(rng.randint(1, 3)):
            point = self._point(data.data_points)
            point.scale, point.zero_count, point.zero_threshold = (
                rng.choice(SCALES),
                rng.choice(COUNTS[:5]),
                rng.choice(NUMBERS),
            )
            total = point.zero_count
            for side in (point.positive, point.negative):
                counts = self._counts(5)
                total += sum(counts)
                side.offset = rng.choice(OFFSETS)
                side.bucket_counts.extend(counts)
            self._distribution(point, total)

    def _summary(self, metric: Any) -> None:
        point = self._point(metric.summary.data_points)
        point.count, point.sum = self._rng.choice(COUNTS), self._rng.choice(NUMBERS)
        for _ in range(self._rng.randrange(4)):
            point.quantile_values.add(quantile=self._rng.choice(QUANTILES), value=self._rng.choice(NUMBERS))


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_sent_is_refused_or_comes_to_numbers_that_can_be_stored(seed: int) -> None:
    anything, counted, refused = Anything(seed), 0, 0
    stored: dict[bytes, bytes | None] = {}
    for _ in range(400):
        items, refusals = metrics.decode("t", anything.message(), datetime.now(UTC), None)
        refused += len(refusals)
        states = StreamStates(stored, NOW_NS - 10**13)
        observations = Observations()
        for item in items:
            item.body.labels = ('{"service":"s"}',)
        metrics.observe(items, None, observations, states)  # type: ignore[arg-type]
        stored |= {stream: state for stream, (_, state) in states.changed.items()}
        for cell in observations.cells().values():
            counted += 1
            assert 0 <= cell.count <= MOST
            assert math.isfinite(cell.sum)
            if cell.min is not None:
                assert cell.max is not None
                assert -math.inf < cell.min <= cell.max < math.inf
            if cell.histogram is not None:
                assert (cell.histogram.counts > 0).all()
                median = cell.quantile(0.5)
                assert median is None or math.isfinite(median)
    assert counted > 20
    assert refused > 100
