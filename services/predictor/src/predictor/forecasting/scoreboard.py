"""Forecasts keep score: of each, some steps are kept when it is made and marked when their hour comes. Pure.

Of every series and horizon the newest forecasts wait here: what the learnt model said of a moment, what the naive forecast said
(:mod:`predictor.forecasters.naive`), and which of the two spoke. A forecast keeps a few of its steps, evenly spread over its
length and others each time, so that all distances are marked alike and a week of hours costs no more than it must. When a value
arrives, all that was said of its moment is marked: absolute errors, bias, and whether the value lay in the intervals. The
averages forget: the newest :data:`MEMORY` marks count, older ones fade.

The record also decides: a model whose marked error exceeds the naive one's is benched until it does not (its forecasts are
marked all the while, though nobody hears them).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from drishti.events import ForecastScore
from predictor.forecasters.interface import Forecast
from predictor.series.ring import Floats, Ints

MEMORY = 1000
"""Marks after which an old one counts a third."""

ENOUGH = 60
"""Marks before the record says anything, or benches anybody."""

BENCH, RETURN = 1.0, 0.95
"""Model's error over the naive one's from which it is benched, and below which it comes back: not the same, so that it does not
come and go."""

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, modulo 1, fill a line evenly however many there are (Weyl): where the kept steps of a forecast begin."""

PARTS = ("model", "naive", "lower80", "upper80", "lower95", "upper95")
SUMS = ("model", "naive", "spoken", "bias", "inner", "outer")

WAITING = np.dtype([("first", np.uint32), ("moment", np.uint32), ("naive_spoke", np.bool_), ("said", np.float32, len(PARTS))])
"""One step that waits for its value: of the forecast that begins at ``first``, about ``moment`` (both in seconds)."""


@dataclass
class _Record:
    waiting: NDArray[Any] = field(default_factory=lambda: np.zeros(0, WAITING))
    marked: int = 0
    mean: Floats = field(default_factory=lambda: np.zeros(len(SUMS)))
    benched: bool = False
    newest: int = 0


K = TypeVar("K", bound=Hashable)
"""What tells series and horizon apart."""


class Scoreboard(Generic[K]):
    """The records by series and horizon."""

    def __init__(self) -> None:
        self._records: dict[K, _Record] = {}

    def keep(self, key: K, *, first: int, step: int, model: Forecast, naive: Forecast, kept: int) -> None:
        """Keeps ``kept`` steps of a forecast whose first value is that of the moment ``first`` (seconds), the others ``step``
        seconds apart. One that begins at the same moment is replaced; what was never marked before that is given up."""
        record = self._records.setdefault(key, _Record())
        places = _places(first // step, len(model.mean), kept)
        spoken = naive if record.benched else model
        new = np.zeros(len(places), WAITING)
        new["first"], new["moment"], new["naive_spoke"] = first, first + places * step, record.benched
        rows = (model.mean, naive.mean, spoken.lower[0], spoken.upper[0], spoken.lower[1], spoken.upper[1])
        new["said"] = np.stack([row[places] for row in rows], axis=1)
        old = record.waiting
        record.waiting = np.concatenate([old[(old["first"] != first) & (old["moment"] >= first)], new])

    def mark(self, key: K, newest: int, step: int, values: Floats) -> None:
        """Marks what was said of the moments of ``values``, ``step`` seconds apart, the last of which is ``newest``; each
        once: a moment that is not later than the last one marked is passed over."""
        record = self._records.get(key)
        if record is None or newest <= record.newest:
            return
        due = record.waiting[(record.waiting["moment"] > record.newest) & (record.waiting["moment"] <= newest)]
        back, rest = np.divmod(newest - due["moment"].astype(np.int64), step)
        there = (rest == 0) & (back < len(values))
        actual = values[-1 - back[there]]
        known = np.isfinite(actual)
        for said, value in zip(due[there][known], actual[known].tolist(), strict=True):
            model, naive, lower80, upper80, lower95, upper95 = said["said"].tolist()
            spoken = naive if said["naive_spoke"] else model
            errors = (abs(model - value), abs(naive - value), abs(spoken - value), spoken - value)
            within = (lower80 <= value <= upper80, lower95 <= value <= upper95)
            record.marked += 1
            record.mean += (np.array((*errors, *within), np.float64) - record.mean) / min(record.marked, MEMORY)
        record.waiting = record.waiting[record.waiting["moment"] > newest]
        record.newest = newest
        if record.marked >= ENOUGH:
            ratio = record.mean[0] / max(record.mean[1], 1e-12)
            record.benched = bool(ratio > (RETURN if record.benched else BENCH))

    def newest(self, key: K) -> int:
        """The last moment that was marked (seconds); 0 before the first."""
        record = self._records.get(key)
        return record.newest if record is not None else 0

    def benched(self, key: K) -> bool:
        record = self._records.get(key)
        return record is not None and record.benched

    def standing(self, key: K) -> ForecastScore | None:
        """How what was said came out, or ``None`` before :data:`ENOUGH` marks."""
        record = self._records.get(key)
        if record is None or record.marked < ENOUGH:
            return None
        _, naive, spoken, bias, inner, outer = record.mean.tolist()
        return ForecastScore(marked=record.marked, mae=spoken, naive_mae=naive, bias=bias, coverage=inner, outer_coverage=outer)

    def enough_at(self, key: K, *, first: int, step: int, steps: int, kept: int, every_s: int) -> int | None:
        """When :data:`ENOUGH` values will have been marked (seconds), if none is missing and forecasts of ``steps`` steps are
        made every ``every_s`` seconds after the one that begins at ``first``; ``None``: they have been, or nothing waits."""
        record = self._records.get(key)
        missing = ENOUGH - record.marked if record is not None else 0
        if record is None or missing <= 0:
            return None
        waiting = record.waiting["moment"].astype(np.int64)
        moments = np.concatenate([waiting[waiting > record.newest], _moments_after(first, step, steps, kept, every_s)])
        return int(np.partition(moments, missing - 1)[missing - 1]) + step

    def forget(self, key: K) -> None:
        self._records.pop(key, None)

    def records(self) -> list[K]:
        return list(self._records)

    def state(self, keys: list[K]) -> dict[str, NDArray[Any]]:
        """The records of ``keys`` (all known) as arrays: nothing of it needs pickling."""
        records = [self._records[key] for key in keys]
        return {
            "marked": np.array([r.marked for r in records], np.int64),
            "newest": np.array([r.newest for r in records], np.int64),
            "benched": np.array([r.benched for r in records], np.bool_),
            "mean": np.array([r.mean for r in records]).reshape(len(records), len(SUMS)),
            "held": np.array([len(r.waiting) for r in records], np.int64),
            "waiting": np.concatenate([np.zeros(0, WAITING), *(r.waiting for r in records)]),
        }

    def restore(self, keys: list[K], state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        waiting, held = state["waiting"], state["held"]
        if state["mean"].shape != (len(keys), len(SUMS)) or waiting.shape != (int(held.sum()),) or waiting.dtype != WAITING:
            raise ValueError(f"records have shapes {state['mean'].shape} and {waiting.shape} of {waiting.dtype}")
        ends = np.cumsum(held)
        self._records = {
            key: _Record(waiting[end - count : end], int(marked), mean.astype(np.float64), bool(benched), int(newest))
            for key, end, count, marked, mean, benched, newest in zip(
                keys, ends, held, state["marked"], state["mean"], state["benched"], state["newest"], strict=True
            )
        }


@lru_cache(64)
def _moments_after(first: int, step: int, steps: int, kept: int, every_s: int) -> Ints:
    """The moments that the forecasts after the one that begins at ``first`` keep: of as many as it takes for :data:`ENOUGH`
    of them, and of those made while these wait."""
    count = -(-ENOUGH // kept) + -(-steps * step // every_s)
    begins = np.unique((first + every_s * np.arange(1, count + 1)) // step * step)
    return np.concatenate([begin + _places(begin // step, steps, kept) * step for begin in begins.tolist()])


def _places(number: int, steps: int, kept: int) -> Ints:
    """Which steps the forecast of that number keeps."""
    apart = steps / min(kept, steps)
    return ((number * GOLDEN % 1.0 + np.arange(min(kept, steps))) * apart).astype(np.int64)
