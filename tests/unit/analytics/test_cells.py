"""Histograms keep their promise of 1 %, and cells merged in any way are the cell of one pass."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rollup import histogram, uniques
from analytics.rollup.cells import MOST, Cell, merge, merge_all, merge_groups, percentiles
from analytics.rollup.histogram import ALPHA, LARGEST, SMALLEST, Histogram
from analytics.rollup.histogram import MOST as MOST_OF_BUCKET

positive = st.floats(min_value=1e-6, max_value=1e15)
values = st.lists(positive, min_size=1, max_size=200)
anything = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64), max_size=60)
shares = st.floats(min_value=0, max_value=1)


@given(values, shares)
def test_every_quantile_is_within_one_percent(found: list[float], share: float) -> None:
    (estimate,) = Histogram.of(found).quantiles([share])
    assert estimate == pytest.approx(float(np.quantile(found, share)), rel=ALPHA * 1.0001)


@given(st.lists(st.floats(min_value=-1e12, max_value=1e12), min_size=1, max_size=60), shares)
def test_values_of_both_signs_are_off_by_at_most_one_percent_of_the_neighbours(found: list[float], share: float) -> None:
    (estimate,) = Histogram.of(found).quantiles([share])
    rank = share * (len(found) - 1)
    neighbours = sorted(found)[math.floor(rank) : math.ceil(rank) + 1]
    allowed = ALPHA * 1.0001 * max(abs(value) for value in neighbours) + SMALLEST
    assert abs(estimate - float(np.quantile(found, share))) <= allowed


@given(anything, anything, anything)
def test_histograms_merge_exactly_in_any_order(one: list[float], two: list[float], three: list[float]) -> None:
    whole = Histogram.of(one + two + three)
    assert Histogram.of(one).merge(Histogram.of(two)).merge(Histogram.of(three)) == whole
    assert Histogram.of(three).merge(Histogram.of(one).merge(Histogram.of(two))) == whole
    assert Histogram.merged(map(Histogram.of, (two, three, one))) == whole
    assert whole.count == len(one) + len(two) + len(three)


@given(anything)
def test_a_histogram_survives_its_bytes(found: list[float]) -> None:
    whole = Histogram.of(found)
    assert Histogram.from_bytes(whole.to_bytes()) == whole


@pytest.mark.parametrize("count", [1, 255, 256, 65_536, 1 << 32])
def test_counts_of_any_size_survive(count: int) -> None:
    whole = Histogram(Histogram.of([1.5]).keys, np.array([count], np.int64))
    assert Histogram.from_bytes(whole.to_bytes()) == whole


def test_counts_end_at_a_limit_and_never_turn_negative() -> None:
    large = Cell(count=MOST, histogram=Histogram(Histogram.of([1.5]).keys, np.array([MOST_OF_BUCKET], np.int64)))
    many = [large] * 5
    for whole in (merge_all(many), merge_groups([many])[0], merge(large, large)):
        assert whole.count == MOST
        assert whole.histogram is not None
        assert whole.histogram.counts.tolist() == [MOST_OF_BUCKET]


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02\x00", b"\x01\x07\x00", b"\x01\x00\x00\x00"])
def test_other_bytes_are_no_histogram(data: bytes) -> None:
    with pytest.raises(ValueError, match="histogram"):
        Histogram.from_bytes(data)


def test_extremes_have_a_place_and_an_empty_histogram_has_no_quantile() -> None:
    whole = Histogram.of([0.0, -0.0, 5e-324, 1e300, -1e300, LARGEST])
    assert whole.count == 6
    assert whole.quantiles([0.4]) == [0.0]
    assert all(math.isnan(value) for value in Histogram.of([]).quantiles([0.5, 0.99]))


def test_a_histogram_of_a_day_is_small() -> None:
    rng = np.random.default_rng(7)
    assert len(Histogram.of(rng.lognormal(5, 1, 100_000)).to_bytes()) < 4_000


def cell_of(found: list[float], users: list[str]) -> Cell:
    return Cell(
        count=len(found),
        errors=sum(1 for value in found if value > 1),
        sum=sum(found),
        min=min(found, default=None),
        max=max(found, default=None),
        histogram=Histogram.of(found) if found else None,
        sketch=uniques.sketch(users) if users else None,
    )


observed = st.tuples(st.lists(positive, max_size=30), st.lists(st.text(min_size=1, max_size=8), max_size=30))


@given(st.lists(observed, min_size=1, max_size=6))
def test_cells_merged_in_any_way_are_the_cell_of_one_pass(parts: list[tuple[list[float], list[str]]]) -> None:
    cells = [cell_of(*part) for part in parts]
    whole = cell_of([v for values, _ in parts for v in values], [u for _, users in parts for u in users])
    by_pairs = cells[0]
    for cell in cells[1:]:
        by_pairs = merge(by_pairs, cell)
    for merged in (by_pairs, merge_all(cells), merge_all(reversed(cells))):
        assert (merged.count, merged.errors, merged.min, merged.max) == (whole.count, whole.errors, whole.min, whole.max)
        assert merged.sum == pytest.approx(whole.sum)
        assert merged.histogram == whole.histogram
        if whole.sketch is None:
            assert merged.sketch is None
        else:
            assert merged.sketch is not None
            assert uniques.estimate([merged.sketch]) == uniques.estimate([whole.sketch])


@given(st.lists(st.lists(observed, min_size=1, max_size=4), max_size=5), st.sampled_from([1, 10, histogram.BUCKETS_AT_ONCE]))
def test_groups_that_are_merged_at_once_are_as_those_that_are_merged_one_by_one(
    groups: list[list[tuple[list[float], list[str]]]], buckets_at_once: int
) -> None:
    cells = [[cell_of(*part) for part in group] for group in groups]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histogram, "BUCKETS_AT_ONCE", buckets_at_once)
        assert merge_groups(cells) == [merge_all(group) for group in cells]


def test_histograms_of_the_same_buckets_share_their_keys_when_merged() -> None:
    minute, second, other = Histogram.of([1.0, 5.0, 9.0]), Histogram.of([1.0, 9.0]), Histogram.of([2.0])
    same, more = Histogram.merged_groups([[minute, second], [minute, other]])
    assert same.keys is minute.keys
    assert same == minute.merge(second)
    assert more == minute.merge(other)


def test_merging_many_histograms_takes_little_more_memory_than_their_results() -> None:
    rng = np.random.default_rng(8)
    large = Histogram.of(rng.lognormal(5, 2, 5_000))
    groups = [[large, large] for _ in range(2_000)]
    tracemalloc.start()
    try:
        merged = Histogram.merged_groups(groups)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(merged) == len(groups)
    assert most - kept < 200 * histogram.BUCKETS_AT_ONCE


@given(values)
def test_percentiles_are_never_outside_of_what_was_seen(found: list[float]) -> None:
    cell = cell_of(found, [])
    for value in percentiles(cell, (0.0, 0.5, 0.99, 1.0)):
        assert value is not None
        assert min(found) <= value <= max(found)
    assert percentiles(Cell(), (0.5,)) == [None]


def test_the_newer_exemplar_stays() -> None:
    old, new, none = Cell(exemplar="old"), Cell(exemplar="new"), Cell()
    assert merge(old, new).exemplar == "new"
    assert merge(merge(old, new), none).exemplar == "new"
    assert merge_all([old, new, none]).exemplar == "new"


@pytest.mark.parametrize("size", [0, 1, 10, 1_000, 30_000])
def test_distinct_texts_are_counted_within_five_percent_however_they_are_split(size: int) -> None:
    people = [f"user-{n}" for n in range(size)]
    split = [uniques.sketch(people[n::7] + people[:50]) for n in range(7)]
    estimate = uniques.estimate(split)
    assert estimate == pytest.approx(size, rel=0.05)
    assert estimate == uniques.estimate([uniques.sketch(people)]), "two replicas say what one says"
    assert uniques.estimate([uniques.merge(split)]) == estimate
