"""How many distinct texts sketches saw: the same whoever filled them, in whichever order, in however many parts."""

from __future__ import annotations

import random

import pytest
from datasketches import hll_sketch, hll_union, tgt_hll_type

from analytics.rollup import uniques


def by_the_library(sketches: list[bytes]) -> float:
    """What the library says of a union: of one sketch with itself it is the slow way to the estimate by registers alone."""
    union = hll_union(uniques.LG_K)
    for sketch in [*sketches, *sketches]:
        union.update(hll_sketch.deserialize(sketch))
    return float(union.get_result(tgt_hll_type.HLL_4).get_estimate())


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100, 383, 385, 1_000, 4_096, 40_000])
def test_the_estimate_depends_on_the_registers_alone(count: int) -> None:
    items = [f"user-{number}" for number in range(count)]
    whole = uniques.sketch(items)
    parts = [uniques.sketch(items[place::3]) for place in range(3)]
    random.Random(count).shuffle(items)
    estimates = {
        uniques.estimate(sketches)
        for sketches in ([whole], [whole, whole], parts, parts[::-1], [uniques.merge(parts)], [uniques.sketch(items)])
    }
    assert len(estimates) == 1
    (estimate,) = estimates
    assert estimate == by_the_library([whole])
    assert estimate == pytest.approx(count, rel=0.06)


def test_nothing_has_no_distinct_items() -> None:
    assert uniques.estimate([]) == 0.0
