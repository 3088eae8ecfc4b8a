"""Gauges that are a multiple of their usual. Pure.

What the gauges of most services have in common follows from more requests, and speaks against none."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from analytics.spans.root_cause.evidence import GAUGE, Evidence
from analytics.spans.root_cause.sums import Sums
from analytics.spans.root_cause.usual import Usual

FACTOR = 2.0
"""A gauge is high from twice its usual on."""

BUSY = 0.8
"""The share of services that are usually less busy than a busy one."""

MIN_ERRORS = 3.0
"""Standard deviations from minute to minute that may be an accident."""

WANDER = 0.3
"""Natural logarithm: how far a healthy gauge wanders from minute to minute, where nothing else is known."""

KNOWN_MINUTES = 4
"""Measured minutes that weigh as much as :data:`WANDER`."""

SAMPLE_CALLS = 10
"""One sample (of a minute) weighs as much as ten calls."""

_OF_MACHINES = ("system.", "k8s.node.", "host.")
"""What is measured of a machine is not the doing of one service."""


def high_gauges(window: Sums, usual: Usual) -> Iterator[Evidence]:
    """Evidence of the gauge of each service that is highest above its usual: several gauges of one load say the same."""
    found = {gauge: values for gauge, values in usual.gauges().items() if is_load(gauge[1])}
    typical = {
        name: each[int(BUSY * (len(each) - 1))]
        for name, each in _by_name((name, statistics.median(values)) for (_, name), values in found.items()).items()
    }
    gains = {}
    for gauge, values in found.items():
        if (now := window.gauges.get(gauge)) is not None:
            floor = typical[gauge[1]]
            levels = [_log(value, floor) for value in values]
            gains[gauge] = _log(now.mean, floor) - statistics.median(levels), _wander(levels)
    common = {
        name: [0.0, *each][len(each) // 2]
        for name, each in _by_name((name, max(0.0, gain)) for (_, name), (gain, _) in gains.items()).items()
    }
    highest: dict[str, Evidence] = {}
    for (service, name), (gain, wander) in gains.items():
        now = window.gauges[service, name]
        own = gain - common[name]
        if own > max(math.log(FACTOR), MIN_ERRORS * wander):
            words = f"{name} {now.mean:.3g} instead of {statistics.median(found[service, name]):.3g}"
            evidence = Evidence(service, "", GAUGE, now.samples * own * SAMPLE_CALLS, words)
            if service not in highest or evidence.weight > highest[service].weight:
                highest[service] = evidence
    yield from highest.values()


def _by_name(values: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    """Those of all services by name of the gauge, the lowest first."""
    found: dict[str, list[float]] = {}
    for name, value in sorted(values):
        found.setdefault(name, []).append(value)
    return found


def _log(value: float, typical: float) -> float:
    """The logarithm of a value. What a busy service has is added, so that the flutter of an idle one is small."""
    return math.log(max(value, 0.0) + max(typical, 0.0) or 1.0)


def _wander(levels: Sequence[float]) -> float:
    """How far levels are from their median from minute to minute, by those below it: earlier trouble is above. Little known, it
    is taken to be :data:`WANDER`."""
    middle = statistics.median(levels)
    below = [(level - middle) ** 2 for level in levels if level <= middle]
    return math.sqrt((KNOWN_MINUTES * WANDER**2 + sum(below)) / (KNOWN_MINUTES + len(below)))


def is_load(name: str) -> bool:
    """Whether a gauge says how busy its process is: what a service does with its own processor is its own doing, while its
    memory, traffic and latency follow from what others do."""
    name = name.lower().replace("_", ".").replace("-", ".")  # as OTLP has it, or as the token of a metric
    return "cpu" in name and not name.startswith(_OF_MACHINES)
