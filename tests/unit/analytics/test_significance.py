"""Tests of over-representation against their definitions."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import numpy as np
import pytest

from analytics.spans.significance import corrected, fisher, within


def _by_definition(a: int, k: int, bad: int, total: int) -> float:
    ways = sum(comb(bad, x) * comb(total - bad, k - x) for x in range(a, min(k, bad) + 1))
    return float(Fraction(ways, comb(total, k)))


def test_fisher_is_the_tail_of_the_hypergeometric_distribution() -> None:
    chance = random.Random(1)
    for _ in range(40):
        total = chance.randint(2, 60)
        bad = chance.randint(1, total - 1)
        having = [chance.randint(0, total) for _ in range(20)]
        bad_with = [chance.randint(max(0, k - (total - bad)), min(k, bad)) for k in having]
        found = fisher(bad_with, having, bad, total)
        expected = [_by_definition(a, k, bad, total) for a, k in zip(bad_with, having, strict=True)]
        assert found == pytest.approx(expected, rel=1e-9)


def test_fisher_keeps_its_digits_far_out_and_takes_nothing() -> None:
    assert fisher([100], [100], 100, 2000)[0] == pytest.approx(1 / comb(2000, 100), rel=1e-6)
    assert len(fisher([], [], 10, 20)) == 0


def test_correction_is_the_step_up_procedure() -> None:
    p = np.array([0.041, 0.001, 0.2, 0.008, 0.039])
    # p(i) m/i: 0.005, 0.02, 0.065 → 0.05125, 0.05125, 0.2
    assert corrected(p).tolist() == pytest.approx([0.05125, 0.005, 0.2, 0.02, 0.05125])
    assert len(corrected(np.empty(0))) == 0


def test_within_groups_a_property_that_only_comes_along_makes_no_difference() -> None:
    chance = np.random.default_rng(1)
    cause = chance.random(4000) < 0.3
    bad = chance.random(4000) < np.where(cause, 0.5, 0.05)
    along = chance.random(4000) < np.where(cause, 0.8, 0.2)
    everyone = np.zeros(4000, dtype=bool)
    assert within(along, bad, everyone) < 1e-9
    assert within(along, bad, cause) > 0.001
    assert within(cause, bad, along) < 1e-9
    assert within(cause, bad, cause) == 1.0
