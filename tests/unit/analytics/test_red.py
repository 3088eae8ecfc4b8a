"""Rate, errors and duration of operations."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from analytics.rollup.observations import Observations
from analytics.spans import red
from analytics.spans.span import SpanKind, Status
from drishti.measures.built_in import METRICS
from rigs.spans import START_NS, SpanItem, span


def test_the_cells_of_spans_are_those_counted_one_by_one() -> None:
    rng = random.Random(5)
    items = [
        SpanItem(
            span(
                service=rng.choice(["shop", "cart"]),
                operation=rng.choice(["GET /a", "SELECT b"]),
                kind=rng.choice(list(SpanKind)),
                status=rng.choice(list(Status)),
                start_ns=START_NS + rng.randrange(3) * 1_000_000_000,
                duration_ns=rng.choice([0, rng.randrange(10**10), 2**62]),
            ),
            tenant=rng.choice(["one", "two"]),
        )
        for _ in range(2000)
    ]
    expected = defaultdict(list)
    for item in items:
        one = item.body
        labels = (one.service, one.operation, one.kind.name.lower())
        expected[item.tenant, "span_duration_ms", labels, item.second].append((one.duration_ns / 1e6, one.is_error))
    observations = Observations()
    red.observe(items, observations)
    cells = observations.cells()
    assert cells.keys() == expected.keys()
    for series, cell in cells.items():
        durations = sorted(duration for duration, _ in expected[series])
        assert (cell.count, cell.errors) == (len(durations), sum(failed for _, failed in expected[series]))
        assert (cell.min, cell.max) == (durations[0], durations[-1])
        assert cell.sum == pytest.approx(sum(durations))
        assert cell.histogram is not None
        assert cell.histogram.quantiles([0.0])[0] == pytest.approx(durations[0], rel=0.011)


def test_spans_without_a_name_count_under_their_kind() -> None:
    observations = Observations()
    red.observe([SpanItem(span(operation="", kind=SpanKind.CLIENT))], observations)
    ((series, cell),) = observations.cells().items()
    assert (series.labels, cell.count) == (("shop", "client", "client"), 1)


def test_no_spans_are_nothing() -> None:
    observations = Observations()
    red.observe([], observations)
    assert not observations.cells()


def test_only_services_go_live() -> None:
    metric = METRICS[red.DURATION]
    assert metric.dimensions == ("service", "operation", "kind")
    assert metric.published == ((), ("service",))
    assert not metric.watched
    assert not metric.forecast
