"""Buckets as histograms: every observation is there once, and percentiles are as near as the buckets allow."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ingest.signals.otlp.buckets import (
    INTERVALS_AT_ONCE,
    Distribution,
    Explicit,
    Exponential,
    Quantiles,
    histograms,
)

BOUNDS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0)
WANTED = (0.0, 0.25, 0.5, 0.9, 0.99, 1.0)

values_ = st.lists(st.floats(-100, 5000, allow_nan=False).map(lambda x: round(x, 3)), min_size=1, max_size=60)


def explicit(values: list[float], *, ends: bool = True) -> Distribution:
    counts = Counter(bisect_left(BOUNDS, value) for value in values)
    buckets = Explicit(BOUNDS, tuple(counts[i] for i in range(len(BOUNDS) + 1)))
    return Distribution(len(values), sum(values), min(values) if ends else None, max(values) if ends else None, buckets)


def exponential(values: list[float], scale: int) -> Distribution:
    sides: tuple[Counter[int], Counter[int]] = Counter(), Counter()
    for value in values:
        if value:
            sides[value < 0][math.ceil(math.ldexp(math.log2(abs(value)), scale)) - 1] += 1
    buckets = Exponential(scale, values.count(0), 0.0, dict(sides[0]), dict(sides[1]))
    return Distribution(len(values), sum(values), min(values), max(values), buckets)


@given(st.lists(values_, min_size=1, max_size=6))
def test_percentiles_of_explicit_buckets_lie_in_the_bucket_of_the_true_value(groups: list[list[float]]) -> None:
    for values, spread in zip(groups, histograms([explicit(values) for values in groups]), strict=True):
        assert spread.histogram is not None
        assert spread.histogram.count == len(values)
        assert (spread.min, spread.max, spread.sum) == (min(values), max(values), sum(values))
        edges = (-math.inf, *BOUNDS, math.inf)
        for part, found in zip(WANTED, spread.histogram.quantiles(WANTED), strict=True):
            below, above = sorted(values)[int(part * (len(values) - 1))], sorted(values)[math.ceil(part * (len(values) - 1))]
            low = max(edges[bisect_left(BOUNDS, below)], min(values))
            high = min(edges[bisect_left(BOUNDS, above) + 1], max(values))
            assert low - 0.011 * abs(low) - 1e-8 <= found <= high + 0.011 * abs(high) + 1e-8


@given(st.lists(values_, min_size=1, max_size=6), st.integers(0, 8))
def test_percentiles_of_exponential_buckets_are_within_the_base(groups: list[list[float]], scale: int) -> None:
    error = 2 ** (2**-scale) - 1 + 0.011
    for values, spread in zip(groups, histograms([exponential(values, scale) for values in groups]), strict=True):
        assert spread.histogram is not None
        assert spread.histogram.count == len(values)
        ordered = sorted(values)
        for part in (0.0, 1.0):
            found = spread.histogram.quantiles((part,))[0]
            true = ordered[int(part * (len(values) - 1))]
            assert abs(found - true) <= error * abs(true) + 1e-8


def test_a_large_count_is_laid_out_exactly() -> None:
    (spread,) = histograms([Distribution(10**12 + 7, None, 0.0, 100.0, Explicit((50.0,), (10**12, 7)))])
    assert spread.histogram is not None
    assert spread.histogram.count == 10**12 + 7
    assert spread.histogram.quantiles((0.5,))[0] == pytest.approx(25, rel=0.05)
    assert spread.sum == pytest.approx(25e12, rel=0.01)


def test_what_is_not_known_is_not_invented() -> None:
    nothing, average, ends, empty = histograms(
        [
            Distribution(4, None, None, None, None),
            Distribution(4, 8.0, None, None, None),
            Distribution(4, 8.0, 1.0, 3.0, None),
            Distribution(0, 0.0, None, None, Explicit((1.0,), (0, 0))),
        ]
    )
    assert nothing == (None, None, None, 0.0)
    assert average.histogram is not None
    assert average.histogram.quantiles((0.5,)) == [pytest.approx(2, rel=0.01)]
    assert (ends.min, ends.max, ends.sum) == (1.0, 3.0, 8.0)
    assert empty == (None, None, None, 0.0)


def test_open_buckets_end_where_the_protocol_knows_no_more() -> None:
    (spread,) = histograms([Distribution(3, None, None, None, Explicit((5.0, 10.0), (1, 1, 1)))])
    assert (spread.min, spread.max) == (0.0, 10.0)
    (single,) = histograms([Distribution(3, None, None, None, Explicit((), (3,)))])
    assert single.histogram is not None
    assert single.histogram.count == 3


def test_quantiles_of_a_summary_are_given_back() -> None:
    summary = Quantiles((0.5, 0.9, 0.99), (10.0, 20.0, 40.0))
    (spread,) = histograms([Distribution(1000, 12_000.0, None, None, summary)])
    assert spread.histogram is not None
    assert spread.histogram.count == 1000
    assert spread.histogram.quantiles((0.5, 0.9, 0.99)) == [pytest.approx(v, rel=0.03) for v in (10, 20, 40)]


@pytest.mark.parametrize("scale", [-100, -11, -10, 0, 20, 100])
def test_scales_at_the_edge_make_finite_histograms(scale: int) -> None:
    indices = {-1: 2, 0: 3} if scale <= 0 else {-(2**30): 2, 0: 1, 2**30: 2}
    count = sum(indices.values())
    (spread,) = histograms([Distribution(count, None, None, None, Exponential(scale, 0, 0.0, indices, {}))])
    assert spread.histogram is not None
    assert spread.histogram.count == count
    assert np.isfinite(spread.histogram.quantiles((0.0, 0.5, 1.0))).all()
    assert math.isfinite(spread.sum)


def test_many_distributions_are_as_few_and_keep_small_counts_small() -> None:
    few = [explicit([1.0, 30.0, 700.0]), exponential([0.5, 2.0, 2.0], 4), Distribution(0, 2.0, None, None, None)]
    many = few * (INTERVALS_AT_ONCE // 8)
    spreads = histograms(many)
    assert spreads == histograms(few) * (INTERVALS_AT_ONCE // 8)
    assert {spread.histogram.counts.itemsize for spread in spreads if spread.histogram is not None} == {1}
