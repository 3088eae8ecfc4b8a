"""What is computed of many cells at once is what is computed of each: the arithmetic of questions against that of cells."""

from __future__ import annotations

import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.query.columns import Columns, evaluated, floats, plain, values
from analytics.query.readings import HISTOGRAMS, Reading
from analytics.query.readings import cells as cells_of
from analytics.query.steps import Steps
from analytics.rollup import buckets, uniques
from analytics.rollup.buckets import Buckets
from analytics.rollup.cells import MOST, Cell, merge_all
from analytics.rollup.histogram import Histogram
from drishti.measures.expressions.parser import parse
from drishti.measures.expressions.tree import Term, evaluate, terms
from drishti.measures.fields import value

FIELDS = (
    "count", "errors", "sum", "min", "max", "rate", "sum_rate", "error_rate", "avg", "p50", "p1", "p99.9", "uniques", "share",
)  # fmt: skip
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: float(round(number)))


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    """A cell of some values, or the empty one."""
    seen = draw(st.lists(NUMBERS, max_size=5))
    if not seen:
        return Cell()
    return Cell(
        count=len(seen),
        errors=draw(st.integers(0, len(seen))),
        sum=sum(seen),
        min=min(seen),
        max=max(seen),
        histogram=Histogram.of(seen * draw(st.sampled_from((1, 1, 300)))),
        sketch=uniques.sketch(map(str, seen)),
    )


def buckets_of(owners: list[int], histograms: list[Histogram]) -> Buckets:
    return Buckets.of_histograms(
        np.array(owners, np.int64),
        np.array([len(histogram.keys) for histogram in histograms], np.int64),
        np.concatenate([np.empty(0, np.int16), *(histogram.keys for histogram in histograms)]),
        np.concatenate([np.empty(0, np.int64), *(histogram.counts for histogram in histograms)]),
    )


def columns_of(some: list[Cell]) -> Columns:
    return Columns(
        count=np.array([cell.count for cell in some], np.int64),
        errors=np.array([cell.errors for cell in some], np.int64),
        sum=floats(cell.sum for cell in some),
        min=floats(cell.min for cell in some),
        max=floats(cell.max for cell in some),
        buckets=buckets_of(list(range(len(some))), [cell.histogram or Histogram.of([]) for cell in some]),
        sketches=[() if cell.sketch is None else (cell.sketch,) for cell in some],
    )


def test_counts_end_where_those_of_cells_end() -> None:
    for count in (MOST, MOST // 1000, 7):
        some = [Cell(count=count)] * 3000
        merged = columns_of(some).merged(np.zeros(len(some), np.int64), 1)
        assert merged.count.tolist() == [merge_all(some).count]


@settings(deadline=None)
@given(st.lists(cells(), min_size=1, max_size=8), st.sampled_from(FIELDS))
def test_a_field_of_many_cells_is_that_of_each(some: list[Cell], field: str) -> None:
    seconds = np.arange(1.0, len(some) + 1)
    found = plain(values(field, columns_of(some), seconds))
    assert found == [value(field, cell, second) for cell, second in zip(some, seconds.tolist(), strict=True)]


@settings(deadline=None)
@given(st.data(), st.lists(cells(), min_size=1, max_size=8))
def test_cells_are_merged_by_owner_as_one_by_one(data: st.DataObject, some: list[Cell]) -> None:
    owners = data.draw(st.lists(st.integers(0, 4), min_size=len(some), max_size=len(some)))
    together = columns_of(some).merged(np.array(owners, np.int64), 5)
    whole = [merge_all(cell for cell, owner in zip(some, owners, strict=True) if owner == place) for place in range(5)]
    places = data.draw(st.permutations(range(5)).map(lambda order: [*order[:3], -1]))
    taken = [Cell() if place < 0 else whole[place] for place in places]
    for field in FIELDS:
        for columns, wanted in ((together, whole), (together.taken(np.array(places, np.int64)), taken)):
            assert plain(values(field, columns, np.ones(len(wanted)))) == [value(field, cell, 1.0) for cell in wanted], field


def test_a_share_is_the_part_over_the_whole() -> None:
    part, whole = columns_of([Cell(count=1), Cell()]), columns_of([Cell(count=4), Cell()])
    assert plain(values("hit_rate", whole, np.ones(2), part=part)) == [0.25, None]


@settings(deadline=None)
@given(st.lists(st.tuples(st.one_of(st.none(), NUMBERS, st.just(0.0), st.just(1e308)), NUMBERS), min_size=1, max_size=5))
@pytest.mark.parametrize(
    "text", ["sum(a) / max(b)", "-(sum(a) - 2) * max(b) + 1e308", "sum(a)", "sum(a) * sum(a) / (max(b) - 1)"]
)
def test_an_expression_of_many_is_that_of_each(text: str, numbers: list[tuple[float | None, float]]) -> None:
    expression = parse(text).expression
    found: dict[Term, list[float | None]] = {
        term: [pair[0 if term.name == "a" else 1] for pair in numbers] for term in terms(expression)
    }
    wanted = [evaluate(expression, {term: column[place] for term, column in found.items()}) for place in range(len(numbers))]
    assert plain(evaluated(expression, {term: floats(column) for term, column in found.items()})) == wanted


def some_histograms() -> list[Histogram]:
    rng = np.random.default_rng(4)
    parts = [Histogram.of(rng.lognormal(3, 2, size)) for size in (1, 3, 40, 500, 70_000, 0)]
    return [*parts, Histogram.of(-rng.lognormal(3, 2, 30)), Histogram.of([0.0] * 300)]


def test_histograms_are_merged_by_owner_as_one_by_one() -> None:
    parts, owners = some_histograms(), [5, 0, 5, 2, 0, 7, 2, 5]
    by_owner = [[part for part, owner in zip(parts, owners, strict=True) if owner == wanted] for wanted in range(8)]
    buckets = buckets_of(owners, parts)
    for part in (0.0, 0.25, 0.5, 0.999, 1.0):
        wanted = [Histogram.merged(some).quantiles((part,))[0] for some in by_owner]
        assert buckets.quantile(part, 8).tolist() == pytest.approx(wanted, rel=0, abs=0, nan_ok=True)
    assert buckets.histograms(8) == [Histogram.merged(some) for some in by_owner]
    assert math.isnan(buckets_of([], []).quantile(0.5, 1)[0])


@pytest.mark.parametrize("bytes_at_once", [1, 100, 1_000, buckets.BYTES_AT_ONCE])
def test_stored_histograms_are_merged_by_owner(monkeypatch: pytest.MonkeyPatch, bytes_at_once: int) -> None:
    monkeypatch.setattr(buckets, "BYTES_AT_ONCE", bytes_at_once)
    parts, owners = some_histograms(), [0, 0, 1, 2, 2, 2, 3, 5]
    by_owner = [[part for part, owner in zip(parts, owners, strict=True) if owner == wanted] for wanted in range(6)]
    stored = [b"".join(part.to_bytes() for part in some) for some in by_owner]
    lengths = [b"".join(struct.pack(">i", len(part.to_bytes())) for part in some) for some in by_owner]
    assert Buckets.of_stored(stored, lengths).histograms(6) == [Histogram.merged(some) for some in by_owner]
    assert math.isnan(Buckets.of_stored([], []).quantile(0.5, 1)[0])
    for broken in (b"\x01", b"\x09\x00", parts[0].to_bytes()[:-1], b"\x01\x07"):
        with pytest.raises(ValueError, match="histogram"):
            Buckets.of_stored([broken], [struct.pack(">i", len(broken))])


def test_reading_many_stored_histograms_takes_little_more_memory_than_their_totals() -> None:
    histogram = Histogram.of(np.random.default_rng(5).lognormal(5, 2, 5_000)).to_bytes()
    window, length = histogram * 1_000, struct.pack(">i", len(histogram)) * 1_000
    tracemalloc.start()
    try:
        Buckets.of_stored([window] * 5, [length] * 5)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 50 * buckets.BYTES_AT_ONCE


def test_a_histogram_that_is_none_is_no_answer() -> None:
    """Of no known version, and shorter or longer than it says."""
    whole = {"one": "", "two": "", "three": "", "steps": b"\0\0\0\1", "min": bytes(8), "max": bytes(8), "sizes": b"\0\0\0\1"}
    reading = Reading(HISTOGRAMS, "m", "{}", "", ())
    steps = Steps("1m", "1m", [0, 60_000])
    for width, keys, counts in (
        (None, b"\1\0", b"\1"),
        (1, b"\1\0", b""),
        (2, b"\1\0", b"\1"),
        (1, b"", b"\1"),
        (1, b"\1\0", b"\1\1"),
    ):
        with pytest.raises(ValueError, match="histogram"):
            cells_of(reading, [whole | {"width": width, "keys": keys, "counts": counts}], steps, field="")
    none = whole | {"width": 0, "keys": None, "counts": None, "sizes": bytes(4)}
    assert math.isnan(cells_of(reading, [none], steps, field="").columns.quantile(0.5)[0])
