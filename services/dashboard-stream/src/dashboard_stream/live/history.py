"""The recent past of one tenant, window by window, in bounded memory. Pure.

How this works
--------------
For each metric and resolution there is a :class:`Table`: a ring of window slots and, for each series, one column of numbers per
quantity that a dashboard needs. A window's slot follows from its start, so a late revision finds its place without a search. A
revision is the window whole: it replaces what was there, and a series that it does not name has no number there any more.

A table may be of some values of dimensions only (``where``). Of an aggregate it takes the series that have these dimensions and
those that are kept apart, and adds up those that differ in the former alone: what follows from the numbers of each. So all that
is below deals with one kind of table.

What is needed changes while dashboards are opened and metrics are defined. What is new is read from the bus again
(``missing``, a :class:`Missing` for each table): a table that is new altogether fills where it stands, one that is to hold more
than before is filled beside the one that serves meanwhile, and takes its place when :meth:`History.filled` says so.

Bounds: a ring keeps :data:`LENGTH` windows; a metric keeps at most :data:`MAX_LABELLED` series for one label. The overflow
policy is *refuse new*: known series go on, a new one is refused (``refused`` counts each time) until an old one has left the
ring. Windows that are older than the ring, or begin in the future (a producer's clock is wrong), are ignored (``ignored``).
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

import msgspec

from dashboard_stream.boards.readings import Labels
from drishti.dashboards.conditions import Where, all_hold
from drishti.events import RESOLUTION_MS, Aggregate, AggregateSeries

LENGTH = {"1s": 900, "1m": 180, "1h": 25}
"""Windows kept: 15 minutes of seconds, 3 hours of minutes, a day of hours and the running one."""

MAX_LABELLED = 16
"""Series of one metric and label. Analytics folds what is beyond a metric's own limit into ``other``; a screen shows fewer."""

AHEAD_MS = 5_000
"""How far a window may begin after our clock: machines differ a little."""

N = TypeVar("N", int, float)

NAN = math.nan
_NO_COLUMNS: Mapping[str, array[float]] = {}
_NUMBER_BYTES = 8


class TableKey(NamedTuple):
    """A metric at one resolution, of the values that ``where`` says."""

    metric: str
    resolution: str
    where: Where = ()


class Needs(NamedTuple):
    """What is kept of a metric at one resolution: the label sets (by name) and the quantities. ``count`` is always kept."""

    labels: frozenset[tuple[str, ...]]
    quantities: frozenset[str]

    def covers(self, other: Needs) -> bool:
        return self.labels >= other.labels and self.quantities >= other.quantities

    def bytes(self, resolution: str) -> int:
        """What a table of this takes at most, about: a column for each quantity and series."""
        series = sum(MAX_LABELLED if labels else 1 for labels in self.labels)
        return LENGTH[resolution] * _NUMBER_BYTES * len(self.quantities | {"count"}) * series


class Missing(NamedTuple):
    """The past of one table is to be read from the bus. ``number`` tells it from later ones of the same."""

    metric: str
    resolution: str
    number: int
    where: Where = ()

    @property
    def key(self) -> TableKey:
        return TableKey(self.metric, self.resolution, self.where)


class Table:
    """One metric at one resolution. ``newest`` is the start of the newest window in epoch ms, 0 before the first."""

    def __init__(self, resolution: str, needs: Needs, where: Where = ()) -> None:
        self.step = RESOLUTION_MS[resolution]
        self.length = LENGTH[resolution]
        self.newest = 0
        self.oldest = 0
        self.refused = 0
        self._labels = needs.labels
        self._where = where
        self._kept_of: dict[frozenset[str], list[tuple[str, ...]]] = {}
        """By the labels of an aggregate's series: those that are kept apart of it."""
        for labels in needs.labels if where else ():
            self._kept_of.setdefault(frozenset(labels).union(one.label for one in where), []).append(labels)
        self._quantities = tuple(sorted(needs.quantities | {"count"}))
        self._starts = array("q", [-1]) * self.length
        self._revisions = array("q", [-1]) * self.length
        self._columns: dict[Labels, dict[str, array[float]]] = {}
        self._last: dict[Labels, int] = {}

    def take(self, aggregate: Aggregate) -> list[Labels] | None:
        """The series whose number in this window changed; ``None`` where the window is older than the ring."""
        start = aggregate.window_start - aggregate.window_start % self.step
        if self.newest and start <= self.newest - self.length * self.step:
            return None
        slot = start // self.step % self.length
        if self._starts[slot] == start:
            if aggregate.revision <= self._revisions[slot]:
                return []
        else:
            self._open(slot, start)
        self._revisions[slot] = aggregate.revision
        changed = []
        named = set()
        full: set[tuple[str, ...]] = set()
        for series in self._chosen(aggregate.series) if self._where else aggregate.series:
            labels = tuple(sorted(series.labels.items()))
            names = tuple(label for label, _ in labels)
            if names not in self._labels:
                continue
            columns = self._columns.get(labels)
            if columns is None:
                columns = None if names in full else self._admit(labels)
                if columns is None:
                    full.add(names)
                    self.refused += 1
                    continue
            named.add(labels)
            self._last[labels] = max(start, self._last.get(labels, 0))
            if self._write(columns, slot, series):
                changed.append(labels)
        for labels, columns in self._columns.items():
            if labels not in named and columns["count"][slot] == columns["count"][slot]:
                for column in columns.values():
                    column[slot] = NAN
                changed.append(labels)
        return changed

    def _chosen(self, given: Iterable[AggregateSeries]) -> Iterable[AggregateSeries]:
        """The series that ``where`` means, by the labels that are kept apart."""
        chosen: dict[tuple[str, ...], dict[tuple[str, ...], AggregateSeries]] = {}
        for series in given:
            kept = self._kept_of.get(frozenset(series.labels))
            if kept is None or not all_hold(self._where, series.labels):
                continue
            for names in kept:
                values = tuple(series.labels[name] for name in names)
                known = chosen.setdefault(names, {}).get(values)
                if known is None:
                    chosen[names][values] = msgspec.structs.replace(series, labels=dict(zip(names, values, strict=True)))
                else:
                    _add(known, series)
        return [series for by_values in chosen.values() for series in by_values.values()]

    def labels(self) -> Iterator[Labels]:
        """The series that have a number in the ring, the total first."""
        floor = self.newest - self.length * self.step
        return (labels for labels in sorted(self._columns) if self._last[labels] > floor)

    def number(self, labels: Labels, quantity: str, start: int) -> float:
        """The number of the window at ``start``; NaN where there is none, or the quantity is not kept (yet)."""
        slot = start // self.step % self.length
        if self._starts[slot] != start or (columns := self._columns.get(labels)) is None:
            return NAN
        column = columns.get(quantity)
        return column[slot] if column is not None else NAN

    def total(self, labels: Labels, quantity: str, starts: Iterable[int]) -> float:
        """The numbers of the windows at ``starts`` added up; a window without one adds nothing."""
        column = self._columns.get(labels, _NO_COLUMNS).get(quantity)
        if column is None:
            return 0.0
        total = 0.0
        for start in starts:
            slot = start // self.step % self.length
            if self._starts[slot] == start and (number := column[slot]) == number:  # only NaN differs from itself
                total += number
        return total

    def starts(self, since: int) -> list[int]:
        """Starts of the windows in the ring that begin at ``since`` or later, in order."""
        floor = max(since, self.newest - (self.length - 1) * self.step)
        return sorted(start for start in self._starts if start >= floor)

    def _open(self, slot: int, start: int) -> None:
        self._starts[slot] = start
        self._revisions[slot] = -1
        for columns in self._columns.values():
            for column in columns.values():
                column[slot] = NAN
        self.newest = max(self.newest, start)
        self.oldest = min(self.oldest or start, start)

    def _write(self, columns: Mapping[str, array[float]], slot: int, series: AggregateSeries) -> bool:
        changed = False
        for quantity, column in columns.items():
            number = getattr(series, quantity)
            if number is None:
                number = 0.0 if quantity == "errors" else NAN
            before = column[slot]
            if before != number and not (before != before and number != number):
                column[slot] = number
                changed = True
        return changed

    def _admit(self, labels: Labels) -> dict[str, array[float]] | None:
        names = tuple(label for label, _ in labels)
        alike = [known for known in self._columns if tuple(label for label, _ in known) == names]
        if len(alike) >= MAX_LABELLED:
            floor = self.newest - self.length * self.step
            gone = [known for known in alike if self._last[known] <= floor]
            if not gone:
                return None
            for known in gone:
                del self._columns[known], self._last[known]
        columns = {quantity: array("d", [NAN]) * self.length for quantity in self._quantities}
        self._columns[labels] = columns
        return columns


class History:
    """All tables of one tenant. ``newest`` is the start of the newest second, the clock by which lines and means go."""

    def __init__(self, needs: Mapping[TableKey, Needs]) -> None:
        self._needs = dict(needs)
        self._tables = {key: Table(key.resolution, need, key.where) for key, need in needs.items()}
        self._filling: dict[TableKey, tuple[Missing, Needs, Table]] = {}
        self._keys: dict[tuple[str, str], list[TableKey]] = {}
        """The tables that an aggregate of a metric and resolution may go to."""
        for key in self._tables:
            self._keys.setdefault((key.metric, key.resolution), []).append(key)
        self._asked = 0
        self.newest = 0
        self.oldest = 0
        self.published_at = 0
        self.ignored = 0

    def require(self, needs: Mapping[TableKey, Needs]) -> list[Missing]:
        """Keeps what ``needs`` says from now on; returns whose past is to be read for that.

        What is kept already stays, also where it is more than is needed now.
        """
        self.release([key for key in self._tables if key not in needs])
        return self.require_more(needs)

    def release(self, keys: Iterable[TableKey]) -> None:
        """Keeps these no more."""
        for key in keys:
            for kept in (self._tables, self._needs, self._filling):
                kept.pop(key, None)
            others = self._keys[key.metric, key.resolution]
            others.remove(key)
            if not others:
                del self._keys[key.metric, key.resolution]

    def require_more(self, needs: Mapping[TableKey, Needs]) -> list[Missing]:
        """The same, beside what is kept."""
        missing = []
        for key, need in needs.items():
            kept = self._filling[key][1] if key in self._filling else self._needs.get(key)
            if kept is not None and kept.covers(need):
                continue
            self._asked += 1
            missing.append(asked := Missing(key.metric, key.resolution, self._asked, key.where))
            table = Table(key.resolution, need, key.where)
            if key in self._tables:
                self._filling[key] = asked, need, table
            else:
                self._tables[key], self._needs[key] = table, need
                self._keys.setdefault((key.metric, key.resolution), []).append(key)
        return missing

    def filled(self, missing: Missing) -> bool:
        """What was missing has been read; whether a table took the place of another by that."""
        key = missing.key
        filling = self._filling.get(key)
        if filling is None or filling[0] != missing:
            return False
        _, self._needs[key], self._tables[key] = self._filling.pop(key)
        return True

    def take(self, aggregate: Aggregate, now_ms: int) -> dict[TableKey, list[Labels]]:
        """Keeps one revision of one window; returns the series whose number changed, by table."""
        keys = self._keys.get((aggregate.metric, aggregate.resolution))
        if keys is None:
            return {}
        ahead = aggregate.window_start > now_ms + AHEAD_MS
        result: dict[TableKey, list[Labels]] = {}
        ignored = ahead
        for key in () if ahead else keys:
            table = self._tables[key]
            changed = table.take(aggregate)
            if self._filling and (filling := self._filling.get(key)) is not None:
                filling[2].take(aggregate)
            if changed is None:
                ignored = True
                continue
            if changed:
                result[key] = changed
            if aggregate.resolution == "1s":
                self.newest = max(self.newest, table.newest)
                self.oldest = min(self.oldest or table.oldest, table.oldest)
        self.published_at = max(self.published_at, aggregate.published_at)
        self.ignored += ignored
        return result

    def table(self, metric: str, resolution: str, where: Where = ()) -> Table:
        """Raises :class:`KeyError` for what no dashboard shows."""
        return self._tables[TableKey(metric, resolution, where)]

    @property
    def refused(self) -> int:
        return sum(table.refused for table in self._tables.values())


def merge(needs: Iterable[tuple[TableKey, Needs]]) -> dict[TableKey, Needs]:
    """All needs of the same table as one."""
    merged: dict[TableKey, Needs] = {}
    for key, need in needs:
        known = merged.get(key, Needs(frozenset(), frozenset()))
        merged[key] = Needs(known.labels | need.labels, known.quantities | need.quantities)
    return merged


def _add(to: AggregateSeries, more: AggregateSeries) -> None:
    """Adds what follows from the numbers of both; of percentiles and distinct ones nothing does."""
    to.count += more.count
    to.errors = _together(to.errors, more.errors, operator.add)
    to.sum = _together(to.sum, more.sum, operator.add)
    to.min = _together(to.min, more.min, min)
    to.max = _together(to.max, more.max, max)
    to.p50 = to.p95 = to.p99 = to.uniques = to.value = None


def _together(one: N | None, other: N | None, put: Callable[[N, N], N]) -> N | None:
    return other if one is None else one if other is None else put(one, other)
