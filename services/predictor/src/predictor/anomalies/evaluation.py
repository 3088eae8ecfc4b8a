"""Which series are judged at present, and when that changes. Pure; all series together.

A series with too few observations for a judgement is neither well nor unwell, and somebody who looks should know. So it is
reported once when a series that has learnt what is normal is not judged for :data:`UNJUDGED_S`, and once when it is judged
again for :data:`JUDGED_S`. Neither sooner than :data:`APART_S` after the other: traffic at the edge of what is enough must not
flood the bus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.anomalies.lifecycle import Records, restored
from predictor.series.ring import Bools, Ints, grown

UNJUDGED_S = 30
JUDGED_S = 10
APART_S = 60

RUNS = np.dtype(
    [
        ("judged", np.int64),  # seconds in a row that were judged
        ("unjudged", np.int64),  # seconds in a row that were not, though normal is known
        ("reported_unjudged", np.bool_),  # what was reported last
        ("reported_at", np.int64),
    ]
)


class Evaluation:
    """Of every row: how many seconds in a row it was judged, or was not; and what was reported of that last, and when."""

    def __init__(self) -> None:
        self._runs: Records = np.zeros(0, RUNS)

    def reset(self, row: int) -> None:
        """Makes ``row`` a series of which nothing was reported."""
        self._runs = grown(self._runs, row + 1)
        self._runs[row] = np.zeros((), RUNS)

    def step(self, rows: Ints, judged: Bools, ready: Bools, at: int) -> list[tuple[int, bool]]:
        """Takes second ``at``. Of what is to be reported: the place in ``rows``, and whether that row is judged again."""
        runs = self._runs[rows]
        runs["judged"] = np.where(judged, runs["judged"] + 1, 0)
        runs["unjudged"] = np.where(judged | ~ready, 0, runs["unjudged"] + 1)
        may = at >= runs["reported_at"] + APART_S
        lost = may & ~runs["reported_unjudged"] & (runs["unjudged"] >= UNJUDGED_S)
        again = may & runs["reported_unjudged"] & (runs["judged"] >= JUDGED_S)
        runs["reported_unjudged"] = (runs["reported_unjudged"] | lost) & ~again
        runs["reported_at"] = np.where(lost | again, at, runs["reported_at"])
        self._runs[rows] = runs
        return [(index, bool(again[index])) for index in np.flatnonzero(lost | again).tolist()]

    def state(self, n: int) -> dict[str, NDArray[Any]]:
        return {"evaluation": self._runs[:n]}

    def restore(self, n: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`; raises ``KeyError`` or ``ValueError`` where it does not fit."""
        self._runs = restored("evaluation", state["evaluation"], RUNS, n)
