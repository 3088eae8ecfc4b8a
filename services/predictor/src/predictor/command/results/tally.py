"""How good forecasts along one series were, as sums: nothing of a forecast is kept. Pure.

Compared are the last known value, and the value a season before the step forecast. Only steps whose value is known count.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from predictor.command.times.steps import Step, span
from predictor.forecasters.interface import COVERAGES, Forecast
from predictor.series.ring import Floats, Ints

WRITTEN = 1e-9
"""Relative: values agree where they do in the ten digits that are written."""


class Tally:
    """``values`` (rows) is the whole series, NaN where one is missing; ``season`` in rows, 1 for none; ``step`` is that
    from row to row."""

    def __init__(self, values: Floats, season: int, step: Step | None = None) -> None:
        self._values = values
        self._step = step
        known = np.where(np.isfinite(values), np.arange(len(values)), 0)
        self._newest: Floats = values[np.maximum.accumulate(known)]
        self._seasons = [1, season] if season > 1 else [1]
        self._errors = np.zeros(1 + len(self._seasons))
        self._bias = 0.0
        self._held = np.zeros(len(COVERAGES))
        self._steps = 0
        self._models: Counter[str] = Counter()

    def add(self, origin: int, forecast: Forecast) -> None:
        """Takes a forecast that was made when ``origin`` rows were known."""
        ahead = np.arange(len(forecast.mean))
        real = self._values[origin : origin + len(ahead)]
        said = np.stack([forecast.mean, *(self._naive(origin, ahead, season) for season in self._seasons)])
        known = np.isfinite(real) & np.isfinite(said).all(axis=0)
        self._errors += np.abs(said - real)[:, known].sum(axis=1)
        self._bias += (forecast.mean - real)[known].sum()
        slack = WRITTEN * np.abs(real)
        self._held += ((real >= forecast.lower - slack) & (real <= forecast.upper + slack))[:, known].sum(axis=1)
        self._steps += int(known.sum())
        self._models[forecast.model] += 1

    def summary(self) -> str:
        """Some lines for people."""
        count = self._models.total()
        if not self._steps:
            return f"{count} forecasts, but none of the values that were forecast is known\n"
        ours, *theirs = (self._errors / self._steps).tolist()
        text = [
            f"{count} forecast{'s' if count > 1 else ''}, trained on what came before: mean absolute error {ours:.6g}, "
            f"bias {self._bias / self._steps:+.3g}"
        ]
        for season, error in zip(self._seasons, theirs, strict=True):
            name = "the last value" if season == 1 else f"the value {span(season, self._step)} before"
            ratio = f"{ours / error:.3f} of it" if error > 0 else "no error at all"
            text.append(f"  naive, {name}: {error:.6g} ({ratio})")
        for coverage, held in zip(COVERAGES, (self._held / self._steps).tolist(), strict=True):
            text.append(f"  the {coverage:.0%} interval held {held:.1%}")
        text.append("  models: " + ", ".join(f"{name} {number}" for name, number in sorted(self._models.items())))
        return "\n".join(text) + "\n"

    def _naive(self, origin: int, ahead: Ints, season: int) -> Floats:
        """The newest known value, seen from whole seasons before the target (from the first row where there is no such row)."""
        result: Floats = self._newest[np.maximum(origin + ahead - season * (ahead // season + 1), 0)]
        return result
