"""What is usual: quiet minutes together, and how far apart they are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analytics.spans.root_cause.steps import Step
from analytics.spans.root_cause.sums import Sums

DRIFT = 0.25
"""Natural logarithm: how far a healthy mean duration wanders from minute to minute, where nothing else is known."""

KNOWN_MINUTES = 4
"""Measured minutes that weigh as much as :data:`DRIFT`."""

MIN_CALLS = 2
"""Calls of a step that a minute must have for its mean to count."""

MIN_VARIANCE = 0.05
"""Of the logarithm: a step that always took the same so far is not surprising for taking a little longer."""

LEAD_IN = 2
"""Minutes right before a trouble that do not count as usual: mostly it began before anybody noticed."""

ENOUGH = 6
"""Minutes with traces that must be left for that."""


def quiet(minutes: Mapping[int, Sums], begin: int) -> list[Sums]:
    """Which of ``minutes`` (sums by the minute since 1970) say what was usual before the minute ``begin``."""
    early = [sums for minute, sums in minutes.items() if minute < begin - LEAD_IN]
    if sum(sums.traces > 0 for sums in early) >= ENOUGH:
        return early
    return [sums for minute, sums in minutes.items() if minute < begin]


class Usual:
    """``total`` is the sum of all minutes given; see :meth:`drift` for what else they say."""

    def __init__(self, minutes: Iterable[Sums]) -> None:
        self.total = Sums()
        self._means: dict[Step, list[tuple[int, float]]] = {}
        for minute in minutes:
            self.total.merge(minute)
            for step, found in minute.steps.items():
                if found.calls >= MIN_CALLS:
                    self._means.setdefault(step, []).append((found.calls, found.log / found.calls))

    def variance(self, step: Step) -> float:
        """Of the logarithm of one call."""
        found = self.total.steps[step]
        mean = found.log / found.calls
        return max(found.log2 / found.calls - mean * mean, MIN_VARIANCE)

    def drift(self, step: Step) -> float:
        """Variance of the mean logarithm of a step between minutes, beyond what chance makes of so few calls: the estimator of
        the method of moments of a one-way analysis of variance, shrunk towards :data:`DRIFT`."""
        means = self._means.get(step, ())
        if len(means) < 2:
            return DRIFT**2
        calls = sum(count for count, _ in means)
        centre = sum(count * mean for count, mean in means) / calls
        between = sum(count * (mean - centre) ** 2 for count, mean in means)
        chance = (len(means) - 1) * self.variance(step)
        measured = max(0.0, between - chance) / (calls - sum(count * count for count, _ in means) / calls)
        known = len(means) - 1
        return (KNOWN_MINUTES * DRIFT**2 + known * measured) / (KNOWN_MINUTES + known)
