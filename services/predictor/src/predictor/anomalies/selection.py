"""The state of some of an engine's series. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Ints

BY_COLUMN = ("detector.numbers",)
"""Of the state: arrays whose last axis is the series. Of the others it is the first, or, where there are ``rows`` beside them,
those alone."""


def selected(state: dict[str, NDArray[Any]], rows: Ints) -> dict[str, NDArray[Any]]:
    """A copy of the state of ``rows``, which are in ascending order."""
    chosen = {}
    pools = {name.removesuffix(".rows"): np.isin(array, rows) for name, array in state.items() if name.endswith(".rows")}
    for name, array in state.items():
        pool = next((pool for pool in pools if name.startswith(f"{pool}.")), None)
        if pool is None:
            chosen[name] = array[..., rows] if name in BY_COLUMN else array[rows]
        elif name.endswith(".rows"):
            chosen[name] = np.searchsorted(rows, array[pools[pool]])
        else:
            chosen[name] = array[pools[pool]]
    return chosen
