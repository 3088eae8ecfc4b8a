"""Gauges that are a multiple of their usual. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping

from analytics.spans.root_cause.evidence import GAUGE, Evidence
from analytics.spans.root_cause.sums import Gauge, Sums
from analytics.spans.root_cause.usual import Usual

FACTOR = 2.0
"""A gauge is high from twice its usual on."""

SAMPLE_CALLS = 10
"""One sample (of a minute) weighs as much as ten calls."""

_OF_MACHINES = ("system.", "k8s.node.", "host.")
"""What is measured of a machine is not the doing of one service."""


def high_gauges(window: Sums, usual: Usual) -> Iterator[Evidence]:
    """Evidence of the gauge of each service that is highest above its usual: several gauges of one load say the same."""
    medians = usual.gauges()
    typical = _typical(medians)
    highest: dict[str, Evidence] = {}
    for (service, name), before in medians.items():
        now = window.gauges.get((service, name))
        if now is None or name not in typical:
            continue
        gain = _gain(now.mean, before, typical[name])
        if gain > math.log(FACTOR):
            words = f"{name} {now.mean:.3g} instead of {before:.3g}"
            found = Evidence(service, "", GAUGE, now.samples * gain * SAMPLE_CALLS, words)
            if service not in highest or found.weight > highest[service].weight:
                highest[service] = found
    yield from highest.values()


def _typical(medians: Mapping[Gauge, float]) -> dict[str, float]:
    """The median of all services by gauge of load."""
    values: dict[str, list[float]] = {}
    for (_, name), value in medians.items():
        if is_load(name):
            values.setdefault(name, []).append(value)
    return {name: statistics.median(found) for name, found in values.items()}


def _gain(now: float, before: float, typical: float) -> float:
    """How many times more than usual, as a logarithm. The typical use is added on both sides, so that the flutter of an idle
    service is small."""
    if min(now, before, typical) < 0 or before + typical == 0:
        return 0.0
    return math.log((now + typical) / (before + typical))


def is_load(name: str) -> bool:
    """Whether a gauge says how busy its process is: what a service does with its own processor is its own doing, while its
    memory, traffic and latency follow from what others do."""
    name = name.lower().replace("_", ".").replace("-", ".")  # as OTLP has it, or as the token of a metric
    return "cpu" in name and not name.startswith(_OF_MACHINES)
