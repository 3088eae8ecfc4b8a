"""Sums and quantiles of windows are those that numpy gives, one window at a time."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.seconds.baseline import medians, quantiles


@pytest.mark.parametrize("size", [1, 2, 3, 4, 12, 151])
def test_medians_are_those_of_numpy(size: int) -> None:
    values = np.random.default_rng(size).normal(size=(9, size))
    assert medians(values).tolist() == np.median(values, axis=1).tolist()


def test_quantiles_are_the_nearest_usable_value_below() -> None:
    rng = np.random.default_rng(1)
    values, usable = rng.normal(size=(5, 3, 40)), rng.random((5, 3, 40)) < 0.7
    usable[2, 1] = False
    for share, quantile in zip((0.1, 0.5, 0.9), quantiles(values, usable, (0.1, 0.5, 0.9)), strict=True):
        for place in np.ndindex(5, 3):
            ordered = np.sort(values[place][usable[place]])
            assert quantile[place] == (ordered[int((len(ordered) - 1) * share)] if len(ordered) else 0.0)
