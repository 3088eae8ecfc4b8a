"""What the linear models look at: means over windows of the past, near the origin and one season before the target. Pure.

How this works
--------------
Every input is the mean over a window of the history, so that one running sum serves them all, and minute values with a daily
season need no more inputs than hourly ones. Relative to the *origin* (the rows known) there are

* recent blocks that grow with their age and together cover one season, and
* the level one season (and one long season) ago, in several widths: with the newest blocks that is what has changed since.

Relative to the *target*, and therefore different for each step, there are

* the same phase one and two seasons ago, and its neighbours, and the same one long season ago, and
* the mean of all earlier values of the same phase.

A window that would reach past the origin moves back by whole seasons until it does not. The long season is seven seasons: a
week where the season is a day, and where it is not, one more distant echo which costs little. All inputs and the target are
taken relative to the newest values, so that a changed level needs no new training, and a map of zeros is the naive forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from predictor.forecasters.series import Prepared
from predictor.series.ring import Floats, Ints

SEEN = 3
"""Times that a season must have been seen before it is used: twice to compare, once more to check."""

LONG = 7
GROWTH = 4
"""A recent block's width is its age divided by this: the past is needed in less detail the older it is."""

HOURS, QUARTERS = 24, 96
"""Widths of the smoothing windows, as fractions of a season: of a day's season, an hour and a quarter."""

UNSEASONED = 128
"""The most rows that the recent blocks cover where there is no season."""


@dataclass(frozen=True)
class Layout:
    """The windows. ``season`` and ``long`` are in rows, 0: not used."""

    season: int
    long: int
    span: int
    recent: tuple[tuple[int, int], ...] = field(init=False)
    """(age, width): the mean of ``width`` rows that end ``age`` rows before the origin."""

    aligned: tuple[tuple[int, int, int, int], ...] = field(init=False)
    """(period, multiple of it, shift, width): ``width`` rows around the target, moved back, then ``shift`` rows on."""

    def __post_init__(self) -> None:
        recent, age = [], 0
        while age < self.span:
            recent.append((age, max(1, age // GROWTH)))
            age += recent[-1][1]
        aligned = []
        if self.season:
            wide, fine = max(1, self.season // HOURS), max(1, self.season // QUARTERS)
            recent += [(self.season, width) for width in (1, fine, wide)]
            aligned += [(self.season, 1, 0, width) for width in (1, fine, wide)] + [(self.season, 2, 0, wide)]
            aligned += [(self.season, 1, shift, wide) for shift in (-wide, wide)]
            if self.long:
                recent += [(self.long, wide)]
                aligned += [(self.long, 1, 0, fine)] + [(self.long, 1, wide * shift, wide) for shift in (-2, -1, 0, 1, 2)]
        object.__setattr__(self, "recent", tuple(dict.fromkeys(recent)))
        object.__setattr__(self, "aligned", tuple(dict.fromkeys(aligned)))

    @classmethod
    def choices(cls, rows: int, season: int) -> list[Layout]:
        """Those that ``rows`` of history allow, the richest first."""
        layouts = [cls(0, 0, min(UNSEASONED, max(1, rows // 8)))]
        if season > 1 and rows >= SEEN * season:
            layouts.insert(0, cls(season, 0, season))
        if season > 1 and rows >= SEEN * LONG * season:
            layouts.insert(0, cls(season, LONG * season, season))
        return layouts

    @property
    def periods(self) -> tuple[int, ...]:
        return tuple(period for period in (self.season, self.long) if period)

    @property
    def level_rows(self) -> int:
        """Rows of the newest values that inputs and target are relative to."""
        return max(1, self.season // QUARTERS)

    @property
    def reach(self) -> int:
        """Rows that must be known before the first origin."""
        ages = [age + width for age, width in self.recent]
        ages += [period * multiple + abs(shift) + 2 * width for period, multiple, shift, width in self.aligned]
        return max(*ages, self.level_rows)

    @property
    def names(self) -> tuple[str, ...]:
        return (
            *(f"recent {age}:{width}" for age, width in self.recent),
            *(f"phase {period}x{multiple}{shift:+d}:{width}" for period, multiple, shift, width in self.aligned),
            *(f"phase mean {period}" for period in self.periods),
        )


def level(layout: Layout, prepared: Prepared, origins: Ints) -> Floats:
    """The mean of the newest rows before each origin."""
    rows, total = layout.level_rows, prepared.total
    result: Floats = (total[origins] - total[origins - rows]) / rows
    return result


def inputs(layout: Layout, prepared: Prepared, means: tuple[Floats, ...], origins: Ints, steps: Ints) -> Floats:
    """(pairs × inputs) relative to :func:`level`, of pairs of an origin (rows known) and a step ahead, from 1.

    ``origins`` and ``steps`` are broadcast; origins are at least ``layout.reach``. ``means`` are of :func:`phase_means`.
    """
    origins, steps = np.broadcast_arrays(origins, steps)
    total = prepared.total
    columns = np.empty((len(layout.names), len(origins)))
    k = 0
    for age, width in layout.recent:
        columns[k] = (total[origins - age] - total[origins - age - width]) / width
        k += 1
    for period, multiple, shift, width in layout.aligned:
        ahead = steps - 1 + shift - width // 2  # of the window's first row, were it not moved back
        back = _moved(ahead + width, period, multiple)
        first = origins + ahead - back
        columns[k] = (total[first + width] - total[first]) / width
        k += 1
    for period, mean in zip(layout.periods, means, strict=True):
        columns[k] = mean[origins + steps - 1 - _moved(steps, period, 1) + period]
        k += 1
    return columns.T - level(layout, prepared, origins)[:, None]


def phase_means(layout: Layout, prepared: Prepared) -> tuple[Floats, ...]:
    """For each period, row t of (rows + period): the mean of rows t - period, t - 2 periods and so on."""
    result = []
    for period in layout.periods:
        rows = len(prepared.values)
        cycles = -(-rows // period)
        padded = np.zeros(cycles * period)
        padded[:rows] = prepared.values
        sums = np.cumsum(padded.reshape(cycles, period), axis=0) / np.arange(1, cycles + 1)[:, None]
        mean = np.concatenate([np.zeros(period), sums.ravel()])
        result.append(mean[: rows + period])
    return tuple(result)


def _moved(end: Ints, period: int, multiple: int) -> Ints:
    """How far back a window moves that would end ``end`` rows after the origin: whole periods, at least ``multiple``."""
    return np.maximum(multiple, -(-end // period)) * period
