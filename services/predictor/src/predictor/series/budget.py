"""How many series one replica watches, and how they are shared between tenants and metrics. Pure.

While there is room, every series is admitted. When there is none, the room is shared max-min fairly: first between tenants,
then between the metrics of each. Whoever wants less than an equal share gets all of that, and what is left is shared equally
between the others; so a metric with a thousand series never takes the room of one with two. Of a metric that has more than its
share, the series that were admitted last are given up; the others stay, so that which ones are watched is the same from hour to
hour.

Wanted are the series that are watched and those that were refused lately, up to a limit for each metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

K = TypeVar("K")

Metric = tuple[str, str]
"""Tenant and metric."""

BUDGET = 50_000
"""Series of one replica, where nothing else is said."""

REMEMBERED_S = 60
"""A refused series that did not come again for so long, twice at most, is not wanted any more."""

MAX_METRICS = 10_000
"""Metrics of which refused series are remembered."""


class Held(Protocol):
    """Some series that are watched."""

    def __len__(self) -> int: ...
    def counts(self) -> Mapping[Metric, int]:
        """How many there are of each metric."""


class Budget:
    """``series`` in all, of the tables that ``held`` returns; ``most`` of each metric that are remembered as refused."""

    def __init__(self, series: int = BUDGET, *, most: int = 2_000, held: Callable[[], Iterable[Held]] = lambda: ()) -> None:
        self.series = series
        self.held = held
        self.most = most
        self._shares: dict[Metric, int] = {}
        """What each metric may have; empty while there is room for all."""
        self._refused: tuple[dict[Metric, set[int]], dict[Metric, set[int]]] = ({}, {})
        """The refused series of the present minute and of the one before."""
        self._turned_at = 0.0
        self.crowded = False
        """Whether series were refused lately."""

    def admits(self, metric: Metric, have: int) -> bool:
        """Whether there is room for one more series of ``metric``, which has ``have``."""
        share = self._shares.get(metric)
        return (share is None or have < share) and sum(map(len, self.held())) < self.series

    def admitted(self, metric: Metric, series: int) -> None:
        """Notes that a series, which may have been refused before, is watched."""
        for refused in self._refused:
            if metric in refused:
                refused[metric].discard(series)

    def refuse(self, metric: Metric, series: int) -> None:
        """Notes that there was no room for a series, which the number stands for."""
        self.crowded = True
        refused = self._refused[0]
        known = refused.get(metric)
        if known is None:
            if len(refused) >= MAX_METRICS:
                return
            known = refused[metric] = set()
        if len(known) < self.most:
            known.add(series)

    def unwatched(self) -> dict[Metric, int]:
        """How many series of each metric were refused lately."""
        now, before = self._refused
        counts = {metric: len(now.get(metric, set()) | before.get(metric, set())) for metric in {*now, *before}}
        return {metric: count for metric, count in counts.items() if count}

    def share_out(self, at: float) -> dict[Metric, int]:
        """Shares the room anew at second ``at``; returns how many series of which metrics are more than their share."""
        if at >= self._turned_at + REMEMBERED_S or at < self._turned_at:
            self._refused = ({}, self._refused[0])
            self._turned_at = at
        self.crowded = any(self._refused)
        have: dict[Metric, int] = {}
        for table in self.held():
            for metric, count in table.counts().items():
                have[metric] = have.get(metric, 0) + count
        wanted = dict(have)
        for metric, count in self.unwatched().items():
            wanted[metric] = min(wanted.get(metric, 0) + count, self.most)
        shares = shared(self.series, wanted)
        self._shares = shares if sum(wanted.values()) > self.series else {}
        return {metric: count - shares[metric] for metric, count in have.items() if count > shares[metric]}


def shared(room: int, wanted: Mapping[Metric, int]) -> dict[Metric, int]:
    """What each metric gets of ``room``: max-min fair between tenants, and between the metrics of each."""
    by_tenant: dict[str, dict[str, int]] = {}
    for (tenant, metric), count in wanted.items():
        by_tenant.setdefault(tenant, {})[metric] = count
    of_tenants = max_min(room, {tenant: sum(metrics.values()) for tenant, metrics in by_tenant.items()})
    return {
        (tenant, metric): share
        for tenant, metrics in by_tenant.items()
        for metric, share in max_min(of_tenants[tenant], metrics).items()
    }


def max_min(room: int, wanted: Mapping[K, int]) -> dict[K, int]:
    """Whoever wants least is served first, with an equal part of what is left at most; so nobody gets more while another, who
    gets less, wants more. What cannot be divided goes to those who want most."""
    shares: dict[K, int] = {}
    order = sorted(wanted, key=lambda one: (wanted[one], str(one)))
    for place, one in enumerate(order):
        shares[one] = min(wanted[one], room // (len(order) - place))
        room -= shares[one]
    return shares
