"""What is usual: quiet minutes together, and how far apart they are. Pure.

See :mod:`.trimming` for minutes that were trouble themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from analytics.spans.root_cause.steps import Step
from analytics.spans.root_cause.sums import Gauge, GaugeSum, StepSum, Sums, merged
from analytics.spans.root_cause.transitions import Transition, by_origin
from analytics.spans.root_cause.trimming import Rate, usual_levels, usual_rate

DRIFT = 0.25
"""Natural logarithm: how far a healthy mean duration wanders from minute to minute, where nothing else is known."""

KNOWN_MINUTES = 4
"""Measured minutes that weigh as much as :data:`DRIFT`."""

MIN_CALLS = 2
"""Calls of a step that a minute must have for its mean to count."""

MIN_VARIANCE = 0.05
"""Of the logarithm: a step that always took the same so far is not surprising for taking a little longer."""

MIN_SAMPLES = 3
"""Fewer samples of a gauge say nothing about what is usual of it."""

MOST_TRIMMED = 0.6
"""A transition that is taken more often than this in all is no rarity in any half of the minutes."""

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


class UsualStep(NamedTuple):
    """One step in the minutes in which it was as usual. ``total`` is their sum; ``variance`` is that of the logarithm of one
    call, ``drift`` that of its mean from minute to minute."""

    total: StepSum
    variance: float
    drift: float


class Usual:
    """What is usual by the minutes given. ``total`` is the sum of all of them; what is said of one step, transition or gauge
    leaves out the minutes in which it was out of line."""

    def __init__(self, minutes: Iterable[Sums]) -> None:
        self.minutes = list(minutes)
        self.total = merged(self.minutes)
        self._steps: dict[Step, list[StepSum]] = {}
        self._gauges: dict[Gauge, list[GaugeSum]] = {}
        for minute in self.minutes:
            for step, found in minute.steps.items():
                self._steps.setdefault(step, []).append(found)
            for gauge, samples in minute.gauges.items():
                self._gauges.setdefault(gauge, []).append(samples)
        self._known: dict[Step, UsualStep] = {}
        self._origins = [by_origin(minute.transitions) for minute in self.minutes]
        self._passed = by_origin(self.total.transitions)

    def step(self, step: Step) -> UsualStep | None:
        """``None`` for one that was never taken."""
        known = self._known.get(step)
        if known is None and (minutes := self._steps.get(step)) is not None:
            known = self._known[step] = _usual_step(minutes)
        return known

    def transition(self, transition: Transition) -> Rate:
        """How often it was taken, and how often what comes before it was passed."""
        origin, _ = transition
        taken, passed = self.total.transitions.get(transition, 0), self._passed.get(origin, 0)
        if not taken or taken > MOST_TRIMMED * passed:
            return taken, passed
        return usual_rate(
            [
                (minute.transitions.get(transition, 0), origins[origin])
                for minute, origins in zip(self.minutes, self._origins, strict=True)
                if origin in origins
            ]
        )

    def gauges(self) -> dict[Gauge, list[float]]:
        """The means of the minutes, of those gauges that enough of them have."""
        return {
            gauge: [found.mean for found in minutes]
            for gauge, minutes in self._gauges.items()
            if sum(found.samples for found in minutes) >= MIN_SAMPLES
        }


def _usual_step(minutes: Sequence[StepSum]) -> UsualStep:
    within = _within(minutes)
    usual = usual_levels([(found.calls, found.log / found.calls) for found in minutes], within, DRIFT)
    kept = [found for found, is_usual in zip(minutes, usual, strict=True) if is_usual]
    total = StepSum()
    for found in kept:
        total.add(found)
    mean = total.log / total.calls
    variance = max(total.log2 / total.calls - mean * mean, MIN_VARIANCE)
    return UsualStep(total, variance, _drift(kept, variance))


def _within(minutes: Sequence[StepSum]) -> float:
    """The variance of one call inside of its minute."""
    free = sum(found.calls - 1 for found in minutes)
    squares = sum(found.log2 - found.log * found.log / found.calls for found in minutes)
    return max(squares / free if free else 0.0, MIN_VARIANCE)


def _drift(minutes: Sequence[StepSum], variance: float) -> float:
    """Variance of the mean logarithm of a step between minutes, beyond what chance makes of so few calls: the estimator of the
    method of moments of a one-way analysis of variance, shrunk towards :data:`DRIFT`."""
    means = [(found.calls, found.log / found.calls) for found in minutes if found.calls >= MIN_CALLS]
    if len(means) < 2:
        return DRIFT**2
    calls = sum(count for count, _ in means)
    centre = sum(count * mean for count, mean in means) / calls
    between = sum(count * (mean - centre) ** 2 for count, mean in means)
    chance = (len(means) - 1) * variance
    measured = max(0.0, between - chance) / (calls - sum(count * count for count, _ in means) / calls)
    known = len(means) - 1
    return (KNOWN_MINUTES * DRIFT**2 + known * measured) / (KNOWN_MINUTES + known)
