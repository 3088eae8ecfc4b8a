"""What to publish when. Pure; instants are epoch ms.

A window is published whenever it changed, open (not final) while it may still grow and final once it is over. What changes
after that is published again at once, final again, with a higher revision. A counter's series that was active within
:data:`ACTIVE_MS` is in every closed one-second window, with count 0 where nothing happened: silence is data too.

Tenants are served round robin, each for as many rows of rollups as the others, so that a tenant with much to publish delays
only itself. An open window of many series is published less often than one of few.

Bounds (:class:`ScheduleLimits`), each with its policy and its counter:

- active series of one metric, tenant and set of labels, and in all: *refuse new*, until one was quiet for :data:`QUIET_MS`;
  in all, the tenant with the most loses one (``refused_series``). The silence of a refused series is not published, and where a
  window has more series than may be published it is in ``other``;
- windows that wait, of one tenant and in all: *drop oldest* (``dropped_windows``). They are stored, and answers have them; they
  are not published. In all, the tenant with the most loses its oldest.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from sys import intern
from typing import NamedTuple

from analytics.publish.aggregates import PublishedLabels, is_other, names_of
from analytics.rollup.windows import GRACE_MS, RESOLUTIONS, Window, closed
from drishti.measures.built_in import FED
from drishti.measures.definitions import Kind
from drishti.measures.effective import MetricsOf

ACTIVE_MS = 300_000
QUIET_MS = 60_000
"""A series without observations for this long is replaced by a new one where all places are taken."""

REFRESH_MS = 30_000
"""Open windows of minutes and hours are published again after this long without a change: the bus forgets revisions of open
windows after a minute, and a reader that starts then needs the numbers of the current hour."""

STALE_MS = 900_000
"""Windows that ended longer ago come after all others of their tenant: no dashboard shows them any more."""

REMEMBERED = 10_000
SECOND_MS = 1_000

TURN_ROWS = 1_000
"""Rows of rollups that one tenant's windows may have before the next tenant's turn."""

ROW_MS = 1
MOST_MS = 10_000
"""An open window is published again after one millisecond for each of its rows, and after :data:`MOST_MS` at most."""


class ScheduleLimits(NamedTuple):
    """``series`` that are active, of one metric, tenant and set of labels, and ``all_series``; ``windows`` of one tenant that
    wait to be published, and ``all_windows``."""

    series: int = 500
    all_series: int = 20_000
    windows: int = 20_000
    all_windows: int = 60_000


class Due(NamedTuple):
    """One publication. ``silent`` are the series to show with count 0 where they have no row."""

    window: Window
    final: bool
    silent: frozenset[PublishedLabels] = frozenset()


class _Seen(NamedTuple):
    first: int
    last: int


class _Open(NamedTuple):
    """An open window that is published: when, and how many rows it had."""

    at: int
    rows: int


class _Tenant:
    """``changed`` windows wait, with the turn of :meth:`Schedule.note` since which they do."""

    def __init__(self) -> None:
        self.changed: dict[Window, int] = {}
        self.open: dict[Window, _Open] = {}
        self.rows: dict[tuple[str, str], int] = {}
        self.active: dict[str, dict[tuple[str, ...], dict[PublishedLabels, _Seen]]] = {}
        self.active_series = 0

    @property
    def empty(self) -> bool:
        return not (self.changed or self.open or self.active)


class Schedule:
    """The publisher's memory. ``since`` is the instant from which on one-second windows are closed here."""

    def __init__(self, since: int, limits: ScheduleLimits | None = None, metrics_of: MetricsOf = lambda _tenant: FED) -> None:
        self._metrics_of = metrics_of
        self._limits = limits or ScheduleLimits()
        self._closed_until = since // SECOND_MS * SECOND_MS
        self._tenants: dict[str, _Tenant] = {}
        self._revisions: OrderedDict[Window, int] = OrderedDict()
        self._turn = 0
        self._first = 0
        self.refused_series = 0
        self.dropped_windows = 0

    @property
    def active_series(self) -> int:
        return sum(tenant.active_series for tenant in self._tenants.values())

    @property
    def waiting(self) -> int:
        """Windows that changed and are not published."""
        return sum(len(tenant.changed) for tenant in self._tenants.values())

    def note(self, windows: Iterable[Window]) -> int:
        """These windows changed. Returns the number of this turn; see :meth:`published_until`."""
        self._turn += 1
        touched = set()
        for window in windows:
            self._change(window)
            touched.add(window.tenant)
        for name in touched:
            if len(self._tenants[name].changed) > self._limits.windows:
                self._drop_oldest(self._tenants[name], self._limits.windows)
        if (waiting := self.waiting) > self._limits.all_windows:
            self._level(waiting - self._limits.all_windows)
        return self._turn

    def published_until(self) -> int:
        """The number of the last turn of which nothing waits any more, nor of any before it."""
        return min((min(t.changed.values()) for t in self._tenants.values() if t.changed), default=self._turn + 1) - 1

    def note_active(self, tenant: str, metric: str, labels: Iterable[PublishedLabels], first: int, last: int) -> None:
        """These series had something in the one-second windows at ``first`` and ``last``."""
        memory = self._tenant(tenant)
        groups = memory.active.setdefault(metric, {})
        for published in labels:
            series = groups.setdefault(names_of(published), {})
            known = series.pop(published, None)
            if known is None:
                if not self._has_room(memory, series, published, last):
                    self.refused_series += 1
                    continue
                memory.active_series += 1
                known = _Seen(first, last)
            series[published] = _Seen(min(known.first, first), max(known.last, last))

    def is_active(self, tenant: str, metric: str, published: PublishedLabels) -> bool:
        """Whether this series has a place among the active ones."""
        known = self._tenants.get(tenant)
        return known is not None and published in known.active.get(metric, {}).get(names_of(published), {})

    def due(self, now: int, stored_until: int, *, rows: int | None = None) -> list[Due]:
        """What is to be published at ``now``: tenants in turn; of each what people see first, then in order of resolution and
        time. Until :meth:`published` it stays due. With ``rows``: windows with about that many rows together, at most."""
        over = min(now, stored_until)
        for tenant in self._tenants.values():
            for window, published in tenant.open.items():
                if closed(window, over) or (window.resolution != "1s" and published.at <= now - REFRESH_MS):
                    tenant.changed.setdefault(window, self._turn)
        self._close_seconds(over)
        due = []
        for window, cost in self._in_turn(now, over):
            final = closed(window, over)
            due.append(Due(window, final, self._silent(window) if final else frozenset()))
            if rows is not None and (rows := rows - cost) <= 0:
                break
        return due

    def expected_rows(self, window: Window) -> int:
        """How many rows the last window of this metric and resolution had; many where none is known."""
        tenant = self._tenants.get(window.tenant)
        return TURN_ROWS if tenant is None else max(1, tenant.rows.get((window.metric, window.resolution), TURN_ROWS))

    def revision(self, window: Window, now: int) -> int:
        """The number of the next revision: the clock's, and always more than the last."""
        return max(now, self._revisions.get(window, 0) + 1)

    def published(self, due: Due, revision: int, now: int, *, rows: int = 0) -> None:
        """The bus has it, or never will. ``rows``: of rollups in this window."""
        window = due.window
        tenant = self._tenant(window.tenant)
        tenant.changed.pop(window, None)
        tenant.rows[window.metric, window.resolution] = rows
        if due.final:
            tenant.open.pop(window, None)
        else:
            tenant.open[window] = _Open(now, rows)
        self._revisions[window] = revision
        self._revisions.move_to_end(window)
        if len(self._revisions) > REMEMBERED:
            self._revisions.popitem(last=False)

    def _tenant(self, name: str) -> _Tenant:
        known = self._tenants.get(name)
        if known is None:
            known = self._tenants[name] = _Tenant()
        return known

    def _change(self, window: Window) -> None:
        """Remembers one window, by texts that are in memory once and not once for each window."""
        resolution = RESOLUTIONS[RESOLUTIONS.index(window.resolution)]
        kept = Window(resolution, window.tenant, intern(window.metric), window.start)
        self._tenant(window.tenant).changed.setdefault(kept, self._turn)

    def _drop_oldest(self, tenant: _Tenant, keep: int) -> None:
        newest = sorted(tenant.changed, key=lambda window: window.end, reverse=True)[:keep]
        self.dropped_windows += len(tenant.changed) - len(newest)
        tenant.changed = {window: tenant.changed[window] for window in newest}

    def _level(self, excess: int) -> None:
        """Drops ``excess`` windows or some more, of the tenants that have most; of these all keep the same number."""
        most = sorted(self._tenants.values(), key=lambda tenant: len(tenant.changed), reverse=True)
        dropped = 0
        for number, tenant in enumerate(most, start=1):
            dropped += len(tenant.changed)
            share = max(0, dropped - excess) // number
            if number == len(most) or share >= len(most[number].changed):
                break
        for tenant in most[:number]:
            self._drop_oldest(tenant, share)

    def _has_room(self, tenant: _Tenant, series: dict[PublishedLabels, _Seen], published: PublishedLabels, at: int) -> bool:
        """Whether ``published`` may be one of the ``series`` of ``tenant``; perhaps in the place of another one."""
        if len(series) >= self._limits.series and not is_other(published):
            oldest = next(iter(series))
            if series[oldest].last > at - QUIET_MS:
                return False
            del series[oldest]
            tenant.active_series -= 1
        elif self.active_series >= self._limits.all_series:
            most = max(self._tenants.values(), key=lambda known: known.active_series)
            if most.active_series <= tenant.active_series:
                return False
            largest = max((group for groups in most.active.values() for group in groups.values()), key=len)
            del largest[next(iter(largest))]
            most.active_series -= 1
        return True

    def _in_turn(self, now: int, over: int) -> Iterator[tuple[Window, int]]:
        """Windows that are due with the rows that they probably have, tenants in turn. Each time another one is first."""
        queues = []
        for tenant in self._tenants.values():
            ready = [w for w in tenant.changed if closed(w, over) or not _too_early(tenant.open.get(w), now)]
            if ready:
                ready.sort(key=lambda w: (w.end < now - STALE_MS, w.end - w.start, w.start))
                queues.append(deque(ready))
        if not queues:
            return
        self._first += 1
        queues = queues[self._first % len(queues) :] + queues[: self._first % len(queues)]
        while queues:
            for queue in queues:
                left = TURN_ROWS
                while queue and left > 0:
                    window = queue.popleft()
                    cost = self.expected_rows(window)
                    left -= cost
                    yield window, cost
            queues = [queue for queue in queues if queue]

    def _close_seconds(self, over: int) -> None:
        """Seconds whose grace is over now: every active counter has something to say of them, be it nothing."""
        last = (over - GRACE_MS["1s"]) // SECOND_MS * SECOND_MS
        if self._closed_until >= last:
            return
        for name, tenant in list(self._tenants.items()):
            for metric, groups in list(tenant.active.items()):
                seen = self._still_active(tenant, groups)
                if not seen:
                    del tenant.active[metric]
                elif self._is_counter(name, metric):
                    begin = max(self._closed_until, min(first for first, _ in seen))
                    end = min(last, max(latest for _, latest in seen) + ACTIVE_MS + SECOND_MS)
                    for start in range(begin, end, SECOND_MS):
                        tenant.changed.setdefault(Window("1s", name, metric, start), self._turn)
            if tenant.empty:
                del self._tenants[name]
        self._closed_until = last

    def _still_active(self, tenant: _Tenant, groups: dict[tuple[str, ...], dict[PublishedLabels, _Seen]]) -> list[_Seen]:
        """Forgets the series that were silent for too long; returns when the others were seen."""
        before = self._closed_until - ACTIVE_MS
        for names, series in list(groups.items()):
            gone = [published for published, seen in series.items() if seen.last < before]
            if len(gone) == len(series):
                del groups[names]
            else:
                for published in gone:
                    del series[published]
            tenant.active_series -= len(gone)
        return [seen for series in groups.values() for seen in series.values()]

    def _is_counter(self, tenant: str, metric: str) -> bool:
        definition = self._metrics_of(tenant).get(metric)
        return definition is not None and definition.kind is Kind.COUNTER

    def _silent(self, window: Window) -> frozenset[PublishedLabels]:
        if window.resolution != "1s" or not self._is_counter(window.tenant, window.metric):
            return frozenset()
        tenant = self._tenants.get(window.tenant)
        groups = tenant.active.get(window.metric, {}) if tenant is not None else {}
        return frozenset(
            published
            for series in groups.values()
            for published, seen in series.items()
            if seen.first <= window.start <= seen.last + ACTIVE_MS
        )


def _too_early(published: _Open | None, now: int) -> bool:
    """Whether an open window was published too short a time ago for its size."""
    return published is not None and now < published.at + min(MOST_MS, published.rows * ROW_MS)
