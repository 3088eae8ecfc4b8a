"""Rows on an even grid, as forecasts need them: the step is inferred, gaps are gaps. Pure.

The step is a number of months where the rows are monthly, quarterly or yearly (:func:`.steps.calendar`); else it is the median
distance between neighbouring times: by the clock on the wall where that is whole days, so that a change to summer time does not
move midnight. Each row goes to the nearest place. A file that is mostly gap (:data:`SPARSEST`) has no step that means anything,
and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from predictor.command.input.rows import Row
from predictor.command.times import steps
from predictor.command.times.steps import DAY_S, Step
from predictor.errors import UnreadableInput
from predictor.series.ring import Bools, Floats, Ints

SPARSEST = 50
"""Places of the grid for each row."""

ALONE_S = 60.0
"""What one row alone is taken to be apart from the next."""

MERGES: dict[str, Callable[[Floats], float]] = {
    "last": lambda values: float(values[-1]),
    "first": lambda values: float(values[0]),
    "mean": lambda values: float(np.mean(values)),
    "sum": lambda values: float(np.sum(values)),
    "min": lambda values: float(np.min(values)),
    "max": lambda values: float(np.max(values)),
    "median": lambda values: float(np.median(values)),
}
"""What becomes of several values at one time, by the name that ``--merge`` takes."""


@dataclass(frozen=True)
class Grid:
    """``values`` (NaN: missing), the first at ``start`` (seconds since 1970, by the wall's clock), each ``step`` after the one
    before; in months, on ``day``. ``offset`` is what the wall's clock was ahead of UTC at the newest row."""

    start: float
    step: Step
    values: Floats
    day: int = 1
    offset: float = 0.0

    def times(self, first: int = 0, count: int | None = None) -> Floats:
        """Of ``count`` places from ``first`` on, by the wall's clock; they may lie behind the last value."""
        places = np.arange(first, first + (len(self.values) if count is None else count))
        if self.step.months:
            return steps.later(self.start, places * self.step.months, self.day)
        result: Floats = self.start + self.step.seconds * places.astype(np.float64)
        return result


@dataclass(frozen=True)
class Laid:
    """A grid, and what became of the rows on their way there.

    ``repeated`` rows said the same as another, ``shared`` had the time of another one, ``near`` stood closer to another than
    half a step (all of them rows with a value), ``disordered`` came after a later one.
    """

    grid: Grid
    repeated: int
    shared: int
    near: int
    disordered: int


def lay(rows: Sequence[Row], merge: str = "last", usual: tuple[float, int] = (0.0, 0)) -> Laid:
    """The rows that have a time, in order of time; of several at one place, what ``merge`` makes. ``usual`` is the step where
    they show none: seconds, or months. Raises :class:`UnreadableInput`."""
    timed = [row for row in rows if row.at == row.at]
    if not any(row.value == row.value for row in timed):
        raise UnreadableInput("none of its rows has a value that can be used")
    at = np.array([row.at for row in timed])
    order = np.argsort(at, kind="stable")
    disordered = int((np.diff(at) < 0).sum())
    at, wall, values = at[order], np.array([row.wall for row in timed])[order], np.array([row.value for row in timed])[order]
    wall = np.where(np.isfinite(wall), wall, at)
    again = _again(at, [(timed[int(k)].value, timed[int(k)].others) for k in order])
    again &= np.isfinite(values)
    values[again] = np.nan
    known = np.isfinite(values)
    step, by_wall, day = _step(at, wall)
    if at[0] == at[-1] and any(usual):
        alone = datetime(1970, 1, 1) + timedelta(seconds=float(wall[0]))
        step, by_wall, day = Step.of_months(usual[1]) if usual[1] else Step(usual[0]), True, alone.day
    if step.months:
        month = steps.months(wall)
        place: Ints = np.round((month - month[0]) / step.months).astype(np.int64)
    else:
        along = wall if by_wall else at
        exact = np.rint((along - along[0]) / step.seconds)
        if exact[-1] >= SPARSEST * len(exact):
            raise UnreadableInput(_sparse([timed[int(k)] for k in order], at, step, float(exact[-1])))
        place = exact.astype(np.int64)
    shared = int(known.sum()) - len(np.unique(at[known]))
    near = len(np.unique(at[known])) - len(np.unique(place[known]))
    offset = float(wall[-1] - at[-1])
    start = float(wall[0]) if by_wall or step.months else float(at[0] + offset)
    grid = Grid(start, step, _merged(place, values, merge), day, offset)
    return Laid(grid, int(again.sum()), shared, near, disordered)


def _again(at: Floats, rows: Sequence[object]) -> Bools:
    """Where a row has the time of one before it (times ascend), and says the same."""
    again = np.zeros(len(at), bool)
    seen: set[object] = set()
    for k, value in enumerate(rows):
        if k == 0 or at[k] != at[k - 1]:
            seen = set()
        again[k] = value in seen
        seen.add(value)
    return again


def _merged(place: Ints, values: Floats, merge: str) -> Floats:
    grid = np.full(int(place[-1]) + 1, np.nan)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(place)], strict=True):
        some = values[start:end]
        known = some[np.isfinite(some)]
        if len(known):
            grid[place[start]] = known[0] if len(known) == 1 else MERGES[merge](known)
    return grid


def step_of(at: Floats, wall: Floats) -> Step:
    """The usual step between rows, whatever their order."""
    known = np.isfinite(at) & np.isfinite(wall)
    order = np.argsort(at[known], kind="stable")
    return _step(at[known][order], wall[known][order])[0]


def _step(at: Floats, wall: Floats) -> tuple[Step, bool, int]:
    """The step, whether it is one of the wall's clock, and the day of the month."""
    once = np.concatenate([[True], np.diff(at) > 0]) if len(at) else np.zeros(0, bool)
    monthly = steps.calendar(wall[once])
    if monthly is not None:
        return Step.of_months(monthly[0]), True, monthly[1]
    seconds = spacing(wall)
    if seconds >= DAY_S and seconds % DAY_S == 0:
        return Step(seconds), True, 1
    return Step(spacing(at)), False, 1


def _sparse(rows: Sequence[Row], at: Floats, step: Step, last: float) -> str:
    gap = int(np.argmax(np.diff(at)))
    lonely = gap if gap + 1 < len(at) / 2 else gap + 1
    return (
        f"the rows are {step} apart, but would fill only {len(at) / (last + 1):.2g} of the time they span; "
        f"line {rows[lonely].line} stands far from the others: is its time right?"
    )


def spacing(at: Floats) -> float:
    """The usual distance between neighbours of ``at``, seconds; steps that are not forward (or NaN) do not count."""
    apart = np.diff(at)
    apart = apart[apart > 0]
    if not len(apart):
        return ALONE_S
    usual, exact = float(np.median(apart)), 4 * float(np.spacing(np.nanmax(np.abs(at))))
    return next((near for digits in (0, 3, 6) if (near := round(usual, digits)) and abs(near - usual) <= exact), usual)


def uneven(at: Floats, step: float) -> int:
    """How many rows do not come one ``step``, give or take half of it, after the row before them."""
    return int((~(np.abs(np.diff(at) - step) <= 0.5 * step)).sum())
