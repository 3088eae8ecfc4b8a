"""Which values differ by more than chance alone makes differ. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.association import Interval, wilson
from analytics.product.counting.autopsy.counts import AutopsyCounts, Values
from analytics.product.counting.autopsy.definition import FALSE_DISCOVERIES, FEW, RANGES, Autopsy, Factor
from analytics.spans.significance import corrected, fisher


class Split(NamedTuple):
    """Users who left and who went on."""

    left: int
    went_on: int

    @property
    def users(self) -> int:
        return self.left + self.went_on

    @property
    def share(self) -> float:
        """Of those who went on."""
        return self.went_on / self.users

    @property
    def interval(self) -> Interval:
        return wilson(self.went_on, self.users)


class Difference(NamedTuple):
    """``having`` the value or not; ``corrected``: for all that was tried."""

    factor: Factor
    having: Split
    others: Split
    p: float
    corrected: float

    @property
    def interval(self) -> Interval:
        """Of the difference of the shares who went on."""
        (low, high), (other_low, other_high) = self.having.interval, self.others.interval
        mine, theirs = self.having.share, self.others.share
        return Interval(
            mine - theirs - math.hypot(mine - low, other_high - theirs),
            mine - theirs + math.hypot(high - mine, theirs - other_low),
        )


def differences(asked: Autopsy, counts: AutopsyCounts) -> tuple[list[Difference], int]:
    """What differs, the surest first, each value at the moment where it does most; and how many values were tried."""
    tried: list[tuple[Factor, Split, Split]] = []

    def try_one(factor: Factor, having: NDArray[np.int64], everybody: NDArray[np.int64]) -> None:
        mine, others = Split(*having.tolist()), Split(*(everybody - having).tolist())
        if min(mine.users, others.users) >= asked.min_users:
            tried.append((factor, mine, others))

    for (moment, column), values in counts.texts.items():
        for text, row in values.items():
            try_one(Factor(moment, column, text=str(text)), row, counts.compared[moment])
    for (moment, column), values in counts.numbers.items():
        everybody = sum(values.values(), np.zeros(2, np.int64))
        for low, high in _ranges(values):
            having = sum((row for value, row in values.items() if low <= float(value) < high), np.zeros(2, np.int64))
            try_one(Factor(moment, column, low=low, high=high), having, everybody)
    p_values = np.array([_p(mine, others) for _, mine, others in tried])
    rates = corrected(p_values)
    found = [
        Difference(factor, mine, others, float(p), float(rate))
        for (factor, mine, others), p, rate in zip(tried, p_values, rates, strict=True)
        if rate <= FALSE_DISCOVERIES
    ]
    found.sort(key=lambda one: (one.p, one.having.share - one.others.share, one.factor))
    best: dict[tuple[str, str | None, float, float], Difference] = {}
    for one in found:
        low, high = (one.factor.low, one.factor.high) if one.factor.text is None else (0.0, 0.0)
        best.setdefault((one.factor.column, one.factor.text, low, high), one)
    return list(best.values()), len(tried)


def _ranges(values: Values) -> list[tuple[float, float]]:
    ordered = sorted(float(value) for value in values)
    sizes = np.cumsum([int(values[value].sum()) for value in ordered])
    at = [int(np.searchsorted(sizes, place * sizes[-1] / RANGES, "right")) for place in range(1, RANGES)]
    edges = sorted({ordered[min(place, len(ordered) - 1)] for place in at} - {ordered[0]})
    return list(zip([-math.inf, *edges], [*edges, math.inf], strict=True)) if edges else []


def _p(mine: Split, others: Split) -> float:
    total, left = mine.users + others.users, mine.left + others.left
    if not 0 < left < total:
        return 1.0
    share = left / total
    if min(share, 1 - share) * min(mine.users, others.users) >= FEW:
        spread = share * (1 - share) * (1 / mine.users + 1 / others.users)
        return math.erfc(abs(mine.share - others.share) / math.sqrt(2 * spread))
    more = fisher([mine.left], [mine.users], left, total)[0]
    fewer = fisher([mine.went_on], [mine.users], total - left, total)[0]
    return min(1.0, 2 * float(min(more, fewer)))
