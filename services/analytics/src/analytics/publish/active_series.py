"""Series that were active lately, whose silence is published. Pure; instants are epoch ms.

A counter's series that was active within :data:`ACTIVE_MS` is in every closed one-second window, with count 0 where nothing
happened: silence is data too. So is a KPI that has a value of nothing.

Bounds: series of one metric, tenant and set of labels, and in all. *Refuse new*, until one was quiet for :data:`QUIET_MS`; in
all, the tenant with the most loses one (``refused``). The silence of a refused series is not published, and where a window has
more series than may be published it is in ``other``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from analytics.publish.aggregates import PublishedLabels, is_other, names_of
from analytics.rollup.windows import GRACE_MS, Window

ACTIVE_MS = 300_000
QUIET_MS = 60_000
"""A series without observations for this long is replaced by a new one where all places are taken."""

SECOND_MS = 1_000

HasSilence = Callable[[str, str], bool]
"""Whether a second in which nothing happened has a number: asked with tenant and metric."""


class _Seen(NamedTuple):
    first: int
    last: int


_Groups = dict[tuple[str, ...], dict[PublishedLabels, _Seen]]
"""Series by their set of labels, those that were seen longest ago first."""


class _Tenant:
    def __init__(self) -> None:
        self.metrics: dict[str, _Groups] = {}
        self.count = 0


class ActiveSeries:
    """``most`` series of one metric, tenant and set of labels, and ``most_in_all``.

    ``since``: the instant from which on seconds are closed here.
    """

    def __init__(self, since: int, *, most: int, most_in_all: int, has_silence: HasSilence) -> None:
        self._most = most
        self._most_in_all = most_in_all
        self._has_silence = has_silence
        self._closed_until = since // SECOND_MS * SECOND_MS
        self._tenants: dict[str, _Tenant] = {}
        self.refused = 0

    @property
    def count(self) -> int:
        return sum(tenant.count for tenant in self._tenants.values())

    def note(self, tenant: str, metric: str, labels: Iterable[PublishedLabels], first: int, last: int) -> None:
        """These series had something in the one-second windows at ``first`` and ``last``."""
        known_tenant = self._tenants.setdefault(tenant, _Tenant())
        groups = known_tenant.metrics.setdefault(metric, {})
        for published in labels:
            series = groups.setdefault(names_of(published), {})
            known = series.pop(published, None)
            if known is None:
                if not self._has_room(known_tenant, series, published, last):
                    self.refused += 1
                    continue
                known_tenant.count += 1
                known = _Seen(first, last)
            series[published] = _Seen(min(known.first, first), max(known.last, last))

    def has(self, tenant: str, metric: str, published: PublishedLabels) -> bool:
        """Whether this series has a place."""
        return published in self._groups(tenant, metric).get(names_of(published), {})

    def knows(self, tenant: str) -> bool:
        """Whether any series of ``tenant`` has a place."""
        return tenant in self._tenants

    def silent_in(self, window: Window) -> frozenset[PublishedLabels]:
        """The series to show in a window where nothing was counted of them."""
        if window.resolution != "1s" or not self._has_silence(window.tenant, window.metric):
            return frozenset()
        return frozenset(
            published
            for series in self._groups(window.tenant, window.metric).values()
            for published, seen in series.items()
            if seen.first <= window.start <= seen.last + ACTIVE_MS
        )

    def close_seconds(self, over: int) -> Iterator[Window]:
        """The seconds whose grace is over since the last call, of every metric that has something to say of them, be it
        nothing."""
        last = (over - GRACE_MS["1s"]) // SECOND_MS * SECOND_MS
        if self._closed_until >= last:
            return
        for name, tenant in list(self._tenants.items()):
            for metric, groups in list(tenant.metrics.items()):
                seen = self._forget_silent(tenant, groups)
                if not seen:
                    del tenant.metrics[metric]
                elif self._has_silence(name, metric):
                    begin = max(self._closed_until, min(first for first, _ in seen))
                    end = min(last, max(latest for _, latest in seen) + ACTIVE_MS + SECOND_MS)
                    for start in range(begin, end, SECOND_MS):
                        yield Window("1s", name, metric, start)
            if not tenant.metrics:
                del self._tenants[name]
        self._closed_until = last

    def closed_since(self, since: int, wanted: Callable[[str, str], bool]) -> Iterator[Window]:
        """The seconds from ``since`` on that are closed already, of metrics of which ``wanted`` says so: somebody else closed
        them, or did not get to it."""
        for name, tenant in self._tenants.items():
            for metric, groups in tenant.metrics.items():
                if not wanted(name, metric) or not self._has_silence(name, metric):
                    continue
                firsts = [seen.first for series in groups.values() for seen in series.values()]
                begin = max(since // SECOND_MS * SECOND_MS, min(firsts, default=self._closed_until))
                for start in range(begin, self._closed_until, SECOND_MS):
                    yield Window("1s", name, metric, start)

    def keep(self, wanted: Callable[[str, str], bool]) -> None:
        """Forgets the series of all metrics but those of which ``wanted`` says so, asked with tenant and metric."""
        for name, tenant in list(self._tenants.items()):
            for metric in [metric for metric in tenant.metrics if not wanted(name, metric)]:
                tenant.count -= sum(map(len, tenant.metrics.pop(metric).values()))
            if not tenant.metrics:
                del self._tenants[name]

    def _groups(self, tenant: str, metric: str) -> _Groups:
        known = self._tenants.get(tenant)
        return {} if known is None else known.metrics.get(metric, {})

    def _has_room(self, tenant: _Tenant, series: dict[PublishedLabels, _Seen], published: PublishedLabels, at: int) -> bool:
        """Whether ``published`` may be one of the ``series`` of ``tenant``; perhaps in the place of another one."""
        if len(series) >= self._most and not is_other(published):
            oldest = next(iter(series))
            if series[oldest].last > at - QUIET_MS:
                return False
            del series[oldest]
            tenant.count -= 1
        elif self.count >= self._most_in_all:
            largest_tenant = max(self._tenants.values(), key=lambda known: known.count)
            if largest_tenant.count <= tenant.count:
                return False
            largest = max((group for groups in largest_tenant.metrics.values() for group in groups.values()), key=len)
            del largest[next(iter(largest))]
            largest_tenant.count -= 1
        return True

    def _forget_silent(self, tenant: _Tenant, groups: _Groups) -> list[_Seen]:
        """Forgets the series that were silent for too long; returns when the others were seen."""
        before = self._closed_until - ACTIVE_MS
        for names, series in list(groups.items()):
            gone = [published for published, seen in series.items() if seen.last < before]
            if len(gone) == len(series):
                del groups[names]
            else:
                for published in gone:
                    del series[published]
            tenant.count -= len(gone)
        return [seen for series in groups.values() for seen in series.values()]
