"""Steps that take longer than usual. Pure.

The own time of a span speaks against its service. A gap speaks against the callee, except for what all callees of that caller
have in common, and for what the caller's own callers wait for it: who is slow towards everybody is slow itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from analytics.spans.root_cause.evidence import GAP, SLOW, Evidence, short
from analytics.spans.root_cause.steps import Step
from analytics.spans.root_cause.sums import Edge, StepSum, Sums
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
    of_caller = _of_caller(_excess(window.steps, slow))
    for (service, callee, operation), (calls, gain, usual_ms, ms) in slow.items():
        weight = calls * gain
        said = f"{_ms(ms)} instead of {_ms(usual_ms)} in {calls} calls"
        if not callee:
            yield Evidence(service, operation, SLOW, weight, f"own time of {short(operation)} {said}")
            continue
        share = min(1.0, of_caller[service, callee] / (ms - usual_ms))
        if share > 0:
            words = f"its calls to other services wait, {callee} {short(operation)} {said}"
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


def _excess(steps: Mapping[Step, StepSum], slow: Mapping[Step, _Slow]) -> dict[Edge, float]:
    """By caller and callee, how many milliseconds longer than usual a call takes."""
    sums: dict[Edge, tuple[int, float]] = {}
    for step, found in steps.items():
        service, callee, _ = step
        if callee:
            more = slow[step].ms - slow[step].usual_ms if step in slow else 0.0
            calls, total = sums.get((service, callee), (0, 0.0))
            sums[service, callee] = calls + found.calls, total + found.calls * more
    return {edge: total / calls for edge, (calls, total) in sums.items()}


def _as_caller(excess: Mapping[Edge, float]) -> dict[str, float]:
    """By caller, the milliseconds that calls to its typical callee take longer: the lower median over its callees and an
    imaginary healthy one, so that a single slow callee is never common."""
    towards: dict[str, list[float]] = {}
    for (caller, _), more in excess.items():
        towards.setdefault(caller, [0.0]).append(more)
    return {caller: _lower_median(values) for caller, values in towards.items()}


def _of_caller(excess: Mapping[Edge, float]) -> dict[Edge, float]:
    """Of each edge the milliseconds that its caller answers for: what is common to its callees, or what its own callers wait
    for it beyond theirs. A slow network before a service slows what it is asked as well as what it asks. That is no excuse for
    a callee that others wait for as long."""
    common = _as_caller(excess)
    asked: dict[str, dict[str, float]] = {}
    for (caller, callee), more in excess.items():
        asked.setdefault(callee, {})[caller] = max(0.0, more - common[caller])
    found = {}
    for (caller, callee), more in excess.items():
        others = [value for other, value in asked[callee].items() if other != caller]
        before = _lower_median(list(asked.get(caller, {}).values()))
        is_alone = not others or _lower_median(others) < more / 2
        found[caller, callee] = max(common[caller], before if is_alone else 0.0)
    return found


def _lower_median(values: Sequence[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2] if values else 0.0


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
