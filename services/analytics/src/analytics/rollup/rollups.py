"""The rollups of this process: what it has counted in the windows it works on. Pure.

How this works
--------------
Every process is a **writer** with an id of its own, and its rows in the table belong to it alone; readers merge the rows of all
writers. So a writer never waits for another, and it can keep its own rows here and replace them instead of reading them first.

A batch goes through three steps. :meth:`Rollups.unknown` names the windows whose rows may be in the table and are not here
(they were evicted); the store reads and :meth:`Rollups.restore` takes them. :meth:`Rollups.plan` gives the rows as they will be
and changes nothing; of many restored windows it is asked part by part, and :meth:`Rollups.release` forgets each part
again, so that a batch which touches any number of old windows needs the memory of few. :meth:`Rollups.commit` is called when
the database has them. A writer whose commit failed, or whose commit may have failed, is thrown away with its id: what it has in
the table stays right and is never written again.

A metric has at most ``max_series`` series in a window; further ones are counted together under the label ``other``. A batch
that brings many new series at once leaves some of that room to those that bring few: a flood of names does not take the place
of the next name that means something.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from analytics.rollup.cells import Cell, merge, merge_all
from analytics.rollup.observations import Labels, Series
from analytics.rollup.windows import RESOLUTIONS, Window, start_of
from drishti.measures.definitions import OTHER

MAX_CELLS = 100_000
"""Cells kept here, some 30 MB of counters or 80 MB of distributions at most; beyond, the windows longest unused are read from
the table when needed."""


FEW = 8
"""New series that a batch may bring to a window and still use all of its room."""

RESERVE = 5
"""One in so many of a window's series is kept for batches that bring few."""

RESERVED_FROM = 50
"""A lower limit of series has no part that is kept."""


class Row(Struct, frozen=True, gc=False):
    """One row of the table: the cell of one series in one window, by this writer."""

    window: Window
    labels: Labels
    cell: Cell


class RollupPlan(Struct):
    """The rows that a batch will leave behind, and how many observations went to ``other``."""

    rows: list[Row]
    overflowed: int = 0

    def windows(self) -> list[Window]:
        return list(dict.fromkeys(row.window for row in self.rows))


Cells = dict[Labels, Cell]


class Rollups:
    """The cells of one writer."""

    def __init__(self, *, max_series: int, max_cells: int = MAX_CELLS, limit_of: Callable[[Window], int] | None = None) -> None:
        self._max_series = max_series
        self._limit_of = limit_of
        self._max_cells = max_cells
        self._windows: OrderedDict[Window, Cells] = OrderedDict()
        self._size = 0
        self._used: set[Window] = set()
        self._evicted_until = dict.fromkeys(RESOLUTIONS, -1)

    def unknown(self, deltas: Mapping[Window, Cells]) -> list[Window]:
        """Windows of ``deltas`` whose rows this writer may have in the table and not here."""
        return [w for w in deltas if w not in self._windows and w.start <= self._evicted_until[w.resolution]]

    def restore(self, windows: Iterable[Window], rows: Iterable[Row]) -> None:
        """Takes what the table has of ``windows``, which were unknown."""
        for window in windows:
            self._windows[window] = {}
        for row in rows:
            self._windows[row.window][row.labels] = row.cell
            self._size += 1

    def release(self, windows: Iterable[Window]) -> None:
        """Forgets restored ``windows``: whatever is planned for them goes to the table and is unknown here again."""
        for window in windows:
            self._size -= len(self._windows.pop(window, {}))

    def plan(self, deltas: Mapping[Window, Cells]) -> RollupPlan:
        """The rows after ``deltas``."""
        plan = RollupPlan([])
        for window, cells in deltas.items():
            known = self._windows.get(window, {})
            first = len(plan.rows)
            limit = self._max_series if self._limit_of is None else min(self._max_series, self._limit_of(window))
            room = limit - len(known)
            if limit >= RESERVED_FROM and len(cells) > FEW and sum(1 for labels in cells if labels not in known) > FEW:
                room -= limit // RESERVE
            rest: list[Cell] = []
            others: Labels = ()
            for labels, cell in cells.items():
                old = known.get(labels)
                if old is not None:
                    plan.rows.append(Row(window, labels, merge(old, cell)))
                elif room > 0 or not labels:
                    room -= 1
                    plan.rows.append(Row(window, labels, cell))
                else:
                    plan.overflowed += cell.count
                    rest.append(cell)
                    others = (OTHER,) * len(labels)
            if rest:
                self._add_rest(plan, first, window, others, known, merge_all(rest))
        return plan

    def commit(self, plan: RollupPlan) -> None:
        """The database has ``plan``: remember it, and forget what was longest unused."""
        for row in plan.rows:
            cells = self._windows.get(row.window)
            if cells is None and row.window.start <= self._evicted_until[row.window.resolution]:
                continue  # released: what else the table has of it is not here
            if cells is None:
                cells = self._windows[row.window] = {}
            if row.labels not in cells:
                self._size += 1
            cells[row.labels] = row.cell
        for window in plan.windows():
            if window in self._windows:
                self._windows.move_to_end(window)
                self._used.add(window)
        while self._size > self._max_cells and len(self._windows) > 1:
            self._evict(next(iter(self._windows)))

    def forget_quiet(self) -> None:
        """Forgets the windows that no batch has changed since the last call. Not between a plan and its commit."""
        for window in [window for window in self._windows if window not in self._used]:
            self._evict(window)
        self._used.clear()

    def _evict(self, window: Window) -> None:
        self._size -= len(self._windows.pop(window))
        self._used.discard(window)
        self._evicted_until[window.resolution] = max(self._evicted_until[window.resolution], window.start)

    def _add_rest(self, plan: RollupPlan, first: int, window: Window, others: Labels, known: Cells, rest: Cell) -> None:
        """Puts what had no room under ``other``, where the batch or an earlier one may have something already. The rows of
        ``window`` begin at ``first``."""
        for index in range(first, len(plan.rows)):
            row = plan.rows[index]
            if row.labels == others:
                plan.rows[index] = Row(window, others, merge(row.cell, rest))
                return
        old = known.get(others)
        plan.rows.append(Row(window, others, rest if old is None else merge(old, rest)))


def deltas(cells: Mapping[Series, Cell], kept_from: Mapping[str, int]) -> dict[Window, Cells]:
    """What a batch adds, window by window at every resolution. Windows older than ``kept_from`` are left out."""
    changes: dict[Window, dict[Labels, list[Cell]]] = {}
    for resolution in RESOLUTIONS:
        earliest = kept_from[resolution]
        for series, cell in cells.items():
            start = start_of(series.second * 1000, resolution)
            if start >= earliest:
                window = changes.setdefault(Window(resolution, series.tenant, series.metric, start), {})
                window.setdefault(series.labels, []).append(cell)
    return {window: {labels: merge_all(parts) for labels, parts in series.items()} for window, series in changes.items()}
