"""What the minutes of an hour say together, for ranges of many hours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from analytics.spans.bottlenecks import Bottlenecks
from analytics.spans.queues import Queues
from analytics.spans.service_map import ServiceMap
from analytics.traces.minute_sums import BOTTLENECKS, MAP, MOST_EDGES, MOST_QUEUES, QUEUES

Counted = tuple[int, bytes]
"""Sums of a minute, encoded; one in so many traces is in them."""


def map_of(minutes: Iterable[Counted]) -> ServiceMap:
    """One map of all ``minutes``; that of a sample of one in n traces counts n times."""
    whole = ServiceMap()
    for one_in, sums in minutes:
        whole.merge(ServiceMap.decode(sums).scaled(one_in))
    return whole


def bottlenecks_of(minutes: Iterable[Counted]) -> Bottlenecks:
    """One sum of all ``minutes``; that of a sample of one in n traces counts n times."""
    whole = Bottlenecks()
    for one_in, sums in minutes:
        whole.merge(Bottlenecks.decode(sums).scaled(one_in))
    return whole


def queues_of(minutes: Iterable[Counted]) -> Queues:
    """The queues of all ``minutes``; those of a sample of one in n traces count n times."""
    whole = Queues()
    for one_in, sums in minutes:
        whole.merge(Queues.decode(sums).scaled(one_in))
    return whole


def _encoded_map(minutes: Iterable[Counted]) -> bytes:
    return map_of(minutes).bounded(MOST_EDGES)[0].encode()


def _encoded_bottlenecks(minutes: Iterable[Counted]) -> bytes:
    return bottlenecks_of(minutes).bounded()[0].encode()


def _encoded_queues(minutes: Iterable[Counted]) -> bytes:
    return queues_of(minutes).bounded(MOST_QUEUES).encode()


HOURLY: Mapping[str, Callable[[Iterable[Counted]], bytes]] = {
    MAP: _encoded_map,
    BOTTLENECKS: _encoded_bottlenecks,
    QUEUES: _encoded_queues,
}
"""The sums of an hour from those of its minutes, by their kind: of those kinds that long ranges are asked of."""
