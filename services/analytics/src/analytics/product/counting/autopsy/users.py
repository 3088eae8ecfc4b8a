"""The users again, for the values that differ: which of these still do among users who are alike, and some who left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.autopsy.compared import NO_NUMBER, ComparedUsers, compared_users, largest_of, texts_of
from analytics.product.counting.autopsy.definition import Autopsy, Factor
from analytics.product.counting.autopsy.differences import Difference
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import Day
from analytics.product.segments.segment import Ints
from analytics.spans.significance import within

SAMPLES = 5
"""Users who left that are shown for each value."""


@dataclass(kw_only=True)
class AutopsyUsers:
    """Users and what of ``factors`` each has: 1 or 0, and -1 who is not compared. ``samples``: some who left, by factor, with
    when they reached step n - 1; ``sampled`` has their hashes in the order in which they were found."""

    factors: Sequence[Factor]
    left: list[Bools] = field(default_factory=list)
    has: list[NDArray[np.int8]] = field(default_factory=list)
    samples: dict[Factor, dict[int, int]] = field(default_factory=dict)
    sampled: list[int] = field(default_factory=list)

    def add_bucket(self, asked: Autopsy, days: Iterable[Day]) -> Ints:
        """Adds the users of one bucket, and returns the hashes of new samples."""
        users = compared_users(asked, list(days))
        has = np.stack([self._has(users, factor) for factor in self.factors])
        self.left.append(users.left)
        self.has.append(has)
        known = set(self.sampled)
        for factor, mine in zip(self.factors, has, strict=True):
            samples = self.samples.setdefault(factor, {})
            for place in np.flatnonzero((mine == 1) & users.left)[: SAMPLES - len(samples)].tolist():
                samples[int(users.hashes[place])] = int(users.reached_ms[place])
        new = list(dict.fromkeys(user for one in self.samples.values() for user in one if user not in known))
        self.sampled.extend(new)
        return np.array(new, np.int64)

    @staticmethod
    def _has(users: ComparedUsers, factor: Factor) -> NDArray[np.int8]:
        if factor.text is None:
            largest = largest_of(users, factor.moment, factor.column)
            having, compared = (largest >= factor.low) & (largest < factor.high), largest > NO_NUMBER
            having &= compared
        else:
            texts, codes, mine = texts_of(users, factor.moment, factor.column)
            having, compared = np.zeros(len(users.left), np.bool_), users.at_moment[factor.moment]
            if factor.text in texts:
                having[mine[codes == texts.index(factor.text)]] = True
        return np.where(compared, having, -1).astype(np.int8)

    def alike(self, one: Difference, other: Factor) -> float:
        """The probability that chance alone makes ``one`` differ as much among users who are alike in ``other``."""
        left, has = np.concatenate(self.left), np.concatenate(self.has, axis=1)
        mine, groups = has[self.factors.index(one.factor)], has[self.factors.index(other)]
        kept = (mine >= 0) & (groups >= 0)
        bad = left if one.having.share < one.others.share else ~left
        return min(1.0, 2 * within(mine[kept] == 1, bad[kept], groups[kept]))
