"""How surprising it is that something has become more frequent. Pure."""

from __future__ import annotations

import math

PRIOR = 0.5
"""Added to what was counted of either outcome (the prior of H. Jeffreys): what was never seen is rare, not impossible."""

_NEGLIGIBLE = 1e-6


def surprise(now: int, of: int, before: int, of_before: int) -> float:
    """Minus the natural logarithm of the probability that ``now`` or more of ``of`` are taken, where ``before`` of
    ``of_before`` were: the upper tail of the beta-binomial distribution. 0 where it is sure, and never negative."""
    a, b = before + PRIOR, of_before - before + PRIOR
    log_first = (
        math.lgamma(of + 1)
        - math.lgamma(now + 1)
        - math.lgamma(of - now + 1)
        + _log_beta(now + a, of - now + b)
        - _log_beta(a, b)
    )
    tail = term = 1.0
    for taken in range(now, of):
        term *= (of - taken) / (taken + 1) * (taken + a) / (of - taken - 1 + b)
        tail += term
        if term < _NEGLIGIBLE * tail:
            break
    return max(0.0, -log_first - math.log(tail))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
