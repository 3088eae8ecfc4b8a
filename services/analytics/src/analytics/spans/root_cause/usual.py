"""What is usual: quiet minutes together, and how far apart they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from analytics.spans.root_cause.steps import Step
from analytics.spans.root_cause.sums import Sums

DRIFT = 0.2
"""Natural logarithm: how far a healthy mean duration wanders from minute to minute, where nothing else is known."""

KNOWN_MINUTES = 4
"""Measured minutes that weigh as much as :data:`DRIFT`."""

MIN_CALLS = 3
"""Calls of a step that a minute must have for its mean to count."""


class Usual:
    """``total`` is the sum of all minutes given; see :meth:`drift` for what else they say."""

    def __init__(self, minutes: Iterable[Sums]) -> None:
        self.total = Sums()
        self._groups: dict[Step, list[float]] = {}
        for minute in minutes:
            self.total.merge(minute)
            for step, found in minute.steps.items():
                if found.calls >= MIN_CALLS:
                    groups = self._groups.setdefault(step, [0, 0, 0.0, 0.0, 0.0, 0.0])
                    mean = found.log / found.calls
                    groups[0] += 1
                    groups[1] += found.calls
                    groups[2] += found.calls**2
                    groups[3] += found.calls * mean
                    groups[4] += found.calls * mean * mean
                    groups[5] += found.log2 - found.calls * mean * mean

    def drift(self, step: Step) -> float:
        """Variance of the mean logarithm of a step between minutes, beyond what chance makes of so few calls."""
        known = self._groups.get(step)
        if known is None or known[0] < 2:
            return DRIFT**2
        minutes, calls, squares, total, between, within = known
        chance = within / max(1.0, calls - minutes) * (minutes - 1)
        spread = between - total * total / calls
        measured = max(0.0, spread - chance) / (calls - squares / calls)
        return (KNOWN_MINUTES * DRIFT**2 + (minutes - 1) * measured) / (KNOWN_MINUTES + minutes - 1)
