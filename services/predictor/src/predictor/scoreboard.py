"""Forecasts keep score: each is kept when it is made and marked when its hour comes. Pure.

Of every series and horizon the newest forecasts wait here, each with what the learnt model said, what the seasonal naive
forecast said, and which of the two spoke. When a value arrives, all that was said of its moment is marked: absolute errors,
bias, and whether the value lay in the intervals. The averages forget: the newest :data:`MEMORY` marks count, older ones fade.

The record also decides: a model whose marked error exceeds the naive one's is benched until it does not (its forecasts are
marked all the while, though nobody hears them).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from drishti.events import ForecastScore
from predictor.forecasters.interface import Forecast
from predictor.ring import Floats

MEMORY = 1000
"""Marks after which an old one counts a third."""

ENOUGH = 60
"""Marks before the record says anything, or benches anybody."""

WAITING = 16
"""Forecasts of one series and horizon that wait at once; an older one has been marked for the most part."""

BENCH, RETURN = 1.0, 0.95
"""Model's error over the naive one's from which it is benched, and below which it comes back: not the same, so that it does not
come and go."""

PARTS = ("model", "naive", "spoken", "lower80", "upper80", "lower95", "upper95")
SUMS = ("model", "naive", "spoken", "bias", "inner", "outer")


@dataclass
class _Waiting:
    """One forecast: ``values`` is (PARTS × steps); step ``k`` is about ``first + k * step`` (seconds)."""

    first: int
    step: int
    values: Floats

    def at(self, moment: int) -> Floats | None:
        place, rest = divmod(moment - self.first, self.step)
        return self.values[:, place] if not rest and 0 <= place < self.values.shape[1] else None


@dataclass
class _Record:
    waiting: deque[_Waiting] = field(default_factory=lambda: deque(maxlen=WAITING))
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

    def keep(self, key: K, *, first: int, step: int, model: Forecast, naive: Forecast) -> None:
        """Keeps a forecast whose first value is that of the moment ``first`` (seconds), the others ``step`` seconds apart."""
        record = self._records.setdefault(key, _Record())
        spoken = naive if record.benched else model
        rows = [model.mean, naive.mean, spoken.mean, spoken.lower[0], spoken.upper[0], spoken.lower[1], spoken.upper[1]]
        record.waiting.append(_Waiting(first, step, np.array(rows)))

    def mark(self, key: K, moment: int, value: float) -> None:
        """Marks all that was said of ``moment``, once: a moment that is not later than the last one marked is passed over."""
        record = self._records.get(key)
        if record is None or moment <= record.newest or not np.isfinite(value):
            return
        record.newest = moment
        for waiting in record.waiting:
            said = waiting.at(moment)
            if said is None:
                continue
            _, _, spoken, lower80, upper80, lower95, upper95 = said
            found = (
                *(abs(said[:3] - value)),
                spoken - value,
                lower80 <= value <= upper80,
                lower95 <= value <= upper95,
            )
            record.marked += 1
            record.mean += (np.array(found, np.float64) - record.mean) / min(record.marked, MEMORY)
        if record.marked >= ENOUGH:
            ratio = record.mean[0] / max(record.mean[1], 1e-12)
            record.benched = bool(ratio > (RETURN if record.benched else BENCH))

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

    def forget(self, key: K) -> None:
        self._records.pop(key, None)

    def records(self) -> list[K]:
        return list(self._records)

    def state(self, keys: list[K]) -> dict[str, NDArray[Any]]:
        """The records of ``keys`` (all known) as arrays: nothing of it needs pickling."""
        records = [self._records[key] for key in keys]
        waiting = [(i, w) for i, record in enumerate(records) for w in record.waiting]
        return {
            "marked": np.array([r.marked for r in records], np.int64),
            "newest": np.array([r.newest for r in records], np.int64),
            "benched": np.array([r.benched for r in records], np.bool_),
            "mean": np.array([r.mean for r in records]).reshape(len(records), len(SUMS)),
            "waiting": np.array([(i, w.first, w.step, w.values.shape[1]) for i, w in waiting], np.int64).reshape(-1, 4),
            "values": np.concatenate([w.values for _, w in waiting], axis=1) if waiting else np.zeros((len(PARTS), 0)),
        }

    def restore(self, keys: list[K], state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`. Raises ``KeyError`` or ``ValueError`` where it does not fit."""
        waiting, values = state["waiting"], state["values"]
        if state["mean"].shape != (len(keys), len(SUMS)) or values.shape != (len(PARTS), int(waiting[:, 3].sum())):
            raise ValueError(f"records have shapes {state['mean'].shape} and {values.shape}")
        records = [
            _Record(marked=int(marked), mean=mean.astype(np.float64), benched=bool(benched), newest=int(newest))
            for marked, mean, benched, newest in zip(
                state["marked"], state["mean"], state["benched"], state["newest"], strict=True
            )
        ]
        end = np.cumsum(waiting[:, 3])
        for (row, first, step, steps), stop in zip(waiting.tolist(), end.tolist(), strict=True):
            records[row].waiting.append(_Waiting(first, step, values[:, stop - steps : stop].astype(np.float64)))
        self._records = dict(zip(keys, records, strict=True))
