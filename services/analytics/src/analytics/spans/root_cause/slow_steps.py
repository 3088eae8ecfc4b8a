"""Steps that take longer than usual. Pure.

The own time of a span speaks against its service. A gap speaks against the callee, except for what all callees of that caller
have in common: who is slow towards everybody is slow itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from analytics.spans.root_cause.evidence import GAP, SLOW, Evidence, short
from analytics.spans.root_cause.steps import Step
from analytics.spans.root_cause.sums import StepSum, Sums
from analytics.spans.root_cause.usual import MIN_VARIANCE, Usual

MIN_ERRORS = 3.0
"""Standard errors (with the drift) above the usual mean that may be an accident."""

MIN_CALLS = 3
"""Fewer calls, now or before, say nothing."""


class _Slow(NamedTuple):
    """``gain`` is the logarithm of how many times slower one call is, without what may be an accident."""

    calls: int
    gain: float
    usual_ms: float
    ms: float


def slow_steps(window: Sums, usual: Usual) -> Iterator[Evidence]:
    """Evidence of every step that is slower in the window than it was."""
    slow = {step: found for step in window.steps if (found := _slower(step, window, usual)) is not None}
    common = _common_excess(window.steps, slow)
    for (service, callee, operation), (calls, gain, usual_ms, ms) in slow.items():
        weight = calls * gain
        said = f"{_ms(ms)} instead of {_ms(usual_ms)} in {calls} calls"
        if not callee:
            yield Evidence(service, operation, SLOW, weight, f"own time of {short(operation)} {said}")
            continue
        share = min(1.0, common[service] / (ms - usual_ms))
        if share > 0:
            words = f"calls to every other service wait, {callee} {short(operation)} {said}"
            yield Evidence(service, "", GAP, weight * share, words)
        if share < 1:
            words = f"{service} waits for {short(operation)} {said}, beyond its own time there"
            yield Evidence(callee, operation, GAP, weight * (1 - share), words)


def _slower(step: Step, window: Sums, usual: Usual) -> _Slow | None:
    now, known = window.steps[step], usual.step(step)
    if known is None or now.calls < MIN_CALLS or known.total.calls < MIN_CALLS:
        return None
    before = known.total
    gain = now.log / now.calls - before.log / before.calls
    ms, usual_ms = now.ms / now.calls, before.ms / before.calls
    mean = now.log / now.calls
    error = max(now.log2 / now.calls - mean * mean, MIN_VARIANCE) / now.calls
    accident = MIN_ERRORS * math.sqrt(error + known.variance / before.calls + known.drift)
    return _Slow(now.calls, gain - accident, usual_ms, ms) if ms > usual_ms and gain > accident else None


def _common_excess(steps: Mapping[Step, StepSum], slow: Mapping[Step, _Slow]) -> dict[str, float]:
    """By caller, the milliseconds that calls to its typical callee take longer: the lower median over its callees and an
    imaginary healthy one, so that a single slow callee is never common."""
    towards: dict[str, dict[str, list[float]]] = {}
    for step, found in steps.items():
        service, callee, _ = step
        if callee:
            excess = slow[step].ms - slow[step].usual_ms if step in slow else 0.0
            sums = towards.setdefault(service, {}).setdefault(callee, [0, 0.0])
            sums[0] += found.calls
            sums[1] += found.calls * excess
    common = {}
    for service, callees in towards.items():
        means = sorted([0.0, *(total / calls for calls, total in callees.values())])
        common[service] = means[(len(means) - 1) // 2]
    return common


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
