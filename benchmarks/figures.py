"""Arithmetic on measurements. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple


class Round(NamedTuple):
    """One pair of measurements, taken one right after the other."""

    ours: float
    reference: float

    @property
    def ratio(self) -> float:
        return self.ours / self.reference


class Compared(NamedTuple):
    """Medians of some rounds. The ratio is the median of the rounds' ratios, not the ratio of the medians."""

    ours: float
    reference: float
    ratio: float
    lowest: float
    highest: float


def compare(rounds: Sequence[Round]) -> Compared:
    ratios = [r.ratio for r in rounds]
    return Compared(
        median(r.ours for r in rounds), median(r.reference for r in rounds), median(ratios), min(ratios), max(ratios)
    )


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest of ``values`` that at least the share ``q`` of them does not exceed; ``values`` are sorted here."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)]


def delays(accepted: Iterable[tuple[float, int]], shown: Sequence[tuple[float, float]]) -> list[float]:
    """How long each event took from its acceptance to the first picture that counts it.

    ``accepted``: instants with how many events were accepted then, in order. ``shown``: instants with the total that a
    dashboard showed, in order; the total counts the same events and never falls. One value for each event; raises
    :class:`ValueError` when some event was never shown.
    """
    waits: list[float] = []
    total = 0
    at = 0
    for instant, count in accepted:
        for _ in range(count):
            total += 1
            while at < len(shown) and shown[at][1] < total:
                at += 1
            if at == len(shown):
                last = shown[-1][1] if shown else 0
                raise ValueError(f"event {total} was never shown, the last total is {last:g}")
            waits.append(max(0.0, shown[at][0] - instant))
    return waits
