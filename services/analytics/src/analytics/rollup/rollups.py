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

Which series there are is decided before (:mod:`.admission`); here, they are their ids.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from analytics.rollup.admission import Admitted
from analytics.rollup.cells import Cell, merge_groups
from analytics.rollup.windows import RESOLUTIONS, Window, start_of

MAX_BYTES = 160_000_000
"""Of cells kept here: of 50,000 series by the minute and the hour, and some seconds; beyond, the windows longest unused are
read from the table when needed."""

_CELL_BYTES, _HISTOGRAM_BYTES, _BUCKET_BYTES = 250, 280, 4
"""Of a cell with its place in the window and its numbers, of a histogram besides its buckets, and of a bucket."""

QUIET_TURNS = {"1s": 1, "1m": 2, "1h": 12}
"""How many calls of :meth:`Rollups.forget_quiet` a window of each resolution stays that nothing changes. A second is over soon;
an hour is changed again by every export."""


class Row(Struct, frozen=True, gc=False):
    """One row of the table: the cell of one series in one window, by this writer; ``new`` where it is not there yet."""

    window: Window
    series: int
    cell: Cell
    new: bool = False


class RollupPlan(Struct):
    """The rows that a batch will leave behind."""

    rows: list[Row]

    def windows(self) -> list[Window]:
        return list(dict.fromkeys(row.window for row in self.rows))


Cells = dict[int, Cell]
"""By series."""

Parts = dict[int, list[Cell]]
"""What is added to each series, in the order in which it came."""


def size_of(cell: Cell) -> int:
    """About as many bytes as ``cell`` takes."""
    size = _CELL_BYTES if cell.sketch is None else _CELL_BYTES + len(cell.sketch)
    return size if cell.histogram is None else size + _HISTOGRAM_BYTES + _BUCKET_BYTES * len(cell.histogram.keys)


class Rollups:
    """The cells of one writer."""

    def __init__(self, *, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._windows: OrderedDict[Window, Cells] = OrderedDict()
        self._size = 0
        self._turn = 0
        self._used: dict[Window, int] = {}
        self._evicted_until = dict.fromkeys(RESOLUTIONS, -1)

    @property
    def size(self) -> int:
        """About as many bytes as its cells take."""
        return self._size

    def unknown(self, deltas: Mapping[Window, Parts]) -> list[Window]:
        """Windows of ``deltas`` whose rows this writer may have in the table and not here."""
        return [w for w in deltas if w not in self._windows and w.start <= self._evicted_until[w.resolution]]

    def restore(self, windows: Iterable[Window], rows: Iterable[Row]) -> None:
        """Takes what the table has of ``windows``, which were unknown."""
        for window in windows:
            self._windows[window] = {}
        for row in rows:
            self._windows[row.window][row.series] = row.cell
            self._size += size_of(row.cell)

    def release(self, windows: Iterable[Window]) -> None:
        """Forgets restored ``windows``: whatever is planned for them goes to the table and is unknown here again."""
        for window in windows:
            self._size -= sum(map(size_of, self._windows.pop(window, {}).values()))

    def plan(self, deltas: Mapping[Window, Parts]) -> RollupPlan:
        """The rows after ``deltas``."""
        places: list[tuple[Window, int, bool]] = []
        groups: list[list[Cell]] = []
        for window, added in deltas.items():
            known = self._windows.get(window, {})
            for series, parts in added.items():
                old = known.get(series)
                places.append((window, series, old is None))
                groups.append(parts if old is None else [old, *parts])
        merged = merge_groups(groups)
        return RollupPlan([Row(window, series, cell, new) for (window, series, new), cell in zip(places, merged, strict=True)])

    def commit(self, plan: RollupPlan) -> None:
        """The database has ``plan``: remember it, and forget what was longest unused, seconds before all others."""
        for row in plan.rows:
            cells = self._windows.get(row.window)
            if cells is None and row.window.start <= self._evicted_until[row.window.resolution]:
                continue  # released: what else the table has of it is not here
            if cells is None:
                cells = self._windows[row.window] = {}
            old = cells.get(row.series)
            self._size += size_of(row.cell) - (0 if old is None else size_of(old))
            cells[row.series] = row.cell
        for window in plan.windows():
            if window in self._windows:
                self._windows.move_to_end(window)
                self._used[window] = self._turn
        seconds = iter(
            [window for window in self._windows if window.resolution == "1s"] if self._size > self._max_bytes else ()
        )
        while self._size > self._max_bytes and len(self._windows) > 1:
            self._evict(next(seconds, None) or next(iter(self._windows)))

    def forget_quiet(self) -> None:
        """Forgets the windows that no batch has changed for :data:`QUIET_TURNS`. Not between a plan and its commit."""
        self._turn += 1
        used, turn = self._used, self._turn
        for window in [window for window in self._windows if turn - used.get(window, 0) > QUIET_TURNS[window.resolution]]:
            self._evict(window)

    def _evict(self, window: Window) -> None:
        self._size -= sum(map(size_of, self._windows.pop(window).values()))
        self._used.pop(window, None)
        self._evicted_until[window.resolution] = max(self._evicted_until[window.resolution], window.start)


def deltas(cells: Iterable[Admitted], kept_from: Mapping[str, int]) -> dict[Window, Parts]:
    """What a batch adds, window by window at every resolution. Windows older than ``kept_from`` are left out."""
    seconds: dict[tuple[str, str, int], Parts] = {}
    for (tenant, metric, _, second), series, cell in cells:
        place = (tenant, metric, second)
        found = seconds.get(place)
        if found is None:
            found = seconds[place] = {}
        parts = found.get(series)
        if parts is None:
            found[series] = [cell]
        else:
            parts.append(cell)
    changes: dict[Window, Parts] = {}
    for resolution in RESOLUTIONS:
        earliest = kept_from[resolution]
        for (tenant, metric, second), found in seconds.items():
            start = start_of(second * 1000, resolution)
            if start < earliest:
                continue
            window = Window(resolution, tenant, metric, start)
            known = changes.get(window)
            if known is None:
                changes[window] = {series: parts.copy() for series, parts in found.items()}
                continue
            for series, parts in found.items():
                if series in known:
                    known[series] += parts
                else:
                    known[series] = parts.copy()
    return changes
