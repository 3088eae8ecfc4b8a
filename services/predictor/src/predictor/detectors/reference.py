"""What each statistic of a series usually reaches, and how far a value is beyond that. Pure.

How this works
--------------
A *period* is a day, or :data:`ROWS` observations where that is less. Of each statistic the largest and the smallest value of
the newest seven periods are known. What **at least half of them** reached is usual: ``high`` is the median of the largest
values, ``low`` that of the smallest (zero for a statistic that is a size). So what happens every day is usual however far out
it is, and one bad day changes nothing. A period begins anew every quarter of one, so that it hardly matters where it begins.

Beyond it, distance is logarithmic: ``ln((v - low) / (high - low))``. Some series keep their bounds and others do not: the
distance is divided by ``BASE + spread``, the mean distance of the periods' own largest (or smallest) values beyond.

A series that grew in every period is expected to go on by the least of what it grew.

Before :data:`KNOWN` quarters are over, what was reached so far is the measure. The quarter that lasts is no part of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from predictor.detectors.memory import QUARTERS, WINDOW, Memory, Numbers
from predictor.series.ring import Bools, Floats, Ints

ROWS = 288
"""A day of five minutes: what comes quicker than that has shorter periods, or nothing would be learnt for days."""

DAY_S = 86_400.0

LARGEST, SMALLEST = 0, 1
QUARTER, EVER = 0, 1
"""Sides and spans of what was reached."""

TWO_SIDED = np.array([False, False, False, True, True, True, False])
"""Of :data:`.statistics.NAMES`: those that can be too small."""

BASE = 1.0
SPREAD = 2.0
FURTHEST = 3.0
"""No more than e³ times as far counts, of a period or of an observation that has no measure."""

LEVELS = np.array([False, False, False, True, True, False, False])
"""Those that grow with the series."""

STEADY = 6
"""Overlapping windows that must exist before growth is believed: the newest is then compared with two others."""

KNOWN = STEADY + WINDOW - 1
"""Quarters after which medians are taken."""

Table = NDArray[np.float32]


def turn(memory: Memory, rows: Ints, at: Floats, now: Numbers) -> None:
    """Ends the quarter of those of ``rows`` in which ``at`` begins another, and measures them anew."""
    length = np.minimum(DAY_S, ROWS * now.spacing) / WINDOW
    over = (at - now.quarter_at >= length) & (now.seen > 0.0)
    if not over.any():
        return
    now.quarter_at[:] = np.where(over, at, now.quarter_at)
    ended = rows[over]
    place = now.quarters[over].astype(np.int64) % QUARTERS
    now.quarters += over
    reach = memory.tables["reach"]
    for side, table, none in ((LARGEST, "tops", -np.inf), (SMALLEST, "bottoms", np.inf)):
        memory.tables[table][ended, :, place] = reach[ended, side, QUARTER]
        reach[ended, side, QUARTER] = none
    measured = over & (now.quarters >= KNOWN)
    if measured.any():
        _measure(memory, rows[measured], now.quarters[measured].astype(np.int64))


def beyond(memory: Memory, rows: Ints, now: Numbers, values: Table) -> tuple[Floats, Floats, Table, Table]:
    """How far ``values`` (rows × statistics) are above and below the usual, in units of what is usual to be beyond; and the
    usual: how low and how high they go."""
    known = (now.quarters >= KNOWN)[:, None]
    measure, ever = memory.tables["measure"][rows], memory.tables["reach"][rows, :, EVER]
    high = np.where(known, measure[:, 0], ever[:, LARGEST])
    low = np.where(known, measure[:, 1], np.where(TWO_SIDED, ever[:, SMALLEST], 0.0))
    above = _distance(values > high, values - low, high - low, measure[:, 2])
    below = _distance((values < low) & TWO_SIDED, high - values, high - low, measure[:, 3])
    return above, below, low, high


def _distance(where: Bools, far: Table, width: Table, spread: Table) -> Floats:
    """``ln(far / width)`` over what is usual to be beyond, ``where`` something is; zero elsewhere."""
    distance = np.zeros(where.shape)
    if where.any():
        width = width[where]
        ratio = np.divide(far[where], width, out=np.full(len(width), np.inf, np.float32), where=width > 0.0)
        distance[where] = np.where(width > 0.0, np.log(ratio), FURTHEST) / (BASE + spread[where])
    return distance


def learn(memory: Memory, rows: Ints, values: Table) -> None:
    """Takes ``values`` into the quarter that lasts, and into the range so far."""
    reach = memory.tables["reach"]
    both = reach[rows]
    np.fmax(both[:, LARGEST], values[:, None], out=both[:, LARGEST])
    np.fmin(both[:, SMALLEST], values[:, None], out=both[:, SMALLEST])
    reach[rows] = both


def steady(memory: Memory, rows: Ints) -> Bools:
    """Whether the level of ``rows`` does not grow by itself."""
    flat: Bools = ~memory.tables["measure"][rows, 4].any(axis=1)
    return flat


def move(memory: Memory, rows: Ints, by: Floats) -> None:
    """The level of ``rows`` moved ``by`` for good, as the quarter that lasts has seen: so did what :data:`LEVELS` reach."""
    _move_past(memory, rows, by)
    # the range so far begins anew with the quarter that lasts
    reach = memory.tables["reach"]
    reach[rows, :, EVER] = np.where(LEVELS, reach[rows, :, QUARTER], reach[rows, :, EVER])


def move_unseen(memory: Memory, rows: Ints, by: Floats) -> None:
    """The same of a level that moved while nothing was learnt: the range so far, and of the quarter that lasts, moves along."""
    memory.tables["reach"][rows] += _move_past(memory, rows, by)[:, None, None, :]


def _move_past(memory: Memory, rows: Ints, by: Floats) -> Table:
    moved = np.where(LEVELS, by[:, None], 0.0).astype(np.float32)
    for table in ("tops", "bottoms"):
        memory.tables[table][rows] += moved[:, :, None]
    memory.tables["measure"][rows, :2] += moved[:, None, :]
    return moved


def _measure(memory: Memory, rows: Ints, quarters: Ints) -> None:
    """The measure of ``rows``, from their newest quarters (each has at least :data:`KNOWN`)."""
    held = np.minimum(quarters, QUARTERS)
    windows = held - WINDOW + 1
    order = (quarters[:, None] - held[:, None] + np.arange(QUARTERS)) % QUARTERS
    real = (np.arange(QUARTERS - WINDOW + 1) < windows[:, None])[:, None, :]
    largest = _windows(memory.tables["tops"][rows], order, np.maximum)
    smallest = _windows(memory.tables["bottoms"][rows], order, np.minimum)
    high = _median(np.where(real, largest, np.inf), windows)
    low = np.where(TWO_SIDED, _median(np.where(real, smallest, np.inf), windows), 0.0)
    flat = high <= low  # more than half of the periods are: all of them count
    high = np.where(flat, np.where(real, largest, -np.inf).max(axis=2), high)
    low = np.where(flat & TWO_SIDED, np.where(real, smallest, np.inf).min(axis=2), low)
    # medians lie half of the windows back, and the quarter that lasts is one more
    ahead = ((windows - 1) / 2.0 + 1.0)[:, None]
    grown = np.where(LEVELS, _growth(largest, smallest, windows) * ahead / WINDOW, 0.0).astype(np.float32)
    high, low = high + grown, low + grown
    width = (high - low)[:, :, None]
    with np.errstate(all="ignore"):
        up = np.log((largest - low[:, :, None]) / width)
        down = np.log((high[:, :, None] - smallest) / width)
    wide = real & (width > 0.0)
    share = SPREAD / windows[:, None]
    above = np.where(wide & (largest > high[:, :, None]), np.minimum(up, FURTHEST), 0.0).sum(axis=2) * share
    below = np.where(wide & (smallest < low[:, :, None]), np.minimum(down, FURTHEST), 0.0).sum(axis=2) * share
    memory.tables["measure"][rows] = np.stack([high, low, above, np.where(TWO_SIDED, below, 0.0), grown], axis=1)


def _growth(largest: Table, smallest: Table, windows: Ints) -> Table:
    """By how much a period is above the one before, at the least: zero unless every one is above, or every one below."""
    real = (np.arange(largest.shape[2] - WINDOW) < (windows - WINDOW)[:, None])[:, None, :]
    enough = (windows >= STEADY)[:, None]
    least = np.zeros(largest.shape[:2], np.float32)
    for sign in (1.0, -1.0):
        with np.errstate(invalid="ignore"):  # infinity stands for nothing
            apart = [sign * (table[:, :, WINDOW:] - table[:, :, :-WINDOW]) for table in (largest, smallest)]
        smaller = np.where(real, np.minimum(*apart), np.inf).min(axis=2)
        least = np.where(enough & (smaller > 0.0), sign * smaller, least)
    return least


def _windows(table: Table, order: Ints, extreme: np.ufunc) -> Table:
    """The extreme of every :data:`WINDOW` quarters in a row, oldest first (rows × statistics × windows)."""
    ordered = np.take_along_axis(table, order[:, None, :], axis=2)
    count = QUARTERS - WINDOW + 1
    extremes: Table = ordered[:, :, :count]
    for shift in range(1, WINDOW):
        extremes = extreme(extremes, ordered[:, :, shift : shift + count])
    return extremes


def _median(table: Table, count: Ints) -> Table:
    """Of the first ``count`` (rows) of the sorted last axis, in which infinity stands for nothing."""
    ordered = np.sort(table, axis=2)
    left, right = (count - 1) // 2, count // 2
    shape = (*table.shape[:2], 1)
    picked = [np.take_along_axis(ordered, np.broadcast_to(i[:, None, None], shape), axis=2) for i in (left, right)]
    middle: Table = 0.5 * (picked[0] + picked[1])[:, :, 0]
    return middle
