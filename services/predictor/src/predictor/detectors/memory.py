"""What the stream detector remembers: some forty numbers a series, and five tables. Pure.

Values are kept relative to the series' first one, so that a large constant costs no precision. The numbers are float64 since
some are summed for ever, the tables float32. A series takes :data:`BYTES` bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.series.ring import Floats, Ints, grown

HOURS = 192
"""Eight days of hours: last week's same hour is among them while this one lasts."""

STATISTICS = 7
"""See :mod:`.statistics`."""

PERIODS, WINDOW = 7, 4
QUARTERS = PERIODS * WINDOW
"""See :mod:`.reference`: seven periods, each of four quarters."""


@dataclass(slots=True)
class Numbers:
    """Views of the numbers of some series: one element a series, those that are learnt alike as rows of one array."""

    seen: Floats
    """Observations."""
    first_at: Floats
    call_at: Floats
    """Time of the newest call, with a value or without; ``seen_at``: of the newest observation."""
    seen_at: Floats
    spacing: Floats
    """Seconds between calls, learnt."""
    missed: Floats
    """Share of the calls of late that had no value."""
    longest: Floats
    """Most values in a row that were missing and came again."""
    origin: Floats
    """The first value. Values and levels below are relative to it."""
    previous: Floats
    rose: Floats
    """How often the value rose, and fell."""
    fell: Floats
    levels: Floats
    """Means of the last few, of fifty and of ten observations, and that around which the last ten scatter."""
    variance: Floats
    """Of those ten."""
    distances: Floats
    """Mean square distance from the same hour of yesterday, and of last week; below 0: not known."""
    compared: Floats
    """Observations for which yesterday or last week was known."""
    quarters: Floats
    """Quarters of a period that are over, and when the one that lasts began."""
    quarter_at: Floats
    offsets: Floats
    """How far the series is above yesterday, and above last week."""
    errors: Floats
    """How far the three forecasts usually err: level, yesterday, last week."""
    sizes: Floats
    """Usual size of a surprise, of a step."""
    band: Floats
    """95 % of the surprises are smaller, in units of their size."""
    hour: Floats
    """Hour (since 1970) of the newest observation, and how many came in it."""
    hour_rows: Floats
    roughness: Floats
    """Usual step of the last dozen observations."""
    quiet: Floats
    """Calls until another alarm may be reported; and until a stronger one may."""
    quieter: Floats
    fatigue: Floats
    """Alarms of late, fading."""
    loudest: Floats
    """Strongest evidence since the newest alarm."""
    since: Floats
    """Observations since the newest alarm, while it is not known whether it is over; 0: it is."""
    anchor: Floats
    """Level before that alarm, how far the value was from it, and how many observations stayed away."""
    jump: Floats
    away: Floats
    usual_step: Floats
    """Usual size of a step before that alarm."""
    silent: Floats
    """1 while a silence that was reported lasts."""


COUNTS = {"levels": 4, "distances": 2, "offsets": 2, "errors": 3, "sizes": 2}
"""Fields of more than one number."""

BEGINS = {"distances": -1.0}
"""Those that do not begin at zero."""


def _places() -> tuple[list[int | slice], Floats]:
    """Where each field lies in the block, and what the block begins with."""
    places: list[int | slice] = []
    begin: list[float] = []
    for name in (field.name for field in fields(Numbers)):
        count = COUNTS.get(name, 1)
        places.append(len(begin) if count == 1 else slice(len(begin), len(begin) + count))
        begin += [BEGINS.get(name, 0.0)] * count
    return places, np.array(begin)


PLACES, BEGINNING = _places()
COLUMNS = len(BEGINNING)


def views(block: Floats) -> Numbers:
    """The numbers in ``block`` [number, series], by name."""
    return Numbers(*[block[place] for place in PLACES])


TABLES: dict[str, tuple[int, ...]] = {
    "hours": (HOURS,),
    "tops": (STATISTICS, QUARTERS),
    "bottoms": (STATISTICS, QUARTERS),
    "reach": (2, 2, STATISTICS),
    "measure": (5, STATISTICS),
}
BYTES = 8 * COLUMNS + 4 * sum(math.prod(shape) for shape in TABLES.values())

EMPTY = {
    "hours": np.float32(np.nan),
    "tops": np.float32(-np.inf),
    "bottoms": np.float32(np.inf),
    "reach": np.array([[[-np.inf]], [[np.inf]]], np.float32),
    "measure": np.float32(0.0),
}
"""What stands for nothing: no mean, and extremes that any value surpasses."""

Table = NDArray[np.float32]


class Memory:
    """``numbers`` [field, row]; tables [row, …]: ``hours``, the means of the newest hours (NaN: none); the largest and the
    smallest value of every statistic in each quarter (``tops``, ``bottoms``), in the one that lasts and ever (``reach``:
    side by span); and the ``measure`` made of them."""

    def __init__(self) -> None:
        self._rows = 0
        self.numbers: Floats = np.zeros((COLUMNS, 0))
        self.tables: dict[str, Table] = {name: np.zeros((0, *shape), np.float32) for name, shape in TABLES.items()}

    def reserve(self, rows: int) -> None:
        """Makes room for ``rows`` rows; never less."""
        if rows <= self._rows:
            return
        self.numbers = grown(self.numbers, rows, axis=1)
        self.tables = {name: grown(table, rows) for name, table in self.tables.items()}
        self.clear(np.arange(self._rows, rows))
        self._rows = rows

    def clear(self, rows: Ints) -> None:
        """Forgets ``rows``."""
        self.numbers[:, rows] = BEGINNING[:, None]
        for name, table in self.tables.items():
            table[rows] = EMPTY[name]

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        """Copies; the row is the last axis of ``numbers`` and the first of the tables."""
        return {"numbers": self.numbers[:, :rows].copy(), **{name: table[:rows].copy() for name, table in self.tables.items()}}

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        """The inverse. Raises ``KeyError`` or ``ValueError`` where ``state`` does not fit."""
        shapes = {"numbers": (COLUMNS, rows), **{name: (rows, *shape) for name, shape in TABLES.items()}}
        for name, shape in shapes.items():
            if state[name].shape != shape:
                raise ValueError(f"{name} has the shape {state[name].shape}, not {shape}")
        self.reserve(rows)
        self.numbers[:, :rows] = state["numbers"]
        for name, table in self.tables.items():
            table[:rows] = state[name]
