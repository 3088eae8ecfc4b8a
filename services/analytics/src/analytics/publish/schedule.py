"""What to publish when. Pure; instants are epoch ms.

A window is published when it changed: open (not final) while it may still grow, and final once it is over. What changes after
that is published again at once, final again, with a higher revision. Open windows have a cadence (:data:`CADENCE_MS`): after
one publication the next one waits, however often the window changes meanwhile. An open window of many series waits for longer.

Tenants are served round robin, each for as many rows of rollups as the others, so that a tenant with much to publish delays
only itself.

Bounds (:class:`ScheduleLimits`), each with its policy and its counter:

- active series: see :mod:`analytics.publish.active_series`;
- windows that wait, of one tenant and in all: *drop oldest* (``dropped_windows``). They are stored, and answers have them; they
  are not published. In all, the tenant with the most loses its oldest.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from sys import intern
from typing import NamedTuple

from analytics.publish.active_series import ActiveSeries, HasSilence
from analytics.publish.aggregates import PublishedLabels
from analytics.rollup.windows import RESOLUTIONS, Window, closed
from drishti.measures.built_in import FED
from drishti.measures.definitions import Kind

CADENCE_MS = {"1s": 0, "1m": 2_000, "1h": 5_000}
"""How long after its last publication an open window is published again. Seconds: with every round, which are at least
``ANALYTICS_PUBLISH_EVERY_S`` apart."""

ROW_MS = 1
MOST_MS = 10_000
"""An open window is published again after one millisecond for each of its rows, and after :data:`MOST_MS` for that reason."""

REFRESH_MS = 30_000
"""Open windows of minutes and hours are published again after this long without a change: the bus forgets revisions of open
windows after a minute, and a reader that starts then needs the numbers of the current hour."""

STALE_MS = 900_000
"""Windows that ended longer ago come after all others of their tenant: no dashboard shows them any more."""

REMEMBERED, REMEMBERED_MS = 10_000, 60_000
"""Revisions that are remembered, the last ones, and for how long: until the clock is ahead of them, however it was set back."""

TURN_ROWS = 1_000
"""Rows of rollups that one tenant's windows may have before the next tenant's turn."""


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


def _is_fed_counter(_tenant: str, metric: str) -> bool:
    return metric in FED and FED[metric].kind is Kind.COUNTER


class Schedule:
    """What one publisher remembers. ``since`` is the instant from which on one-second windows are closed here."""

    def __init__(self, since: int, limits: ScheduleLimits | None = None, has_silence: HasSilence = _is_fed_counter) -> None:
        self._limits = limits or ScheduleLimits()
        self._tenants: dict[str, _Tenant] = {}
        self._revisions: OrderedDict[Window, int] = OrderedDict()
        self._turn = 0
        self._first = 0
        self.active = ActiveSeries(
            since, most=self._limits.series, most_in_all=self._limits.all_series, has_silence=has_silence
        )
        self.dropped_windows = 0

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

    def due(self, now: int, stored_until: int, *, rows: int | None = None, ending: bool = False) -> list[Due]:
        """What is to be published at ``now``: tenants in turn; of each what people see first, then in order of resolution and
        time. Until :meth:`published` it stays due. With ``rows``: windows with about that many rows together, at most.
        ``ending``: whatever changed, as nobody is here for the next time."""
        over = min(now, stored_until)
        for tenant in self._tenants.values():
            for window, published in tenant.open.items():
                if closed(window, over) or (window.resolution != "1s" and published.at <= now - REFRESH_MS):
                    tenant.changed.setdefault(window, self._turn)
        for window in self.active.close_seconds(over):
            self._tenant(window.tenant).changed.setdefault(window, self._turn)
        self._forget_idle_tenants()
        due = []
        for window, cost in self._in_turn(now, over, ending=ending):
            final = closed(window, over)
            due.append(Due(window, final, self.active.silent_in(window) if final else frozenset()))
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
        while len(self._revisions) > REMEMBERED or next(iter(self._revisions.values())) <= now - REMEMBERED_MS:
            self._revisions.popitem(last=False)

    def keep(self, wanted: Callable[[str, str], bool]) -> None:
        """Forgets all metrics but those of which ``wanted`` says so, asked with tenant and metric: others publish them."""
        self.active.keep(wanted)
        for name, tenant in self._tenants.items():
            tenant.changed = {window: turn for window, turn in tenant.changed.items() if wanted(name, window.metric)}
            tenant.open = {window: known for window, known in tenant.open.items() if wanted(name, window.metric)}

    def _tenant(self, name: str) -> _Tenant:
        known = self._tenants.get(name)
        if known is None:
            known = self._tenants[name] = _Tenant()
        return known

    def _forget_idle_tenants(self) -> None:
        for name in [name for name, tenant in self._tenants.items() if not tenant.changed and not tenant.open]:
            if not self.active.knows(name):
                del self._tenants[name]

    def _change(self, window: Window) -> None:
        """Remembers one window, by texts that are in memory once and not once for each window."""
        resolution = RESOLUTIONS[RESOLUTIONS.index(window.resolution)]
        kept = Window(resolution, intern(window.tenant), intern(window.metric), window.start)
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

    def _in_turn(self, now: int, over: int, *, ending: bool) -> Iterator[tuple[Window, int]]:
        """Windows that are due with the rows that they probably have, tenants in turn. Each time another one is first."""
        queues = []
        for tenant in self._tenants.values():
            ready = [w for w in tenant.changed if ending or closed(w, over) or not _too_early(w, tenant.open.get(w), now)]
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


def _too_early(window: Window, published: _Open | None, now: int) -> bool:
    """Whether an open window was published too short a time ago for its resolution and its size."""
    if published is None:
        return False
    return now < published.at + max(CADENCE_MS[window.resolution], min(MOST_MS, published.rows * ROW_MS))
