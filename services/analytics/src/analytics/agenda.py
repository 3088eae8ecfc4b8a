"""What to publish when. Pure; instants are epoch ms.

A window is published whenever it changed, open (not final) while it may still grow and final once it is over. What changes
after that is published again at once, final again, with a higher revision. A counter's series that was active within
:data:`ACTIVE_MS` is in every closed one-second window, with count 0 where nothing happened: silence is data too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from analytics.aggregates import PublishedLabels
from analytics.windows import GRACE_MS, Window, closed
from drishti.metrics import METRICS, Kind

ACTIVE_MS = 300_000
REFRESH_MS = 30_000
"""Open windows of minutes and hours are published again after so long without a change: what the bus keeps of an open window
it forgets after a minute, and who starts then should find the numbers of the current hour."""

REMEMBERED = 50_000
SECOND_MS = 1_000


class Due(NamedTuple):
    """One publication. ``silent`` are the series to show with count 0 where they have no row."""

    window: Window
    final: bool
    silent: frozenset[PublishedLabels] = frozenset()


class Agenda:
    """The publisher's memory. ``since`` is the instant from which on one-second windows are closed here."""

    def __init__(self, since: int) -> None:
        self._closed_until = since // SECOND_MS * SECOND_MS
        self._changed: set[Window] = set()
        self._open: dict[Window, int] = {}
        self._revisions: OrderedDict[Window, int] = OrderedDict()
        self._active: dict[tuple[str, str], dict[PublishedLabels, tuple[int, int]]] = {}

    def note(self, windows: Iterable[Window]) -> None:
        """These windows changed."""
        self._changed.update(windows)

    def note_active(self, tenant: str, metric: str, labels: Iterable[PublishedLabels], first: int, last: int) -> None:
        """These series of a counter had something in the one-second windows at ``first`` and ``last``."""
        series = self._active.setdefault((tenant, metric), {})
        for published in labels:
            known = series.get(published, (first, last))
            series[published] = min(known[0], first), max(known[1], last)

    def due(self, now: int, stored_until: int) -> list[Due]:
        """What is to be published at ``now``, in order of resolution and time. Until :meth:`published` it stays due."""
        over = min(now, stored_until)
        for window, last in self._open.items():
            if closed(window, over) or (window.resolution != "1s" and last <= now - REFRESH_MS):
                self._changed.add(window)
        self._close_seconds(over)
        found = [Due(w, final, self._silent(w) if final else frozenset()) for w in self._changed for final in [closed(w, over)]]
        return sorted(found, key=lambda due: (due.window.end - due.window.start, due.window.start))

    def revision(self, window: Window, now: int) -> int:
        """The number of the next revision: the clock's, and always more than the last."""
        return max(now, self._revisions.get(window, 0) + 1)

    def published(self, due: Due, revision: int, now: int) -> None:
        """The bus has it."""
        window = due.window
        self._changed.discard(window)
        if due.final:
            self._open.pop(window, None)
        else:
            self._open[window] = now
        self._revisions[window] = revision
        self._revisions.move_to_end(window)
        if len(self._revisions) > REMEMBERED:
            self._revisions.popitem(last=False)

    def _close_seconds(self, over: int) -> None:
        """Seconds whose grace is over now: every active counter has something to say of them, be it nothing."""
        last = (over - GRACE_MS["1s"]) // SECOND_MS * SECOND_MS
        if self._closed_until >= last:
            return
        for (tenant, metric), series in list(self._active.items()):
            for published in [p for p, (_, seen) in series.items() if seen < self._closed_until - ACTIVE_MS]:
                del series[published]
            if not series:
                del self._active[tenant, metric]
                continue
            begin = max(self._closed_until, min(first for first, _ in series.values()))
            end = min(last, max(seen for _, seen in series.values()) + ACTIVE_MS + SECOND_MS)
            self._changed.update(Window("1s", tenant, metric, start) for start in range(begin, end, SECOND_MS))
        self._closed_until = last

    def _silent(self, window: Window) -> frozenset[PublishedLabels]:
        if window.resolution != "1s" or METRICS[window.metric].kind is not Kind.COUNTER:
            return frozenset()
        series = self._active.get((window.tenant, window.metric), {})
        return frozenset(p for p, (first, seen) in series.items() if first <= window.start <= seen + ACTIVE_MS)
