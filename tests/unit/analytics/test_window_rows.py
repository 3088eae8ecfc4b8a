"""A total that PostgreSQL merged is published as one that is merged here, row by row."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.publish.aggregates import aggregate_series
from analytics.publish.publications import PublishedExemplars
from analytics.publish.window_rows import WindowRows, has_merged_total, window_totals
from analytics.rollup.cells import MOST, Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.observations import Labels
from analytics.rollup.windows import Window
from drishti.measures.built_in import FED
from drishti.measures.definitions import Kind, MetricDefinition

WINDOWS = [Window("1s", "acme", f"m{number}", 1_000) for number in range(4)]
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: float(round(number)))


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    seen = draw(st.lists(NUMBERS, min_size=1, max_size=5))
    return Cell(
        count=len(seen),
        errors=draw(st.integers(0, len(seen))),
        sum=sum(seen),
        min=draw(st.sampled_from((None, min(seen)))),
        max=max(seen),
        histogram=draw(st.sampled_from((None, Histogram.of([]), Histogram.of(seen)))),
        exemplar=draw(st.sampled_from((None, "a", "b"))),
    )


def record(place: int, rows: list[tuple[Labels, Cell]]) -> dict[str, Any]:
    """What PostgreSQL makes of ``rows``."""
    some = [cell for _, cell in rows]
    stored = [cell.histogram.to_bytes() for cell in some if cell.histogram is not None]
    return {
        "place": place,
        "rows": len(some),
        "count": Decimal(sum(cell.count for cell in some)),
        "errors": Decimal(sum(cell.errors for cell in some)),
        "sum": sum(cell.sum for cell in some),
        "min": min((cell.min for cell in some if cell.min is not None), default=None),
        "max": max((cell.max for cell in some if cell.max is not None), default=None),
        "histograms": b"".join(stored) if stored else None,
        "lengths": b"".join(struct.pack(">i", len(data)) for data in stored) if stored else None,
        "exemplars": [cell.exemplar for cell in some if cell.exemplar is not None] or None,
    }


@settings(deadline=None)
@given(st.lists(st.lists(cells(), max_size=4), min_size=4, max_size=4), st.sampled_from(("counter", "gauge", "distribution")))
def test_a_merged_total_is_that_of_the_rows(groups: list[list[Cell]], kind: str) -> None:
    metric = MetricDefinition(name="m", kind=Kind(kind), dimensions=("service",))
    rows = [[((f'{{"service":"s{n}"}}',), cell) for n, cell in enumerate(some)] for some in groups]
    totals = window_totals(WINDOWS, [record(place, some) for place, some in enumerate(rows, start=1) if some])
    assert list(totals) == [window for window, some in zip(WINDOWS, rows, strict=True) if some]
    for window, some in zip(WINDOWS, rows, strict=True):
        single, merged = WindowRows(some), totals.get(window, WindowRows([]))
        assert merged.size == single.size == len(some)
        assert repr(aggregate_series(metric, merged.cells, limit=5)) == repr(aggregate_series(metric, single.cells, limit=5))
        assert list(merged.exemplars()) == list(single.exemplars())


def test_each_exemplar_is_published_once_for_a_metric() -> None:
    exemplars = PublishedExemplars()
    rows = WindowRows([], merged=2, traces=("a", "b"))
    for expected in ("a", "b"):
        assert exemplars.choose(WINDOWS[0], rows.exemplars()) == expected
        exemplars.add(WINDOWS[0].metric, expected)
    assert exemplars.choose(WINDOWS[0], rows.exemplars()) is None
    assert exemplars.choose(WINDOWS[1], rows.exemplars()) == "a"


@pytest.mark.parametrize("token", ["events", "active_users", "request_duration_ms"])
def test_rows_are_read_where_labels_or_sketches_are_published(token: str) -> None:
    assert not has_merged_total(FED[token])


def test_a_count_beyond_64_bits_ends_at_the_limit() -> None:
    rows: list[tuple[Labels, Cell]] = [(("{}",), Cell(count=2**62, sum=1.0))] * 4
    (total,) = window_totals(WINDOWS[:1], [record(1, rows)]).values()
    assert total.cells[0][1].count == MOST
