"""Which series are judged at present, and when that changes. Pure; all series together.

A series with too few observations for a judgement is neither well nor unwell, and somebody who looks should know. So it is told
once when a series that has learnt what is normal is not judged for :data:`UNJUDGED_S`, and once when it is judged again for
:data:`JUDGED_S`. Neither sooner than :data:`APART_S` after the other: traffic at the edge of what is enough must not flood the
bus.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Bools, Ints, grown

UNJUDGED_S = 30
JUDGED_S = 10
APART_S = 60

NAMES = ("judged", "unjudged", "told_unjudged", "told_at")


class Judgement:
    """Of every row: how many seconds in a row it was judged, or was not; and what was told of that last, and when."""

    def __init__(self) -> None:
        self._state: Ints = np.zeros((len(NAMES), 0), np.int64)

    def reset(self, row: int) -> None:
        """Makes ``row`` a series of which nothing was told."""
        self._state = grown(self._state, row + 1, axis=1)
        self._state[:, row] = 0

    def step(self, rows: Ints, judged: Bools, ready: Bools, at: int) -> list[tuple[int, bool]]:
        """Takes second ``at``. Of what is to be told: the place in ``rows``, and whether that row is judged again."""
        runs, lacks, told, told_at = self._state[:, rows]
        runs = np.where(judged, runs + 1, 0)
        lacks = np.where(judged | ~ready, 0, lacks + 1)
        may = at >= told_at + APART_S
        lost = may & (told == 0) & (lacks >= UNJUDGED_S)
        again = may & (told == 1) & (runs >= JUDGED_S)
        told = np.where(lost, 1, np.where(again, 0, told))
        told_at = np.where(lost | again, at, told_at)
        self._state[:, rows] = (runs, lacks, told, told_at)
        return [(index, bool(again[index])) for index in np.flatnonzero(lost | again).tolist()]

    def state(self, n: int) -> dict[str, NDArray[Any]]:
        return {"judgement": self._state[:, :n]}

    def restore(self, n: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`; raises ``KeyError`` or ``ValueError`` where it does not fit."""
        if state["judgement"].shape != (len(NAMES), n):
            raise ValueError(f"judgement has shape {state['judgement'].shape}")
        self._state = state["judgement"].astype(np.int64)
