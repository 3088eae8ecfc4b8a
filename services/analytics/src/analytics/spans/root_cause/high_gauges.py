"""Gauges that are a multiple of their usual. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from analytics.spans.root_cause.evidence import GAUGE, Evidence
from analytics.spans.root_cause.sums import GaugeSum, Sums

FACTOR = 2.0
"""A gauge is high from twice its usual on."""

SAMPLE_CALLS = 10
"""One sample (of a minute) weighs as much as ten calls."""

MIN_SAMPLES = 3
"""Fewer before the window say nothing about what is usual."""


def high_gauges(window: Sums, baseline: Sums) -> Iterator[Evidence]:
    """Evidence of gauges whose mean is high. The typical use of all services is added on both sides, so that the flutter of an
    idle one is small."""
    usual: dict[str, dict[str, GaugeSum]] = {}
    for (service, name), found in baseline.gauges.items():
        if is_load(name):
            usual.setdefault(name, {})[service] = found
    for name, services in usual.items():
        typical = statistics.median(found.mean for found in services.values())
        for service, before in services.items():
            now = window.gauges.get((service, name))
            if (
                now is None
                or before.samples < MIN_SAMPLES
                or min(now.mean, before.mean, typical) < 0
                or typical + before.mean == 0
            ):
                continue
            gain = math.log((now.mean + typical) / (before.mean + typical))
            if gain > math.log(FACTOR):
                words = f"{name} {_number(now.mean)} instead of {_number(before.mean)}"
                yield Evidence(service, "", GAUGE, now.samples * gain * SAMPLE_CALLS, words)


def is_load(name: str) -> bool:
    """Whether a gauge says how busy its process is: what a service does with its own processor is its own doing, while its
    memory, traffic and latency follow from what others do."""
    return "cpu" in name.lower()


def _number(value: float) -> str:
    return f"{value:.3g}"
