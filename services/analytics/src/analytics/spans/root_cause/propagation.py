"""The way from the entry of requests to a service. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from analytics.spans.root_cause.sums import Edge, Sums


def edges(sums: Sums) -> dict[Edge, int]:
    """All calls, those of databases and others that send no spans among them."""
    found: dict[Edge, int] = {}
    for (service, callee, _), step in sums.steps.items():
        if callee:
            found[service, callee] = found.get((service, callee), 0) + step.calls
    return found | sums.calls


def path_to(service: str, calls: Mapping[Edge, int]) -> tuple[str, ...]:
    """The services from an entry to ``service`` along the most travelled calls: the path whose least travelled call is
    travelled most, and of equals the shortest. Only the service itself where no call leads to it."""
    callees: dict[str, dict[str, int]] = {}
    for (caller, callee), count in calls.items():
        callees.setdefault(caller, {})[callee] = count
    waiting: list[tuple[int, int, tuple[str, ...]]] = [(-(2**62), 0, ("",))]
    done = set()
    while waiting:
        width, length, path = heapq.heappop(waiting)
        here = path[-1]
        if here == service:
            return path[1:]
        if here in done:
            continue
        done.add(here)
        for callee, count in callees.get(here, {}).items():
            if callee not in done:
                heapq.heappush(waiting, (max(width, -count), length + 1, (*path, callee)))
    return (service,)
