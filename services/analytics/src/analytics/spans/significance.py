"""Whether a property is over-represented among some of many: exact and corrected for how many properties were tried. Pure.

A property splits all into those that have it and those that do not; some of all are *bad*. The tests are one-sided: only more
bad ones than by chance count.

* :func:`fisher`: the exact test of R. A. Fisher (The Design of Experiments, 1935) of a two by two table.
* :func:`corrected`: the step-up procedure of Y. Benjamini and Y. Hochberg (Controlling the False Discovery Rate, 1995). Where
  no property matters, the probability that any is below ``q`` is at most ``q``; the tests may be positively dependent.
* :func:`within`: the test of N. Mantel and W. Haenszel (1959), for the same question inside of groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


def fisher(bad_with: Sequence[int] | Counts, having: Sequence[int] | Counts, bad: int, total: int) -> Numbers:
    """For each property the probability that, of ``having`` who have it, at least ``bad_with`` are bad by chance, where ``bad``
    of ``total`` are."""
    pairs, place = np.unique(np.column_stack((having, bad_with)).reshape(-1, 2), axis=0, return_inverse=True)
    logs = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, total + 1)))))  # of factorials
    tails = np.empty(len(pairs))
    last, tail, low = -1, np.empty(0), 0
    for number, (k, a) in enumerate(pairs.tolist()):
        if k != last:
            last, low = k, max(0, k - (total - bad))
            x = np.arange(low, min(k, bad) + 1)
            log_p = _choose(logs, bad, x) + _choose(logs, total - bad, k - x) - _choose(logs, total, np.array(k))
            tail = np.cumsum(np.exp(log_p)[::-1])[::-1]
        tails[number] = min(1.0, tail[max(a, low) - low])
    found: Numbers = tails[place.reshape(-1)]
    return found


def corrected(p_values: Numbers) -> Numbers:
    """The least rate of false discoveries at which each of ``p_values`` counts."""
    count = len(p_values)
    if not count:
        return p_values
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * count / np.arange(1, count + 1)
    found = np.empty(count)
    found[order] = np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1])
    return found


def within(having: Mask, bad: Mask, groups: NDArray[Any]) -> float:
    """The probability that ``having`` has as many bad ones inside of the ``groups`` as it has, where it does not matter there.
    Without continuity correction; 1 where no group can tell."""
    seen = expected = variance = 0.0
    for group in np.unique(groups):
        inside = groups == group
        n = int(inside.sum())
        if n < 2:
            continue
        k, b = int((having & inside).sum()), int((bad & inside).sum())
        seen += int((having & bad & inside).sum())
        expected += k * b / n
        variance += k * b * (n - k) * (n - b) / (n * n * (n - 1))
    if variance <= 0:
        return 1.0
    return 0.5 * math.erfc((seen - expected) / math.sqrt(2 * variance))


def _choose(logs: Numbers, n: int, k: Counts) -> Numbers:
    found: Numbers = logs[n] - logs[k] - logs[n - k]
    return found
