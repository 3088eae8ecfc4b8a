"""Numbers as they are written: as short as possible, and long enough to be distinguished. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

MOST = 17
"""Digits that write every number exactly."""

FINE = 1000.0
"""What is written differs from what is meant by less than this part of the distance between the outermost numbers."""


def written(numbers: Sequence[float], least: int, beside: float = math.nan) -> list[str]:
    """Each of ``numbers`` with at least ``least`` digits, empty where it is not finite.

    They are a value and its band, of large numbers perhaps that differ in the last digits: in writing they are in the same
    order, and on the same side of ``beside`` (the observed value), as they are.
    """
    finite = [x for x in numbers if math.isfinite(x)]
    digits = least
    if finite:
        apart = max(finite) - min(finite)
        fine = apart / FINE if apart > rounding(max(finite)) else 0.0
        while digits < MOST and not _distinguishable(finite, digits, fine, beside):
            digits += 1
    return [f"{x:.{digits}g}" if math.isfinite(x) else "" for x in numbers]


def _distinguishable(numbers: list[float], digits: int, fine: float, beside: float) -> bool:
    said = [float(f"{x:.{digits}g}") for x in numbers]
    if fine > 0 and any(abs(x - y) > fine for x, y in zip(said, numbers, strict=True)):
        return False
    pairs = [(x, y) for x, y in zip(said, numbers, strict=True) if abs(y - beside) > rounding(y)]
    if any((x > beside, x < beside) != (y > beside, y < beside) for x, y in pairs):
        return False
    order = sorted(zip(numbers, said, strict=True))
    return all(said < after for (x, said), (y, after) in pairwise(order) if y - x > rounding(y))


def rounding(number: float) -> float:
    """A difference that says nothing: what computing leaves."""
    return 8 * math.ulp(number)


def enough(low: float, high: float, least: int = 6) -> int:
    """Digits by which numbers between ``low`` and ``high`` are distinguished to a thousandth of that range."""
    size, apart = max(abs(low), abs(high)), high - low
    if not (math.isfinite(size) and apart > 0):
        return least
    return min(MOST, max(least, math.ceil(math.log10(size / apart)) + 4))
